import { define } from "../../lib/define.ts";

/** Everything under /api is the Hono app's. */
export const handler = define.handlers((ctx) => ctx.state.services.api(ctx.req));
