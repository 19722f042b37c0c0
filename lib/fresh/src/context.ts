import { type FunctionComponent, h, isValidElement, type VNode } from "preact";
import { renderDocument } from "./render.ts";
import type { Snapshot } from "./snapshot.ts";
import type { LayoutConfig, PageProps, ResolvedFreshConfig, RouteComponent } from "./types.ts";

/** The components around a page, outermost first. */
export interface Frame<State> {
  app?: RouteComponent<State>;
  layouts: RouteComponent<State>[];
}

/** The nonce that a rendered response was written with; `csp()` reads it. */
export const nonces = new WeakMap<Response, string>();

/** What a context keeps to itself: its public interface is upstream's. */
// deno-lint-ignore no-explicit-any -- contexts of any state
export const frames = new WeakMap<Context<any>, Frame<any>>();
/** The build a context is served from. */
export const contextSnapshots = new WeakMap<object, Snapshot>();

/** One request on its way through middlewares and handlers. */
export class Context<State> {
  /** Shared by everything that takes part in this request. */
  // deno-lint-ignore no-explicit-any -- middlewares fill it before anybody reads it
  readonly state: State = {} as any;
  /** What was thrown, on an error page. */
  error: unknown = null;
  /** In a layout or the app wrapper: what goes inside. */
  Component: FunctionComponent = () => null;

  /** `route` is the pattern of the matched route; `next` lets the next one answer. */
  constructor(
    public req: Request,
    readonly url: URL,
    readonly info: Deno.ServeHandlerInfo,
    readonly route: string | null,
    readonly params: Record<string, string>,
    readonly config: ResolvedFreshConfig,
    public next: () => Promise<Response>,
  ) {}

  /** Sends the browser elsewhere. `//host/` is read as a path of this site, never as a host. */
  redirect(pathOrUrl: string, status = 302): Response {
    const [, path = "", rest = ""] = /^([^?#]*)(.*)$/s.exec(pathOrUrl) ?? [];
    const location = path.startsWith("/") ? path.replaceAll(/\/+/g, "/") + rest : pathOrUrl;
    return new Response(null, { status, headers: { location } });
  }

  /** Renders JSX inside the layouts and the app wrapper. */
  async render(
    // deno-lint-ignore no-explicit-any -- the props of the element do not matter here
    vnode: VNode<any> | null,
    init: ResponseInit = {},
    config: LayoutConfig = {},
  ): Promise<Response> {
    if (vnode !== null && !isValidElement(vnode)) {
      throw new TypeError("Cannot render what is not JSX: ctx.render()");
    }
    const { app, layouts }: Frame<State> = frames.get(this) ?? { layouts: [] };
    let content: VNode | null = vnode;
    for (const layout of config.skipInheritedLayouts ? [] : layouts.toReversed()) {
      const inner = content;
      const result = await renderComponent(this, layout, undefined, () => inner);
      if (result instanceof Response) return result;
      content = result;
    }

    let wrapper: ((inner: VNode) => VNode) | null = null;
    if (app && !config.skipAppWrapper) {
      let inner: VNode | null = null;
      const outer = await renderComponent(this, app, undefined, () => inner);
      if (outer instanceof Response) return outer;
      wrapper = (rendered) => (inner = rendered, outer ?? rendered);
    }

    const snapshot = contextSnapshots.get(this) ?? null;
    const { html, nonce, modules } = renderDocument(content, wrapper, snapshot);
    const headers = new Headers(init.headers);
    headers.set("content-type", "text/html; charset=utf-8");
    for (const url of modules) {
      headers.append("link", `<${encodeURI(url)}>; rel="modulepreload"; as="script"`);
    }
    const response = new Response(html, { ...init, headers });
    nonces.set(response, nonce);
    return response;
  }
}

/** Makes the vnode of a page or layout. An async one runs now and may answer with a response. */
export async function renderComponent<State>(
  ctx: Context<State>,
  component: RouteComponent<State>,
  data: unknown,
  Component: FunctionComponent,
): Promise<VNode | Response | null> {
  const { config, url, req, params, info, state, error, route } = ctx;
  const props: PageProps<unknown, State> = {
    ...{ config, url, req, params, info, state, error, route },
    ...{ data, Component },
  };
  if (component.constructor.name !== "AsyncFunction") return h(component, props) as VNode;
  // deno-lint-ignore no-explicit-any -- an async component is called here, not by Preact
  return await (component as any)(props);
}
