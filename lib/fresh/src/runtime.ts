/**
 * `fresh/runtime`: what both server and browser code may use.
 *
 * @module
 */
import { type ComponentChildren, h, toChildArray, type VNode } from "preact";
import { useEffect } from "preact/hooks";
import { BUILD_ID } from "./build_id.ts";

export { HttpError } from "./error.ts";

/** Whether this code runs in a browser. */
export const IS_BROWSER: boolean = typeof document !== "undefined";

/** The search parameter that holds the build's id in a locked address. */
export const BUST_PARAM = "__frsh_c";

/**
 * Locks the root-relative address of a static file to this build, so that it can be kept for a year.
 * Other addresses are returned as they are.
 */
export function asset(path: string): string {
  if (!path.startsWith("/") || path.startsWith("//")) return path;
  const url = new URL(path, "http://localhost");
  if (url.searchParams.has(BUST_PARAM)) return path;
  url.searchParams.set(BUST_PARAM, BUILD_ID);
  return url.pathname + url.search + url.hash;
}

/** Applies {@linkcode asset} to every address of a `srcset`. */
export function assetSrcSet(srcset: string): string {
  return srcset.split(",").map((candidate) => candidate.replace(/\S+/, asset))
    .join(",");
}

/** What {@linkcode Head} receives. */
export interface HeadProps {
  children?: ComponentChildren;
}

let headSink: ((children: VNode[]) => void) | null = null;

/** Tells `Head` where the page that is being rendered on the server collects its elements. */
export function setHeadSink(sink: typeof headSink): void {
  headSink = sink;
}

/**
 * Puts its children into the document's `<head>`, in place of an element with the same key, id,
 * `meta` name or `link` rel, and of the title. Works in islands, too, and follows their state.
 */
export function Head(props: HeadProps): ComponentChildren {
  const children = toChildArray(props.children).filter((
    child,
  ): child is VNode => typeof child === "object");
  headSink?.(children);
  useEffect(() => children.forEach(applyToDocument));
  return null;
}

/** The selectors that find the element of a document's head which this one replaces. */
function applyToDocument(child: VNode): void {
  // deno-lint-ignore no-explicit-any -- any attribute may be there
  const { children, ...attributes } = child.props as Record<string, any>;
  const text = toChildArray(children).join("");
  if (child.type === "title") {
    document.title = text;
    return;
  }
  if (typeof child.type !== "string") return;
  const element = findInHead(child.type, child.key, attributes) ??
    document.head.appendChild(document.createElement(child.type));
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, String(value));
  }
  if (child.key != null) element.setAttribute("data-key", String(child.key));
  if (text) element.textContent = text;
}

function findInHead(
  tag: string,
  key: unknown,
  attributes: Record<string, unknown>,
) {
  const by = (name: string, value: unknown) =>
    value == null ? null : document.head.querySelector(
      `${tag}[${name}="${CSS.escape(String(value))}"]`,
    );
  return by("data-key", key) ?? by("id", attributes.id) ??
    (tag === "meta" ? by("name", attributes.name) : null) ??
    (tag === "link" ? by("rel", attributes.rel) : null);
}

/** The name under which a head element is known: the last one of a name wins. */
export function headKey(vnode: VNode): string | null {
  const { id, name, rel } = vnode.props as Record<string, unknown>;
  if (vnode.type === "title") return "title";
  if (vnode.key != null) return `key:${vnode.key}`;
  if (id != null) return `id:${id}`;
  if (vnode.type === "meta" && name != null) return `meta:${name}`;
  if (vnode.type === "link" && rel != null) return `link:${rel}`;
  return null;
}

/** Renders head elements so that a browser finds them again by their key. */
export function withDataKey(vnode: VNode): VNode {
  if (vnode.key == null) return vnode;
  const { key } = vnode;
  return h(String(vnode.type), {
    ...vnode.props,
    key,
    "data-key": String(key),
  }) as VNode;
}
