import { type Command, compile, toRoute } from "./compile.ts";
import { Context, contextSnapshots } from "./context.ts";
import { HttpError } from "./error.ts";
import { fsCommands } from "./fs_routes.ts";
import { segmentsOf } from "./patterns.ts";
import { snapshotOf } from "./snapshot.ts";
import type {
  FreshConfig,
  LayoutConfig,
  Method,
  Middleware,
  ResolvedFreshConfig,
  Route,
  RouteComponent,
} from "./types.ts";

/** How an app listens. */
export type ListenOptions = Partial<Deno.ServeTcpOptions & Deno.TlsCertifiedKeyPem>;

/** A handler as `Deno.serve` takes it. */
export type Handler = (request: Request, info?: Deno.ServeHandlerInfo) => Promise<Response>;

const NO_CONNECTION: Deno.ServeHandlerInfo = {
  remoteAddr: { transport: "tcp", hostname: "localhost", port: 1234 },
  completed: Promise.resolve(),
};

/** An application: what is called on it first comes first. */
export class App<State> {
  config: ResolvedFreshConfig;
  #commands: (Command<State> | "fsRoutes")[] = [];

  constructor({ mode = "production" }: FreshConfig = {}) {
    this.config = { root: ".", mode };
  }

  /** Adds middlewares, for all that comes after or only below a path. */
  use(...middlewares: Middleware<State>[]): this;
  use(path: string, ...middlewares: Middleware<State>[]): this;
  use(first: string | Middleware<State>, ...rest: Middleware<State>[]): this {
    return typeof first === "string"
      ? this.#add({ kind: "middleware", at: segmentsOf(first), fns: rest })
      : this.#add({ kind: "middleware", at: [], fns: [first, ...rest] });
  }

  /** Answers every 404. */
  notFound(route: Route<State> | Middleware<State>): this {
    return this.#add({ kind: "notFound", at: [], route: toRoute(route) });
  }

  /** Answers errors from below a path. */
  onError(path: string, route: Route<State> | Middleware<State>): this {
    return this.#add({ kind: "error", at: segmentsOf(path), route: toRoute(route) });
  }

  /** Sets the outermost component, which writes `<html>`. */
  appWrapper(component: RouteComponent<State>): this {
    return this.#add({ kind: "app", at: [], component });
  }

  /** Wraps the pages below a path. */
  layout(path: string, component: RouteComponent<State>, config?: LayoutConfig): this {
    return this.#add({ kind: "layout", at: segmentsOf(path), component, config });
  }

  /** Adds a page with its handlers. */
  route(path: string, route: Route<State>): this {
    return this.#add({ kind: "route", at: segmentsOf(path), pattern: path, route });
  }

  /** Answers GET, and HEAD. */
  get(path: string, ...fns: Middleware<State>[]): this {
    return this.#on("GET", path, fns);
  }
  /** Answers POST. */
  post(path: string, ...fns: Middleware<State>[]): this {
    return this.#on("POST", path, fns);
  }
  /** Answers PUT. */
  put(path: string, ...fns: Middleware<State>[]): this {
    return this.#on("PUT", path, fns);
  }
  /** Answers DELETE. */
  delete(path: string, ...fns: Middleware<State>[]): this {
    return this.#on("DELETE", path, fns);
  }
  /** Answers every method. */
  all(path: string, ...fns: Middleware<State>[]): this {
    return this.#on("ALL", path, fns);
  }

  /** Puts the routes of `routes/` here. */
  fsRoutes(): this {
    return this.#add("fsRoutes");
  }

  #on(method: Method | "ALL", pattern: string, fns: Middleware<State>[]): this {
    return this.#add({ kind: "handler", at: segmentsOf(pattern), pattern, method, fns });
  }

  #add(command: Command<State> | "fsRoutes"): this {
    this.#commands.push(command);
    return this;
  }

  /** Makes the function that answers requests. */
  handler(): Handler {
    const snapshot = snapshotOf(this);
    const { find, unmatched } = compile(
      this.#commands.flatMap((command) =>
        command === "fsRoutes" ? fsCommands<State>(snapshot?.routes ?? []) : command
      ),
    );
    return async (req, info = NO_CONNECTION) => {
      const url = new URL(req.url);
      url.pathname = url.pathname.replaceAll(/\/+/g, "/");
      const found = find(req.method, url.pathname);
      const { route = null, params = {}, methods } = found ?? {};
      const fallback = () => Promise.resolve(answerUnhandled(req.method, methods));
      const ctx = new Context<State>(req, url, info, route, params, this.config, fallback);
      if (snapshot) contextSnapshots.set(ctx, snapshot);
      try {
        const response = await (found?.run ?? unmatched)(ctx);
        if (!(response instanceof Response)) {
          throw new TypeError(`Expected a Response from ${req.method} ${url.pathname}`);
        }
        return req.method === "HEAD" ? new Response(null, response) : response;
      } catch (error) {
        return answerError(error);
      }
    };
  }

  /** Serves the app; without a port, on the first free one from 8000. */
  // deno-lint-ignore require-await -- upstream's signature
  async listen(options: ListenOptions = {}): Promise<void> {
    serve(this.handler(), options);
  }
}

/** What happens when no handler answered: 404, 405, or the methods that would be answered. */
function answerUnhandled(method: string, methods: string[] | undefined): Response {
  if (!methods) throw new HttpError(404);
  if (method !== "OPTIONS") throw new HttpError(405);
  return new Response(null, { status: 204, headers: { allow: methods.join(", ") } });
}

/** The last resort when no error page answered. */
function answerError(error: unknown): Response {
  const status = error instanceof HttpError ? error.status : 500;
  // deno-lint-ignore no-console -- an unexpected error must be seen
  if (status >= 500) console.error(error);
  const message = error instanceof HttpError && error.message || `Error ${status}`;
  return new Response(message, { status });
}

/** Listens and prints the address once. */
export function serve(handler: Handler, options: ListenOptions): void {
  const onListen = ({ hostname, port }: Deno.NetAddr) => {
    const host = hostname === "0.0.0.0" || hostname === "::" ? "localhost" : hostname;
    // deno-lint-ignore no-console -- whoever starts the server wants to open it
    console.log(`Fresh ready: http${options.key ? "s" : ""}://${host}:${port}/`);
  };
  const last = options.port ?? 8019;
  for (let port = options.port ?? 8000; port <= last; port++) {
    try {
      Deno.serve({ onListen, ...options, port }, handler);
      return;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse) || port === last) throw error;
    }
  }
}
