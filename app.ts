/** The app: every middleware in order, on one screen. */
import { App, csp, HttpError, staticFiles } from "fresh";
import { isSamplePath } from "./lib/api/mod.ts";
import { AuthError, requireSameOrigin } from "./lib/auth/mod.ts";
import type { State } from "./lib/define.ts";
import { cspDirectives, secure } from "./lib/security.ts";
import type { Services } from "./lib/services.ts";

/** Makes the app on these services. */
export function createApp(services: Services): App<State> {
  const { config } = services;
  return new App<State>()
    .use(async (ctx) => secure(ctx.req, await ctx.next(), config))
    .use(csp({ useNonce: true, csp: cspDirectives(config) }))
    .use(async (ctx) => {
      ctx.state.services = services;
      ctx.state.identity = await services.auth.identify(ctx.req);
      return await ctx.next();
    })
    .use(staticFiles())
    .use((ctx) => {
      const { pathname } = ctx.url;
      // What speaks to machines answers failures in its own way, refusals of other sites included.
      if (pathname === "/healthz" || isSamplePath(pathname)) return services.api(ctx.req);
      if (pathname.startsWith("/api/")) return ctx.next();
      try {
        requireSameOrigin(ctx.req);
      } catch (error) {
        if (error instanceof AuthError) throw new HttpError(403, error.message);
        throw error;
      }
      return ctx.next();
    })
    .fsRoutes();
}
