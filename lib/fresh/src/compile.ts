/** Turns an app's chain of calls into a router with ready-made chains of functions. */
import { TrieRouter } from "hono/router/trie-router";
import { type Context, type Frame, frames, renderComponent } from "./context.ts";
import { HttpError } from "./error.ts";
import { isStatic, segmentsOf, variantsOf } from "./patterns.ts";
import type { LayoutConfig, Method, Middleware, Route, RouteComponent } from "./types.ts";

/**
 * One call on an app. It applies to, or inherits from, the place `at`: the segments of a path, with
 * the route groups if it comes from a file.
 */
export type Command<State> =
  & { at: string[] }
  & (
    | { kind: "middleware"; fns: Middleware<State>[] }
    | { kind: "layout"; component: RouteComponent<State>; config?: LayoutConfig }
    | { kind: "app"; component: RouteComponent<State> }
    | { kind: "error"; route: Route<State> }
    | { kind: "notFound"; route: Route<State> }
    | { kind: "route"; pattern: string; route: Route<State> }
    | { kind: "handler"; pattern: string; method: Method | "ALL"; fns: Middleware<State>[] }
  );

/** What a place passes down to all that is below it. */
interface Scope<State> {
  middlewares: Middleware<State>[];
  app?: RouteComponent<State>;
  layout?: { component: RouteComponent<State>; config?: LayoutConfig };
  error?: Route<State>;
}

type Run<State> = (ctx: Context<State>) => Promise<Response>;

/** All that was added under one pattern. */
interface Entry<State> {
  pattern: string;
  runs: Map<string, Run<State>>;
}

/** A handler alone is a route, too. */
export function toRoute<State>(route: Route<State> | Middleware<State>): Route<State> {
  return typeof route === "function" ? { handler: route } : route;
}

/** Compiles an app. `find` gives the route of an address, `unmatched` answers all others. */
export function compile<State>(commands: Command<State>[]) {
  const scopes = new Map<string, Scope<State>>([["", { middlewares: [] }]]);
  const router = new TrieRouter<Entry<State>>();
  const entries = new Map<string, Entry<State>>();
  let notFound: Route<State> | undefined;

  const scopeAt = (at: string[]): Scope<State> => {
    const scope = scopes.get(at.join("/")) ?? { middlewares: [] };
    scopes.set(at.join("/"), scope);
    return scope;
  };

  /** The scopes above these places, outermost first, as they are now: later calls do not count. */
  const scopesAbove = (...places: string[][]): Scope<State>[] => {
    const depths = new Map<string, number>();
    for (const at of places) {
      for (let depth = 0; depth <= at.length; depth++) {
        depths.set(at.slice(0, depth).join("/"), depth);
      }
    }
    return [...depths].sort((a, b) => a[1] - b[1]).flatMap(([key]) => {
      const scope = scopes.get(key);
      return scope ? [{ ...scope, middlewares: [...scope.middlewares] }] : [];
    });
  };

  const stepsOf = (chain: Scope<State>[]) =>
    chain.flatMap((scope) => toSteps(scope, () => notFound));

  const add = (at: string[], pattern: string, methods: string[], fns: Middleware<State>[]) => {
    const run = compose([...stepsOf(scopesAbove(at, segmentsOf(pattern))), ...fns]);
    let entry = entries.get(pattern);
    if (!entry) {
      entry = { pattern, runs: new Map() };
      entries.set(pattern, entry);
      for (const path of variantsOf(pattern)) router.add("ALL", path, entry);
    }
    for (const method of methods) if (!entry.runs.has(method)) entry.runs.set(method, run);
  };

  for (const command of commands) {
    const { at, kind } = command;
    if (kind === "middleware") scopeAt(at).middlewares.push(...command.fns);
    else if (kind === "layout") scopeAt(at).layout = command;
    else if (kind === "app") scopeAt([]).app = command.component;
    else if (kind === "error") scopeAt(at).error = command.route;
    else if (kind === "notFound") notFound = command.route;
    else if (kind === "handler") add(at, command.pattern, [command.method], command.fns);
    else {
      const { route, pattern } = command;
      const run: Middleware<State> = (ctx) => renderRoute(ctx, route);
      add(at, route.config?.routeOverride ?? pattern, methodsOf(route), [run]);
    }
  }

  return {
    find(method: string, pathname: string) {
      let [matches] = router.match("ALL", pathname);
      if (matches.length === 0 && /.\/$/.test(pathname)) {
        [matches] = router.match("ALL", pathname.slice(0, -1));
      }
      // A static pattern wins; else the first that was added.
      const match = matches.find(([{ pattern }]) => isStatic(pattern)) ?? matches[0];
      if (!match) return null;
      const [{ pattern, runs }, params] = match;
      const run = runs.get(method) ?? (method === "HEAD" ? runs.get("GET") : undefined) ??
        runs.get("ALL");
      return { run, route: pattern, params: decodeParams(params), methods: [...runs.keys()] };
    },
    unmatched: compose(stepsOf(scopesAbove([]))),
  };
}

function methodsOf<State>({ handler, component }: Route<State>): string[] {
  if (!handler || typeof handler === "function") return ["ALL"];
  return component ? ["GET", ...Object.keys(handler)] : Object.keys(handler);
}

function decodeParams(params: Record<string, string | number>): Record<string, string> {
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

/** A scope as steps: its frame with its error page, and inside that its middlewares. */
function toSteps<State>(
  { app, layout, error: page, middlewares }: Scope<State>,
  notFound: () => Route<State> | undefined,
): Middleware<State>[] {
  const inner = (outer: Frame<State>): Frame<State> => ({
    app: layout?.config?.skipAppWrapper ? undefined : app ?? outer.app,
    layouts: [
      ...layout?.config?.skipInheritedLayouts ? [] : outer.layouts,
      ...layout ? [layout.component] : [],
    ],
  });
  const step: Middleware<State> = (ctx) =>
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
  return [step, ...middlewares];
}

/** Runs a route's handler and renders its page. */
async function renderRoute<State>(
  ctx: Context<State>,
  { handler, component, config }: Route<State>,
  status = 200,
): Promise<Response> {
  const { method } = ctx.req;
  const fn = typeof handler === "function"
    ? handler
    : handler?.[method as Method] ?? (method === "HEAD" ? handler?.GET : undefined);
  if (!fn && !component) return ctx.next();
  const result = fn ? await fn(ctx) : { data: undefined };
  if (result instanceof Response) return result;

  const frame = ({ app, layouts }: Frame<State>): Frame<State> => ({
    app: config?.skipAppWrapper ? undefined : app,
    layouts: config?.skipInheritedLayouts ? [] : layouts,
  });
  return await withFrame(ctx, frame, async () => {
    const vnode = component ? await renderComponent(ctx, component, result.data, () => null) : null;
    if (vnode instanceof Response) return vnode;
    return await ctx.render(vnode, { status: result.status ?? status, headers: result.headers });
  });
}

/** Renders into another frame for a while. */
async function withFrame<State>(
  ctx: Context<State>,
  change: (frame: Frame<State>) => Frame<State>,
  run: () => Promise<Response>,
): Promise<Response> {
  const outer: Frame<State> = frames.get(ctx) ?? { layouts: [] };
  frames.set(ctx, change(outer));
  try {
    return await run();
  } finally {
    frames.set(ctx, outer);
  }
}

/** Makes one function of steps that call each other through `ctx.next()`. */
function compose<State>(steps: Middleware<State>[]): Run<State> {
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
