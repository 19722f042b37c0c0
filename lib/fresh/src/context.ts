import { type FunctionComponent, h, isValidElement, type VNode } from "preact";
import { HttpError } from "./error.ts";
import { renderDocument } from "./render.ts";
import type { Snapshot } from "./snapshot.ts";
import type { LayoutConfig, PageProps, ResolvedFreshConfig, RouteComponent } from "./types.ts";

/** What to do on the events of a WebSocket. */
export interface WebSocketHandlers {
  open?(socket: WebSocket): void;
  message?(socket: WebSocket, event: MessageEvent): void;
  close?(socket: WebSocket, code: number, reason: string): void;
  error?(socket: WebSocket, event: Event | ErrorEvent): void;
}

/** Passed on to `Deno.upgradeWebSocket()`. */
export interface WebSocketUpgradeOptions {
  /** Seconds without an answer to a ping after which the connection is closed. */
  idleTimeout?: number;
  protocol?: string;
}

/** The components around a page, outermost first. */
export interface Frame<State> {
  app: RouteComponent<State> | null;
  layouts: RouteComponent<State>[];
}

/** The nonce that a rendered response was written with; `csp()` reads it. */
export const nonces = new WeakMap<Response, string>();

/** The frame a context renders into. Kept apart, as it is no part of the public interface. */
// deno-lint-ignore no-explicit-any -- a context of any state
export const frames = new WeakMap<Context<any>, Frame<any>>();
/** The build a context is served from. */
// deno-lint-ignore no-explicit-any -- as above
export const contextSnapshots = new WeakMap<Context<any>, Snapshot>();

/** One request on its way through middlewares and handlers. */
export class Context<State> {
  readonly config: ResolvedFreshConfig;
  readonly url: URL;
  req: Request;
  /** The pattern of the matched route. */
  readonly route: string | null;
  readonly params: Record<string, string>;
  /** Shared by everything that takes part in this request. */
  // deno-lint-ignore no-explicit-any -- middlewares fill it before anybody reads it
  readonly state: State = {} as any;
  data: unknown = undefined;
  /** What was thrown, on an error page. */
  error: unknown = null;
  readonly info: Deno.ServeHandlerInfo;
  readonly isPartial: boolean = false;
  /** Lets the next middleware or the handler answer. */
  next: () => Promise<Response>;
  Component: FunctionComponent = () => null;

  constructor(
    req: Request,
    url: URL,
    info: Deno.ServeHandlerInfo,
    route: string | null,
    params: Record<string, string>,
    config: ResolvedFreshConfig,
    next: () => Promise<Response>,
  ) {
    this.req = req;
    this.url = url;
    this.info = info;
    this.route = route;
    this.params = params;
    this.config = config;
    this.next = next;
  }

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
    const { app, layouts }: Frame<State> = frames.get(this) ??
      { app: null, layouts: [] };
    let content: VNode | null = vnode;
    for (
      const layout of config.skipInheritedLayouts ? [] : layouts.toReversed()
    ) {
      const inner = content;
      const result = await renderComponent(
        this,
        layout,
        undefined,
        () => inner,
      );
      if (result instanceof Response) return result;
      content = result;
    }

    let wrap: ((inner: VNode) => VNode) | null = null;
    if (app && !config.skipAppWrapper) {
      let inner: VNode | null = null;
      const outer = await renderComponent(this, app, undefined, () => inner);
      if (outer instanceof Response) return outer;
      wrap = (rendered) => (inner = rendered, outer ?? rendered);
    }

    const snapshot = contextSnapshots.get(this) ?? null;
    const { basePath } = this.config;
    const { html, nonce, modules } = renderDocument(
      content,
      wrap,
      snapshot,
      basePath,
    );
    const headers = new Headers(init.headers);
    headers.set("content-type", "text/html; charset=utf-8");
    for (const url of modules) {
      headers.append(
        "link",
        `<${encodeURI(basePath + url)}>; rel="modulepreload"; as="script"`,
      );
    }
    const response = new Response(html, { ...init, headers });
    nonces.set(response, nonce);
    return response;
  }

  /** Responds with text. */
  text(content: string, init?: ResponseInit): Response {
    return new Response(content, init);
  }

  /** Responds with HTML that is written already. */
  html(content: string, init?: ResponseInit): Response {
    const headers = new Headers(init?.headers);
    headers.set("content-type", "text/html; charset=utf-8");
    return new Response(content, { ...init, headers });
  }

  /** Responds with JSON. */
  json(content: unknown, init?: ResponseInit): Response {
    return Response.json(content, init);
  }

  /** Responds with what an iterable yields, as it comes. */
  stream<U extends string | Uint8Array>(
    stream:
      | Iterable<U>
      | AsyncIterable<U>
      | (() => Iterable<U> | AsyncIterable<U>),
    init?: ResponseInit,
  ): Response {
    const encoder = new TextEncoder();
    const chunks: ReadableStream<U> = ReadableStream.from(
      typeof stream === "function" ? stream() : stream,
    );
    const bytes = chunks.pipeThrough(
      new TransformStream<U, Uint8Array<ArrayBuffer>>({
        transform(chunk, controller) {
          controller.enqueue(
            typeof chunk === "string" ? encoder.encode(chunk) : new Uint8Array(chunk),
          );
        },
      }),
    );
    return new Response(bytes, init);
  }

  /** Turns the request into a WebSocket: with handlers, or bare for you to wire. */
  upgrade(
    options?: WebSocketUpgradeOptions,
  ): { socket: WebSocket; response: Response };
  upgrade(
    handlers: WebSocketHandlers,
    options?: WebSocketUpgradeOptions,
  ): Response;
  upgrade(
    first: WebSocketHandlers & WebSocketUpgradeOptions = {},
    second?: WebSocketUpgradeOptions,
  ): { socket: WebSocket; response: Response } | Response {
    if (this.req.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      throw new HttpError(400, "Expected a WebSocket upgrade request");
    }
    const { open, message, close, error } = first;
    if (!open && !message && !close && !error) {
      return Deno.upgradeWebSocket(this.req, first);
    }

    const { socket, response } = Deno.upgradeWebSocket(this.req, second);
    socket.addEventListener("open", () => first.open?.(socket));
    socket.addEventListener(
      "message",
      (event) => first.message?.(socket, event),
    );
    socket.addEventListener(
      "close",
      (event) => first.close?.(socket, event.code, event.reason),
    );
    socket.addEventListener("error", (event) => first.error?.(socket, event));
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
  const { config, url, req, params, info, state, isPartial, error, route } = ctx;
  const props: PageProps<unknown, State> = {
    ...{ config, url, req, params, info, state, isPartial, error, route },
    data,
    Component,
  };
  if (component.constructor.name !== "AsyncFunction") {
    return h(component, props) as VNode;
  }
  // deno-lint-ignore no-explicit-any -- an async component is called here, not by Preact
  return await (component as any)(props);
}
