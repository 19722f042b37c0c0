import type { AnyComponent } from "preact";
import type { Context } from "./context.ts";

/** HTTP methods that a route can answer. */
export type Method = "HEAD" | "GET" | "POST" | "PATCH" | "PUT" | "DELETE" | "OPTIONS";

/** Answers a request, or calls `ctx.next()` for somebody further in to answer it. */
export type Middleware<State> = (ctx: Context<State>) => Response | Promise<Response>;

/** What a handler returns to have its page rendered. Made by {@linkcode page}. */
export interface PageResponse<Data> {
  data: Data;
  headers?: HeadersInit;
  status?: number;
}

/** Answers a request, or returns the data of the page to render. */
export interface HandlerFn<Data, State> {
  (ctx: Context<State>): Response | PageResponse<Data> | Promise<Response | PageResponse<Data>>;
}

/** A handler for each method; other methods get 405, HEAD falls back to GET. */
export type HandlerByMethod<Data, State> = { [M in Method]?: HandlerFn<Data, State> };

/** One handler for every method, or one for each. */
export type RouteHandler<Data, State> = HandlerFn<Data, State> | HandlerByMethod<Data, State>;

/** What pages, layouts, the app wrapper and error pages receive. */
export type PageProps<Data = unknown, State = unknown> =
  & Pick<
    Context<State>,
    "config" | "url" | "req" | "params" | "info" | "state" | "Component" | "error" | "route"
  >
  & { data: Data };

/** A page, layout or app wrapper; it may be async. */
export type RouteComponent<State> = AnyComponent<PageProps<unknown, State>>;

/** What a layout may opt out of. */
export interface LayoutConfig {
  /** Leave out the layouts of the folders above. */
  skipInheritedLayouts?: boolean;
  /** Leave out `_app`. */
  skipAppWrapper?: boolean;
}

/** What a route may set with `export const config`. */
export interface RouteConfig extends LayoutConfig {
  /** Replaces the pattern that the file's name gives. */
  routeOverride?: string;
}

/** A route as an object: `app.route()`, `app.onError()`, `app.notFound()`. */
export interface Route<State> {
  component?: RouteComponent<State>;
  config?: RouteConfig;
  handler?: RouteHandler<unknown, State>;
}

/** How an app runs. */
export interface FreshConfig {
  mode?: "development" | "production";
}

/** The configuration with its defaults filled in. */
export interface ResolvedFreshConfig {
  root: string;
  mode: "development" | "production";
}
