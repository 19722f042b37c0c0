/**
 * `fresh/runtime`: what both server and browser code may use.
 *
 * @module
 */
import { type ComponentChildren, toChildArray, type VNode } from "preact";
import { useEffect } from "preact/hooks";
import { BUILD_ID } from "./build_id.ts";

export { HttpError } from "./error.ts";

/** Whether this code runs in a browser. */
export const IS_BROWSER: boolean = typeof document !== "undefined";

/** The search parameter that locks an address to a build. */
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
  return srcset.split(",").map((candidate) => candidate.replace(/\S+/, asset)).join(",");
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
  const children = toChildArray(props.children).filter((child) => typeof child === "object");
  headSink?.(children);
  useEffect(() => children.forEach(putIntoDocument));
  return null;
}

function putIntoDocument({ type, key, props }: VNode): void {
  const { children, ...attributes } = props as Record<string, unknown>;
  if (typeof type !== "string") return;
  const { id, name, rel } = attributes;
  const find = (attribute: string, value: unknown) =>
    value == null
      ? null
      : document.head.querySelector(`${type}[${attribute}="${CSS.escape(String(value))}"]`);
  const element = (type === "title" ? document.head.querySelector(type) : null) ??
    find("data-key", key) ?? find("id", id) ??
    find(type === "link" ? "rel" : "name", rel ?? name) ??
    document.head.appendChild(document.createElement(type));
  if (key != null) attributes["data-key"] = key;
  for (const [attribute, value] of Object.entries(attributes)) {
    element.setAttribute(attribute, String(value));
  }
  const text = toChildArray(children as ComponentChildren).join("");
  if (text) element.textContent = text;
}
