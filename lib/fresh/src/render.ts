/**
 * Renders a page on the server: finds the islands in it, puts nonces on inline scripts and styles,
 * locks image addresses, moves `<Head>` elements, and adds the script that wakes the islands.
 */
import {
  type ComponentChildren,
  type ComponentType,
  createContext,
  Fragment,
  h,
  isValidElement,
  options,
  toChildArray,
  type VNode,
} from "preact";
import { useContext } from "preact/hooks";
import { jsxTemplate } from "preact/jsx-runtime";
import { Signal } from "@preact/signals";
import { renderToString } from "preact-render-to-string";
import { asset, assetSrcSet, headKey, setHeadSink, withDataKey } from "./runtime.ts";
import type { IslandRef, Snapshot } from "./snapshot.ts";
import { encode, type Extension } from "./wire.ts";

type Props = Record<string, unknown>;

/** What is known of the page that is being rendered. Rendering is synchronous: there is one. */
interface RenderState {
  snapshot: Snapshot | null;
  nonce: string;
  islands: IslandRef[];
  islandProps: Props[];
  slots: Map<number, ComponentChildren>;
  slotCount: number;
  head: Map<string, VNode>;
  seen: Set<string>;
}

let state: RenderState | null = null;
const InsideIsland = createContext(false);
/** Vnodes that the hook below has made itself and must leave alone. */
const untouchables = new WeakSet<VNode>();
/** What vnodes were before the hook changed them: one may be rendered more than once. */
const originals = new WeakMap<VNode, Pick<VNode, "type" | "props">>();

// Preact calls this hook with every vnode just before it renders it.
const hooks: typeof options & { __b?: (vnode: VNode) => void } = options;
const previousHook = hooks.__b;
hooks.__b = (vnode) => {
  if (state && !untouchables.has(vnode)) prepare(vnode, state);
  previousHook?.(vnode);
};

const PREPARED = new Set<unknown>([
  "script",
  "style",
  "img",
  "source",
  "html",
  "head",
  "body",
]);

function prepare(vnode: VNode, current: RenderState): void {
  const known = originals.get(vnode);
  const type = known?.type ?? vnode.type;
  const isComponent = typeof type === "function";
  if (
    isComponent ? !current.snapshot?.islands.has(type) : !PREPARED.has(type)
  ) return;

  const original = known ?? { type, props: vnode.props };
  originals.set(vnode, original);
  const props: Props = vnode.props = { ...original.props };
  if (isComponent) {
    vnode.type = Island as ComponentType;
    vnode.props = {
      component: type,
      props,
      children: undefined,
    } as VNode["props"];
  } else if (type === "script" || type === "style") {
    props.nonce ??= current.nonce;
  } else if (
    (type === "img" || type === "source") && !props["data-fresh-disable-lock"]
  ) {
    if (typeof props.src === "string") props.src = asset(props.src);
    if (typeof props.srcset === "string") {
      props.srcset = assetSrcSet(props.srcset);
    }
  } else if (type === "html") {
    current.seen.add(type);
  } else if (type === "head") {
    current.seen.add(type);
    props.children = h(HeadElements, null, toArray(props.children));
  } else if (type === "body") {
    current.seen.add(type);
    props.children = [...toArray(props.children), h(BootScript, null)];
  }
}

function toArray(children: unknown): ComponentChildren[] {
  return (Array.isArray(children) ? children : [children]) as ComponentChildren[];
}

/** The children of `<head>`, with what `<Head>` gave in place of those of the same name. */
function HeadElements(props: { children?: ComponentChildren }): VNode {
  const added = new Map(state?.head);
  const own = toChildArray(props.children).map((child) => {
    const key = isValidElement(child) ? headKey(child) : null;
    const replacement = key === null ? undefined : added.get(key);
    if (key === null || !replacement) {
      return isValidElement(child) && typeof child.type === "string" ? withDataKey(child) : child;
    }
    added.delete(key);
    return replacement;
  });
  return h(Fragment, null, own, [...added.values()]);
}

interface IslandProps {
  component: ComponentType;
  props: Props;
}

/** An island's server-rendered HTML, between comments that name it and its props. */
function Island({ component, props }: IslandProps): VNode {
  const nested = useContext(InsideIsland);
  const current = state;
  const island = current?.snapshot?.islands.get(component);
  if (!current || !island || nested) return untouched(component, props);

  const carried = mapValues(
    props,
    (value, name) =>
      isJsx(name, value)
        ? h(Slot, { id: current.slotCount++, name }, value as ComponentChildren)
        : value,
  );
  for (const value of Object.values(carried)) {
    if (isSlot(value)) current.slots.set(value.props.id, value.props.children);
  }
  let index = current.islands.indexOf(island);
  if (index < 0) index = current.islands.push(island) - 1;
  const propsIndex = current.islandProps.push(carried) - 1;
  return between(
    `island:${index}:${propsIndex}`,
    "/island",
    h(InsideIsland.Provider, { value: true }, untouched(component, carried)),
  );
}

interface SlotProps {
  id: number;
  name: string;
  children?: ComponentChildren;
}

/** JSX given to an island: static HTML, in which other islands may sit. */
function Slot({ id, children }: SlotProps): VNode {
  state?.slots.delete(id);
  return between(
    `slot:${id}`,
    "/slot",
    h(InsideIsland.Provider, { value: false }, children),
  );
}

/** Signals look like elements to Preact. */
function isJsx(name: string, value: unknown): boolean {
  if (value instanceof Signal || value == null) return false;
  return name === "children" || isValidElement(value);
}

function isSlot(value: unknown): value is VNode<SlotProps> {
  return isValidElement(value) && value.type === Slot;
}

function untouched(component: ComponentType, props: Props): VNode {
  const vnode = h(component, props);
  untouchables.add(vnode);
  return vnode;
}

function between(
  open: string,
  close: string,
  content: ComponentChildren,
): VNode {
  return h(Fragment, null, comment(open), content, comment(close));
}

/** preact-render-to-string writes a fragment with this property as a comment. */
function comment(text: string): VNode {
  return h(Fragment, { UNSTABLE_comment: text } as object);
}

function mapValues(
  object: Props,
  map: (value: unknown, key: string) => unknown,
): Props {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [key, map(value, key)]),
  );
}

/** Wakes the islands. A page without islands gets none, except for live reload in development. */
function BootScript(): VNode | null {
  if (!state?.snapshot) return null;
  const { snapshot, islands, islandProps, nonce } = state;
  if (islands.length === 0 && !snapshot.reloadUrl) return null;

  // What an island has not rendered yet waits in a template until it does.
  const waiting = [...state.slots].map(([id, children]) => {
    const outside = h(InsideIsland.Provider, { value: false }, children);
    const __html = renderToString(outside);
    return h("template", {
      id: `fresh-slot-${id}`,
      dangerouslySetInnerHTML: { __html },
    });
  });

  const lines: string[] = [];
  if (snapshot.reloadUrl) {
    lines.push(`import ${JSON.stringify(snapshot.reloadUrl)};`);
  }
  if (islands.length > 0) {
    lines.push(`import { boot } from ${JSON.stringify(snapshot.bootUrl)};`);
    islands.forEach(({ url }, i) => lines.push(`import * as m${i} from ${JSON.stringify(url)};`));
    const list = islands.map(({ exportName }, i) => `m${i}[${JSON.stringify(exportName)}]`);
    lines.push(
      `boot([${list}], ${JSON.stringify(encode(islandProps, extension))});`,
    );
  }
  return h(
    Fragment,
    null,
    waiting,
    h("script", {
      type: "module",
      nonce,
      dangerouslySetInnerHTML: {
        __html: lines.join("").replaceAll("<", "\\u003c"),
      },
    }),
  );
}

const extension: Extension = (value) => {
  if (isSlot(value)) return ["slot", value.props.id];
  if (value instanceof Signal) {
    return [isComputed(value) ? "computed" : "signal", value.peek()];
  }
};

/** A computed signal's value travels; its formula cannot. */
function isComputed(value: Signal): boolean {
  return Object.getPrototypeOf(value) !== Signal.prototype;
}

/** A rendered page. */
export interface Rendered {
  html: string;
  /** On every inline script and style of the page. */
  nonce: string;
  /** What the browser will need first: addresses for `modulepreload`. */
  modules: string[];
}

/** Renders a page inside its app wrapper, if it has one. */
export function renderDocument(
  page: VNode | null,
  wrap: ((content: VNode) => VNode) | null,
  snapshot: Snapshot | null,
): Rendered {
  const current: RenderState = state = {
    snapshot,
    nonce: crypto.randomUUID().replaceAll("-", ""),
    islands: [],
    islandProps: [],
    slots: new Map(),
    slotCount: 0,
    head: new Map(),
    seen: new Set(),
  };
  setHeadSink((children) => {
    for (const child of children) {
      current.head.set(
        headKey(child) ?? `#${current.head.size}`,
        withDataKey(child),
      );
    }
  });
  try {
    // The page goes first: its <Head> must be known when the wrapper's <head> is written.
    let html = renderToString(page ?? h(Fragment, null));
    if (wrap) html = renderToString(wrap(raw(html)));
    if (!current.seen.has("html")) {
      if (!current.seen.has("body")) html = renderToString(h("body", null, raw(html)));
      if (!current.seen.has("head")) {
        html = renderToString(h("head", null, h("meta", { charset: "utf-8" }))) + html;
      }
      html = `<html>${html}</html>`;
    }
    const modules = current.islands.length > 0 && snapshot
      ? [snapshot.bootUrl, ...current.islands.map((island) => island.url)]
      : [];
    return { html: `<!DOCTYPE html>${html}`, nonce: current.nonce, modules };
  } finally {
    state = null;
    setHeadSink(null);
  }
}

/** HTML that has been rendered already. */
function raw(html: string): VNode {
  return jsxTemplate([html]);
}
