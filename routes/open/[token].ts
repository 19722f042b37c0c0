import { define } from "../../lib/define.ts";
import { param, seeOther } from "../../lib/guards.ts";
import { PageError } from "../../lib/page_error.ts";

export const handler = define.handlers({
  /** Takes the link an admin made and leads to what it opens. */
  async GET(ctx) {
    const opened = await ctx.state.services.auth.openLink(ctx.req, param(ctx, "token"));
    if (!opened) {
      throw new PageError(404, "This link has expired or was withdrawn. Ask for a new one");
    }
    const response = seeOther(opened.path);
    response.headers.append("set-cookie", opened.cookie);
    return response;
  },
});
