import { TrieRouter } from "hono/router/trie-router";
import {
  Context,
  contextSnapshots,
  type Frame,
  frames,
  renderComponent,
  type WebSocketHandlers,
  type WebSocketUpgradeOptions,
} from "./context.ts";
import { HttpError } from "./error.ts";
import { fsCommands } from "./fs_routes.ts";
import { isStatic, joinPath, segmentsOf, variantsOf } from "./patterns.ts";
import { snapshotOf } from "./snapshot.ts";
import type {
  FreshConfig,
  HandlerFn,
  LayoutConfig,
  MaybeLazy,
  MaybeLazyMiddleware,
  Method,
  Middleware,
  ResolvedFreshConfig,
  Route,
  RouteComponent,
  RouteConfig,
} from "./types.ts";

/** How an app listens. */
export type ListenOptions = Partial<
  Deno.ServeTcpOptions & Deno.TlsCertifiedKeyPem
>;

/** A handler as `Deno.serve` takes it. */
export type Handler = (
  request: Request,
  info?: Deno.ServeHandlerInfo,
) => Promise<Response>;

/** Something that applies to every route below a path. `at` is that path, cut into segments. */
type Inherited<State> =
  | { kind: "middleware"; at: string[]; fns: MaybeLazyMiddleware<State>[] }
  | {
    kind: "layout";
    at: string[];
    component: RouteComponent<State>;
    config?: LayoutConfig;
  }
  | { kind: "error"; at: string[]; route: Route<State> }
  | { kind: "app"; at: string[]; component: RouteComponent<State> }
  | { kind: "notFound"; at: string[]; route: Route<State> };

/** Something that answers. It inherits from every prefix of `at` and of its pattern. */
interface Endpoint<State> {
  kind: "endpoint";
  /** Folders with their route groups, for what comes from files. */
  at: string[];
  pattern: string;
  methods: Method[] | "ALL";
  fns: MaybeLazyMiddleware<State>[];
}

/** One step of an app's chain of calls. */
export type Command<State> =
  | Inherited<State>
  | Endpoint<State>
  | { kind: "fsRoutes"; at: string[]; pattern: string };

interface Scope<State> {
  middlewares: MaybeLazyMiddleware<State>[];
  app?: RouteComponent<State>;
  layout?: { component: RouteComponent<State>; config?: LayoutConfig };
  error?: Route<State>;
}

type Run<State> = (ctx: Context<State>) => Promise<Response>;
type Entry<State> = { pattern: string; runs: Map<Method | "ALL", Run<State>> };

const NO_CONNECTION: Deno.ServeHandlerInfo = {
  remoteAddr: { transport: "tcp", hostname: "localhost", port: 1234 },
  completed: Promise.resolve(),
};

/** An application: what is called on it first comes first. */
export class App<State> {
  config: ResolvedFreshConfig;
  #commands: Command<State>[] = [];

  constructor(config: FreshConfig = {}) {
    this.config = {
      root: ".",
      basePath: config.basePath ?? "",
      mode: config.mode ?? "production",
      trustProxy: config.trustProxy ?? false,
    };
  }

  /** Adds middlewares, for all that comes after or only below a path. */
  use(...middlewares: MaybeLazyMiddleware<State>[]): this;
  use(path: string, ...middlewares: MaybeLazyMiddleware<State>[]): this;
  use(
    first: string | MaybeLazyMiddleware<State>,
    ...rest: MaybeLazyMiddleware<State>[]
  ): this {
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
    return this.#add({
      kind: "error",
      at: segmentsOf(path),
      route: toRoute(route),
    });
  }

  /** Sets the outermost component, which writes `<html>`. */
  appWrapper(component: RouteComponent<State>): this {
    return this.#add({ kind: "app", at: [], component });
  }

  /** Wraps the pages below a path. */
  layout(
    path: string,
    component: RouteComponent<State>,
    config?: LayoutConfig,
  ): this {
    return this.#add({
      kind: "layout",
      at: segmentsOf(path),
      component,
      config,
    });
  }

  /** Adds a page with its handlers. */
  route(
    path: string,
    route: MaybeLazy<Route<State>>,
    config?: RouteConfig,
  ): this {
    return this.#add(routeEndpoint(path, segmentsOf(path), route, config));
  }

  get(path: string, ...fns: MaybeLazy<Middleware<State>>[]): this {
    return this.#on(["GET"], path, fns);
  }
  post(path: string, ...fns: MaybeLazy<Middleware<State>>[]): this {
    return this.#on(["POST"], path, fns);
  }
  patch(path: string, ...fns: MaybeLazy<Middleware<State>>[]): this {
    return this.#on(["PATCH"], path, fns);
  }
  put(path: string, ...fns: MaybeLazy<Middleware<State>>[]): this {
    return this.#on(["PUT"], path, fns);
  }
  delete(path: string, ...fns: MaybeLazy<Middleware<State>>[]): this {
    return this.#on(["DELETE"], path, fns);
  }
  head(path: string, ...fns: MaybeLazy<Middleware<State>>[]): this {
    return this.#on(["HEAD"], path, fns);
  }
  /** Answers every method. */
  all(path: string, ...fns: MaybeLazy<Middleware<State>>[]): this {
    return this.#on("ALL", path, fns);
  }
  /** Adds a WebSocket endpoint. */
  ws(
    path: string,
    handlers: WebSocketHandlers,
    options?: WebSocketUpgradeOptions,
  ): this {
    return this.get(path, (ctx) => ctx.upgrade(handlers, options));
  }

  /** Puts the routes of `routes/` here. */
  fsRoutes(pattern = "*"): this {
    return this.#add({ kind: "fsRoutes", at: segmentsOf(pattern), pattern });
  }

  /** Puts another app here, below a path. */
  mountApp(path: string, app: App<State>): this {
    const base = joinPath(path, app.config.basePath);
    const at = segmentsOf(base);
    for (const command of app.#commands) {
      this.#add(
        "pattern" in command
          ? {
            ...command,
            at: [...at, ...command.at],
            pattern: joinPath(base, command.pattern),
          }
          : { ...command, at: [...at, ...command.at] },
      );
    }
    return this;
  }

  #on(
    methods: Method[] | "ALL",
    pattern: string,
    fns: MaybeLazy<Middleware<State>>[],
  ): this {
    return this.#add({
      kind: "endpoint",
      at: segmentsOf(pattern),
      pattern,
      methods,
      fns,
    });
  }

  #add(command: Command<State>): this {
    this.#commands.push(command);
    return this;
  }

  /** Makes the function that answers requests. */
  handler(): Handler {
    const snapshot = snapshotOf(this);
    const { basePath, trustProxy } = this.config;
    const { find, unmatched } = compile(
      this.#commands.flatMap((command) =>
        command.kind === "fsRoutes"
          ? fsCommands<State>(snapshot?.routes ?? [], command.pattern)
          : command
      ),
      basePath,
    );

    return async (req, info = NO_CONNECTION) => {
      const url = new URL(req.url);
      url.pathname = url.pathname.replaceAll(/\/+/g, "/");
      if (trustProxy) {
        url.protocol = req.headers.get("x-forwarded-proto") ?? url.protocol;
        url.host = req.headers.get("x-forwarded-host") ?? url.host;
      }
      const method = req.method.toUpperCase();
      const match = find(url.pathname);
      const runs = match?.entry.runs;
      const run = runs?.get(method as Method) ??
        (method === "HEAD" ? runs?.get("GET") : undefined) ?? runs?.get("ALL");
      const ctx = new Context<State>(
        req,
        url,
        info,
        match?.entry.pattern ?? null,
        match?.params ?? {},
        this.config,
        () => fallback(method, runs),
      );
      if (snapshot) contextSnapshots.set(ctx, snapshot);
      try {
        const response = await (run ?? unmatched)(ctx);
        if (!(response instanceof Response)) {
          throw new TypeError(
            `Expected a Response from ${method} ${url.pathname}`,
          );
        }
        return method === "HEAD" ? new Response(null, response) : response;
      } catch (error) {
        return plainError(error);
      }
    };
  }

  /** Serves the app; without a port, on the first free one from 8000. */
  // deno-lint-ignore require-await -- upstream's signature
  async listen(options: ListenOptions = {}): Promise<void> {
    serve(this.handler(), options, this.config.basePath);
  }
}

/** Answers what no handler answered. */
function fallback(
  method: string,
  runs?: Map<string, unknown>,
): Promise<Response> {
  if (!runs) throw new HttpError(404);
  if (method !== "OPTIONS") throw new HttpError(405);
  return Promise.resolve(
    new Response(null, {
      status: 204,
      headers: { allow: [...runs.keys()].join(", ") },
    }),
  );
}

/** The last resort when no error page answered. */
function plainError(error: unknown): Response {
  if (error instanceof HttpError && error.status < 500) {
    return new Response(error.message || `Error ${error.status}`, {
      status: error.status,
    });
  }
  // deno-lint-ignore no-console -- an unexpected error must be seen
  console.error(error);
  return error instanceof HttpError
    ? new Response(error.message || `Error ${error.status}`, {
      status: error.status,
    })
    : new Response("Internal server error", { status: 500 });
}

/** Listens and prints the address once. */
export function serve(
  handler: Handler,
  options: ListenOptions,
  basePath: string,
): void {
  const announce = ({ hostname, port }: Deno.NetAddr) => {
    const host = hostname === "0.0.0.0" || hostname === "::" ? "localhost" : hostname;
    const scheme = "key" in options && options.key ? "https" : "http";
    // deno-lint-ignore no-console -- whoever starts the server wants to open it
    console.log(`Fresh ready: ${scheme}://${host}:${port}${basePath}/`);
  };
  const ports = options.port === undefined ? Array.from({ length: 20 }, (_, i) => 8000 + i) : [];
  for (const port of options.port === undefined ? ports : [options.port]) {
    try {
      Deno.serve({ onListen: announce, ...options, port }, handler);
      return;
    } catch (error) {
      if (
        !(error instanceof Deno.errors.AddrInUse) ||
        port === (ports.at(-1) ?? port)
      ) throw error;
    }
  }
}

function toRoute<State>(route: Route<State> | Middleware<State>): Route<State> {
  return typeof route === "function" ? { handler: route } : route;
}

/** The endpoint of a route with a component, handlers, or both. */
export function routeEndpoint<State>(
  pattern: string,
  at: string[],
  route: MaybeLazy<Route<State>>,
  config?: RouteConfig,
): Endpoint<State> {
  const lazy = typeof route === "function";
  const methods = lazy || typeof route.handler === "function" || !route.handler
    ? "ALL"
    : methodsOf(route);
  const run: Middleware<State> = async (ctx) =>
    renderRoute(ctx, lazy ? await route() : { config, ...route });
  const override = lazy ? config?.routeOverride : (route.config ?? config)?.routeOverride;
  return {
    kind: "endpoint",
    at,
    pattern: override ?? pattern,
    methods,
    fns: [run],
  };
}

function methodsOf<State>(route: Route<State>): Method[] {
  const methods = Object.keys(route.handler ?? {}) as Method[];
  return route.component && !methods.includes("GET") ? ["GET", ...methods] : methods;
}

/** Runs a route's handler and renders its page. */
async function renderRoute<State>(
  ctx: Context<State>,
  { handler, component, config }: Route<State>,
  status = 200,
): Promise<Response> {
  const method = ctx.req.method.toUpperCase() as Method;
  const fn: HandlerFn<unknown, State> | undefined = typeof handler === "function"
    ? handler
    : handler?.[method] ?? (method === "HEAD" ? handler?.GET : undefined);
  if (!fn && !component) return ctx.next();
  const result = fn ? await fn(ctx) : { data: undefined };
  if (result instanceof Response) return result;

  return await withFrame(ctx, (frame) => ({
    app: config?.skipAppWrapper ? null : frame.app,
    layouts: config?.skipInheritedLayouts ? [] : frame.layouts,
  }), async () => {
    const vnode = component ? await renderComponent(ctx, component, result.data, () => null) : null;
    if (vnode instanceof Response) return vnode;
    return await ctx.render(vnode, {
      status: result.status ?? status,
      headers: result.headers,
    });
  });
}

/** Renders into another frame for a while. */
async function withFrame<State>(
  ctx: Context<State>,
  change: (frame: Frame<State>) => Frame<State>,
  run: () => Promise<Response>,
): Promise<Response> {
  const outer: Frame<State> = frames.get(ctx) ?? { app: null, layouts: [] };
  frames.set(ctx, change(outer));
  try {
    return await run();
  } finally {
    frames.set(ctx, outer);
  }
}

/** Turns the chain of calls into a router. */
function compile<State>(
  commands: Exclude<Command<State>, { kind: "fsRoutes" }>[],
  basePath: string,
) {
  const scopes = new Map<string, Scope<State>>();
  let notFound: Route<State> | undefined;
  const router = new TrieRouter<Entry<State>>();
  const entries = new Map<string, Entry<State>>();

  scopes.set("", { middlewares: [] });

  const scopeAt = (at: string[]): Scope<State> => {
    const key = at.join("/");
    const scope = scopes.get(key) ?? { middlewares: [] };
    scopes.set(key, scope);
    return scope;
  };

  /** What applies at a place now; later additions do not count. */
  const chainFor = (...places: string[][]): Scope<State>[] => {
    const keys = new Map<string, number>();
    for (const at of places) {
      for (let n = 0; n <= at.length; n++) {
        keys.set(at.slice(0, n).join("/"), n);
      }
    }
    return [...keys].sort((a, b) => a[1] - b[1]).flatMap(([key]) => {
      const scope = scopes.get(key);
      return scope ? [{ ...scope, middlewares: [...scope.middlewares] }] : [];
    });
  };

  for (const command of commands) {
    switch (command.kind) {
      case "middleware":
        scopeAt(command.at).middlewares.push(...command.fns);
        break;
      case "layout":
        scopeAt(command.at).layout = command;
        break;
      case "error":
        scopeAt(command.at).error = command.route;
        break;
      case "app":
        scopeAt([]).app = command.component;
        break;
      case "notFound":
        notFound = command.route;
        break;
      case "endpoint": {
        const pattern = joinPath(basePath, command.pattern);
        const chain = chainFor(command.at, segmentsOf(command.pattern));
        const run = compose([
          ...stepsOf(chain, () => notFound),
          ...command.fns.map(toStep),
        ]);
        let entry = entries.get(pattern);
        if (!entry) {
          entry = { pattern, runs: new Map() };
          entries.set(pattern, entry);
          for (const path of variantsOf(pattern)) {
            router.add("ALL", path, entry);
          }
        }
        for (
          const method of command.methods === "ALL" ? ["ALL" as const] : command.methods
        ) {
          if (!entry.runs.has(method)) entry.runs.set(method, run);
        }
        break;
      }
    }
  }

  const matchesOf = (pathname: string) => {
    const [matches] = router.match("ALL", pathname);
    return matches.map(([entry, params]) => ({
      entry,
      params: decodeParams(params),
    }));
  };

  return {
    /** The route of an address: a static one if there is one, else the first that fits. */
    find(pathname: string) {
      let matches = matchesOf(pathname);
      if (
        matches.length === 0 && pathname.length > 1 && pathname.endsWith("/")
      ) {
        matches = matchesOf(pathname.slice(0, -1));
      }
      return matches.find(({ entry }) => isStatic(entry.pattern)) ?? matches[0];
    },
    unmatched: compose(stepsOf(chainFor([]), () => notFound)),
  };
}

function decodeParams(
  params: Record<string, string | number>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => {
      try {
        return [name, decodeURI(String(value))];
      } catch {
        return [name, String(value)];
      }
    }),
  );
}

type Step<State> = (ctx: Context<State>) => Promise<Response>;

/** A middleware, which may turn out to be a function that loads one. */
function toStep<State>(fn: MaybeLazyMiddleware<State>): Step<State> {
  return async (ctx) => {
    const result = await fn(ctx);
    return typeof result === "function" ? await result(ctx) : result;
  };
}

/** For each scope: its frame with its error page, then its middlewares inside. */
function stepsOf<State>(
  chain: Scope<State>[],
  notFound: () => Route<State> | undefined,
): Step<State>[] {
  return chain.flatMap(
    ({ app, layout, error: page, middlewares }): Step<State>[] => {
      const inner = (outer: Frame<State>): Frame<State> => ({
        app: layout?.config?.skipAppWrapper ? null : app ?? outer.app,
        layouts: [
          ...layout?.config?.skipInheritedLayouts ? [] : outer.layouts,
          ...layout ? [layout.component] : [],
        ],
      });
      const step: Step<State> = (ctx) =>
        withFrame(ctx, inner, async () => {
          try {
            return await ctx.next();
          } catch (error) {
            ctx.error = error;
            const status = error instanceof HttpError ? error.status : 500;
            const answer = (status === 404 ? notFound() : undefined) ?? page;
            if (!answer) throw error;
            return await renderRoute(ctx, answer, status);
          }
        });
      return [step, ...middlewares.map(toStep)];
    },
  );
}

/** Makes one function of steps that call each other through `ctx.next()`. */
function compose<State>(steps: Step<State>[]): Run<State> {
  return (ctx) => {
    const last = ctx.next;
    const dispatch = async (i: number): Promise<Response> => {
      const step = steps[i];
      if (!step) return await last();
      ctx.next = () => dispatch(i + 1);
      return await step(ctx);
    };
    return dispatch(0);
  };
}
