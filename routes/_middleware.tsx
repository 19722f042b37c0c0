import { SetUp } from "../components/SetUp.tsx";
import { define } from "../lib/define.ts";
import { toPageError } from "../lib/page_error.ts";

/** Machines' addresses: they answer in their own way, not with pages. */
const NOT_PAGES = /^\/(api|emulator)\//;

/** Every page says what is missing where nothing is configured, and answers errors by status. */
export default define.middleware(async (ctx) => {
  if (NOT_PAGES.test(ctx.url.pathname)) return ctx.next();
  const { platform } = ctx.state.services.config;
  if (platform.kind === "missing") {
    return ctx.render(<SetUp variables={platform.variables} />, { status: 503 });
  }
  try {
    const response = await ctx.next();
    // What a page shows depends on who asks and when.
    if (!response.headers.has("cache-control")) {
      response.headers.set("cache-control", "private, no-cache");
    }
    return response;
  } catch (error) {
    throw toPageError(error) ?? error;
  }
});
