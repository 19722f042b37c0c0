import { HttpError } from "fresh";
import { define } from "../../lib/define.ts";

/** Everything under /emulator is the emulator's, its WebSocket included. */
export const handler = define.handlers((ctx) => {
  const { emulator } = ctx.state.services;
  if (!emulator) throw new HttpError(404);
  return emulator.fetch(ctx.req);
});
