import type { AnyComponent } from "preact";
import type {
  HandlerByMethod,
  HandlerFn,
  Middleware,
  PageProps,
  PageResponse,
  RouteHandler,
} from "./types.ts";

/** Typed identity functions for one application's routes; see {@linkcode createDefine}. */
export interface Define<State> {
  /** A route's handler: one function, or one for each method. */
  handlers<
    Data,
    Handlers extends RouteHandler<Data, State> = RouteHandler<Data, State>,
  >(
    handlers: Handlers,
  ): typeof handlers;
  /** A page; `define.page<typeof handler>` gives it the type of the handler's data. */
  page<
    // deno-lint-ignore no-explicit-any -- `unknown` would reject handlers whose data is narrower
    Handler extends RouteHandler<any, State> = never,
    Data = Handler extends HandlerFn<infer Data, State> ? Data
      : Handler extends HandlerByMethod<infer Data, State> ? Data
      : never,
  >(render: AnyComponent<PageProps<Data, State>>): typeof render;
  /** A layout; it renders `props.Component` where the page goes. */
  layout(render: AnyComponent<PageProps<unknown, State>>): typeof render;
  /** A middleware, or several. */
  middleware<M extends Middleware<State> | Middleware<State>[]>(
    middleware: M,
  ): typeof middleware;
}

/** Makes the `define` of an application whose `ctx.state` has the type `State`. */
export function createDefine<State>(): Define<State> {
  return {
    handlers: (handlers) => handlers,
    page: (render) => render,
    layout: (render) => render,
    middleware: (middleware) => middleware,
  };
}

/**
 * Has the route's page rendered with this data.
 *
 * @example
 * ```ts
 * export const handler = define.handlers({ GET: () => page({ rooms: 3 }, { status: 201 }) });
 * ```
 */
export function page<Data>(
  data: Data,
  options?: { headers?: HeadersInit; status?: number },
): PageResponse<Data>;
export function page(): PageResponse<undefined>;
export function page(
  data?: unknown,
  options?: { headers?: HeadersInit; status?: number },
): PageResponse<unknown> {
  return { data, headers: options?.headers, status: options?.status };
}
