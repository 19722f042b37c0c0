import { define } from "../lib/define.ts";
import { seeOther } from "../lib/guards.ts";

export const handler = define.handlers({
  /** Somebody who types the address finds the way in; only the button signs out. */
  GET: () => seeOther("/sign-in"),
  POST(ctx) {
    const response = seeOther("/");
    response.headers.append("set-cookie", ctx.state.services.auth.signOut(ctx.req));
    return response;
  },
});
