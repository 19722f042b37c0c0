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
import { asset, assetSrcSet, setHeadSink } from "./runtime.ts";
import type { IslandRef, Snapshot } from "./snapshot.ts";
import { encode, type Extension } from "./wire.ts";

type Props = Record<string, unknown>;

/** The page that is being rendered. Rendering is synchronous, so there is one at a time. */
class Page {
  readonly nonce = crypto.randomUUID().replaceAll("-", "");
  readonly islands: IslandRef[] = [];
  readonly islandProps: Props[] = [];
  /** JSX given to islands that they have not rendered. */
  readonly slots = new Map<number, ComponentChildren>();
  slotCount = 0;
  /** What `<Head>` collected, by name. */
  readonly head = new Map<string, VNode>();
  /** Which of html, head and body the page has written itself. */
  readonly seen = new Set<string>();

  constructor(readonly snapshot: Snapshot | null) {}
}

let page: Page | null = null;
const InsideIsland = createContext(false);
/** Vnodes of islands that are being rendered as what they are. */
const plain = new WeakSet<VNode>();
/** What vnodes were before the hook changed them: one may be rendered more than once. */
const originals = new WeakMap<VNode, { type: VNode["type"]; props: Props }>();

// Preact calls this hook with every vnode just before it renders it.
const hooks: typeof options & { __b?: (vnode: VNode) => void } = options;
const previousHook = hooks.__b;
hooks.__b = (vnode) => {
  if (page && !plain.has(vnode)) prepare(vnode, page);
  previousHook?.(vnode);
};

function prepare(vnode: VNode, { nonce, seen, snapshot }: Page): void {
  const original = originals.get(vnode) ?? { type: vnode.type, props: vnode.props as Props };
  const { type } = original;
  const change = (props: Props, changed = type) => {
    originals.set(vnode, original);
    vnode.type = changed;
    vnode.props = { ...original.props, ...props } as VNode["props"];
  };
  const { children, src, srcset } = original.props;
  if (typeof type === "function") {
    if (snapshot?.islands.has(type)) {
      change({ component: type, given: original.props }, Island as ComponentType);
    }
  } else if (type === "script" || type === "style") {
    change({ nonce: original.props.nonce ?? nonce });
  } else if (type === "img" || type === "source") {
    if ("data-fresh-disable-lock" in original.props) return;
    if (typeof src === "string") change({ src: asset(src) });
    if (typeof srcset === "string") change({ ...vnode.props, srcset: assetSrcSet(srcset) });
  } else if (type === "html") {
    seen.add(type);
  } else if (type === "head") {
    seen.add(type);
    change({ children: h(HeadElements, null, children as ComponentChildren) });
  } else if (type === "body") {
    seen.add(type);
    change({ children: [children, h(BootScript, null)].flat() });
  }
}

/** The name of a head element, of which there is to be one: the last. */
function nameOf({ type, key, props }: VNode): string | null {
  const { id, name, rel } = props as Props;
  if (type === "title") return type;
  if (key != null) return `key ${key}`;
  if (id != null) return `id ${id}`;
  if (type === "meta" && name != null) return `meta ${name}`;
  return type === "link" && rel != null ? `link ${rel}` : null;
}

/** The children of `<head>`, with what `<Head>` gave in place of those of the same name. */
function HeadElements(props: { children?: ComponentChildren }): VNode {
  const added = new Map(page?.head);
  const own = toChildArray(props.children).map((child) => {
    const name = isValidElement(child) ? nameOf(child) : null;
    const replacement = name === null ? undefined : added.get(name);
    if (name !== null) added.delete(name);
    return withDataKey(replacement ?? child);
  });
  return h(Fragment, null, own, Array.from(added.values(), withDataKey));
}

/** Writes the key where `<Head>` finds it in the browser. */
function withDataKey<T>(child: T): T | VNode {
  if (!isValidElement(child) || child.key == null || typeof child.type !== "string") return child;
  const { type, key, props } = child;
  return h(type, { ...props as Props, key, "data-key": String(key) }) as VNode;
}

/** An island's server-rendered HTML, between comments that name it and its props. */
function Island({ component, given }: { component?: ComponentType; given?: Props }): VNode | null {
  const nested = useContext(InsideIsland);
  const island = page?.snapshot?.islands.get(component);
  if (!page || !component || !island) return null;
  const props = nested ? given ?? {} : withSlots(given ?? {}, page);
  const vnode = h(component, props);
  plain.add(vnode);
  if (nested) return vnode;

  if (!page.islands.includes(island)) page.islands.push(island);
  const at = `${page.islands.indexOf(island)}:${page.islandProps.push(props) - 1}`;
  return between("island", at, h(InsideIsland.Provider, { value: true }, vnode));
}

/** Puts JSX among the props of an island into slots. Signals look like elements to Preact. */
function withSlots(props: Props, current: Page): Props {
  const entries = Object.entries(props).map(([name, value]) => {
    const isJsx = !(value instanceof Signal) && value != null &&
      (name === "children" || isValidElement(value));
    if (!isJsx) return [name, value];
    const children = value as ComponentChildren;
    const id = current.slotCount++;
    current.slots.set(id, children);
    return [name, h(Slot, { id }, children)];
  });
  return Object.fromEntries(entries);
}

/** JSX given to an island: static HTML, in which other islands may sit. */
function Slot({ id, children }: { id: number; children?: ComponentChildren }): VNode {
  page?.slots.delete(id);
  return between("slot", String(id), outside(children));
}

function outside(children: ComponentChildren): VNode {
  return h(InsideIsland.Provider, { value: false }, children) as VNode;
}

/** preact-render-to-string writes a fragment with this property as a comment. */
function between(kind: string, text: string, content: ComponentChildren): VNode {
  const comment = (UNSTABLE_comment: string) => h(Fragment, { UNSTABLE_comment } as object);
  return h(Fragment, null, comment(`${kind}:${text}`), content, comment(`/${kind}`));
}

/** Wakes the islands. A page without islands gets none, except for live reload in development. */
function BootScript(): VNode | null {
  const { snapshot, islands, islandProps, slots } = page ?? new Page(null);
  if (!snapshot || islands.length === 0 && !snapshot.reloadUrl) return null;

  // What an island has not rendered yet waits in a template until it does.
  const waiting = Array.from(slots, ([id, children]) => {
    const __html = renderToString(outside(children));
    return h("template", { id: `fresh-slot-${id}`, dangerouslySetInnerHTML: { __html } });
  });
  const quote = (value: unknown) => JSON.stringify(value);
  const lines = snapshot.reloadUrl ? [`import ${quote(snapshot.reloadUrl)};`] : [];
  if (islands.length > 0) {
    const list = islands.map(({ exportName }, i) => `m${i}[${quote(exportName)}]`);
    lines.push(
      `import { boot } from ${quote(snapshot.bootUrl)};`,
      ...islands.map(({ url }, i) => `import * as m${i} from ${quote(url)};`),
      `boot([${list}], ${quote(encode(islandProps, extension))});`,
    );
  }
  const __html = lines.join("").replaceAll("<", "\\u003c");
  return h(
    Fragment,
    null,
    waiting,
    h("script", { type: "module", dangerouslySetInnerHTML: { __html } }),
  );
}

const extension: Extension = (value) => {
  if (value instanceof Signal) {
    // Only a computed signal has another prototype. Its value travels, its formula cannot.
    const isComputed = Object.getPrototypeOf(value) !== Signal.prototype;
    return [isComputed ? "computed" : "signal", value.peek()];
  }
  if (isValidElement(value) && value.type === Slot) return ["slot", (value.props as Props).id];
};

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
  content: VNode | null,
  wrap: ((content: VNode) => VNode) | null,
  snapshot: Snapshot | null,
): Rendered {
  const { nonce, seen, head, islands } = page = new Page(snapshot);
  setHeadSink((children) => {
    for (const child of children) head.set(nameOf(child) ?? `# ${head.size}`, child);
  });
  try {
    // The page goes first: its <Head> must be known when the wrapper's <head> is written.
    let html = renderToString(content ?? h(Fragment, null));
    const written = () => jsxTemplate([html]);
    if (wrap) html = renderToString(wrap(written()));
    if (!seen.has("html")) {
      if (!seen.has("body")) html = renderToString(h("body", null, written()));
      if (!seen.has("head")) {
        html = renderToString(h("head", null, h("meta", { charset: "utf-8" }))) + html;
      }
      html = `<html>${html}</html>`;
    }
    const modules = snapshot && islands.length > 0
      ? [snapshot.bootUrl, ...islands.map(({ url }) => url)]
      : [];
    return { html: `<!DOCTYPE html>${html}`, nonce, modules };
  } finally {
    page = null;
    setHeadSink(null);
  }
}
