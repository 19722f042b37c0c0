import { define } from "../../../lib/define.ts";
import { param, seeOther, signInFirst } from "../../../lib/guards.ts";

export const handler = define.handlers({
  /** Withdraws a link; withdrawn twice is withdrawn. */
  async POST(ctx) {
    const away = signInFirst(ctx, "/links");
    if (away) return away;
    await ctx.state.services.auth.deleteLink(param(ctx, "id"));
    return seeOther("/links");
  },
});
