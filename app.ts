/** The app: every middleware in order, on one screen. */
import { App, csp, HttpError, staticFiles } from "fresh";
import { h } from "preact";
import { ErrorPage } from "./components/ErrorPage.tsx";
import { hostRemedy, isAllowedHost } from "./lib/allowed_host.ts";
import { isSamplePath } from "./lib/api/mod.ts";
import { problemResponse, RequestError, traceOf } from "./lib/api/problem.ts";
import { AuthError, requireSameOrigin } from "./lib/auth/mod.ts";
import type { State } from "./lib/define.ts";
import { log } from "./lib/log.ts";
import { PageError } from "./lib/page_error.ts";
import { cspDirectives, secure } from "./lib/security.ts";
import type { Services } from "./lib/services.ts";

/** Makes the app on these services. */
export function createApp(services: Services): App<State> {
  const { config } = services;
  return new App<State>()
    .use(async (ctx) => secure(ctx.req, await ctx.next()))
    .use(csp({ useNonce: true, csp: cspDirectives(config) }))
    .use(async (ctx) => {
      ctx.state.services = services;
      ctx.state.identity = { role: "nobody", scopes: [] };
      // Rendered here and not by `_error`, which lies outside the policy above.
      try {
        return await ctx.next();
      } catch (error) {
        const status = error instanceof HttpError ? error.status : 500;
        if (status === 500) {
          log("error", "page failed", {
            method: ctx.req.method,
            // The rest of a link's address is what opens it.
            path: ctx.url.pathname.replace(/^\/open\/.*/, "/open/…"),
            error: traceOf(error),
          });
        }
        return await ctx.render(h(ErrorPage, { error, url: ctx.url }), { status });
      }
    })
    .use(async (ctx) => {
      if (isAllowedHost(ctx.url, config)) return await ctx.next();
      const remedy = hostRemedy(ctx.url);
      if (!isForMachines(ctx.url.pathname)) throw new PageError(421, remedy);
      return problemResponse(new RequestError(421, remedy), ctx.req);
    })
    .use(staticFiles())
    .use(async (ctx) => {
      const { pathname } = ctx.url;
      // The emulator has its own clients, tokens and limits.
      if (pathname.startsWith("/emulator/")) return await ctx.next();
      ctx.state.identity = await services.auth.identify(ctx.req);
      // What speaks to machines answers failures in its own way, refusals of other sites included.
      if (pathname === "/healthz" || isSamplePath(pathname)) return await services.api(ctx.req);
      if (pathname.startsWith("/api/")) return await ctx.next();
      try {
        requireSameOrigin(ctx.req);
      } catch (error) {
        if (error instanceof AuthError) throw new HttpError(403, error.message);
        throw error;
      }
      return await ctx.next();
    })
    .fsRoutes();
}

/** Addresses that programs ask, not people. */
function isForMachines(pathname: string): boolean {
  return /^\/(api|emulator|healthz)(\/|$)/.test(pathname) || isSamplePath(pathname);
}
