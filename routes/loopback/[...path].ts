import { HttpError } from "fresh";
import { define } from "../../lib/define.ts";

/** Everything under /loopback is the stand-in platform's, its WebSocket included. */
export const handler = define.handlers((ctx) => {
  const { loopback } = ctx.state.services;
  if (!loopback) throw new HttpError(404);
  return loopback.fetch(ctx.req);
});
