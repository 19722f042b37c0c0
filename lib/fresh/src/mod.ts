/**
 * `fresh`: the part of Fresh 2.3's public interface that this application uses, over Hono's router
 * and preact-render-to-string. Its documentation is Fresh's own.
 *
 * @module
 */
export { App, type ListenOptions } from "./app.ts";
export type { Context } from "./context.ts";
export { createDefine, type Define, page } from "./define.ts";
export { HttpError } from "./error.ts";
export { csp, type CSPOptions, csrf, type CsrfOptions, staticFiles } from "./middlewares.ts";
export type {
  FreshConfig,
  HandlerByMethod,
  HandlerFn,
  LayoutConfig,
  Method,
  Middleware,
  PageProps,
  PageResponse,
  ResolvedFreshConfig,
  RouteConfig,
  RouteHandler,
} from "./types.ts";
