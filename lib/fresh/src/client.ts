/** Wakes the islands of a page in the browser. */
import { type ComponentType, h, hydrate, type VNode } from "preact";
import { computed, signal } from "@preact/signals";
import { decode } from "./wire.ts";

type Nodes = ChildNode[];

/** Hydrates every island of the document. `json` is the list of their props. */
export function boot(islands: ComponentType[], json: string): void {
  const starts: Comment[] = [];
  const slots = new Map<string, Nodes>();
  const comments = document.createTreeWalker(document.body, NodeFilter.SHOW_COMMENT);
  while (comments.nextNode()) {
    const comment = comments.currentNode as Comment;
    const [kind, id = ""] = comment.data.split(":");
    if (kind === "island" && !isInside(comment)) starts.push(comment);
    if (kind === "slot") slots.set(id, contentOf(comment));
  }

  const props: object[] = decode(json, {
    signal: (read, remember) => {
      const live = signal<unknown>();
      remember(live);
      live.value = read();
      return live;
    },
    computed: (read) => {
      const value = read();
      return computed(() => value);
    },
    slot: (read) => h(Slot, { id: String(read()) }),
  });

  const islandOf = ({ data }: Comment): VNode => {
    const [, island, at] = data.split(":");
    return h(islands[Number(island)] ?? "", props[Number(at)] ?? {});
  };

  /** Static HTML as Preact sees it, so that it stays where the island puts it. */
  const toVNodes = (nodes: Nodes): (VNode | string)[] => {
    const vnodes: (VNode | string)[] = [];
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i];
      if (node instanceof Text) vnodes.push(node.data);
      if (node instanceof Element) {
        const attributes = Array.from(node.attributes, ({ name, value }) => [name, value]);
        const children = toVNodes([...node.childNodes]);
        vnodes.push(h(node.localName, Object.fromEntries(attributes), children));
      }
      if (node instanceof Comment && node.data.startsWith("island:")) {
        vnodes.push(islandOf(node));
        i += contentOf(node).length + 1;
      }
    }
    return vnodes;
  };

  function Slot({ id }: { id: string }) {
    const template = document.getElementById(`fresh-slot-${id}`);
    const waiting = template instanceof HTMLTemplateElement ? template.content.childNodes : [];
    return toVNodes(slots.get(id) ?? [...waiting]);
  }

  for (const start of starts) hydrate(islandOf(start), rangeAfter(start));
}

/** The nodes between a start comment and its end comment. */
function contentOf(start: Comment): Nodes {
  const [kind] = start.data.split(":");
  const nodes: Nodes = [];
  let depth = 1;
  for (let node = start.nextSibling; node; node = node.nextSibling) {
    if (node instanceof Comment && node.data.startsWith(`${kind}:`)) depth++;
    if (node instanceof Comment && node.data === `/${kind}` && --depth === 0) break;
    nodes.push(node);
  }
  return nodes;
}

/** Whether a comment is part of an island: those in its slots come alive as part of it. */
function isInside(comment: Comment): boolean {
  for (let node: Node | null = comment; node; node = node.parentNode) {
    let depth = 0;
    for (let before = node.previousSibling; before; before = before.previousSibling) {
      if (!(before instanceof Comment)) continue;
      if (before.data === "/island") depth++;
      if (before.data.startsWith("island:") && depth-- === 0) return true;
    }
  }
  return false;
}

/** Something that Preact takes for the parent of an island's nodes, as an island has no element. */
function rangeAfter(start: Comment): Element {
  const parent = start.parentElement ?? document.body;
  const nodes = contentOf(start);
  const end = (nodes.at(-1) ?? start).nextSibling;
  const insertBefore = (node: Node, child: Node | null) => parent.insertBefore(node, child ?? end);
  const range = {
    nodeType: 1,
    parentNode: parent,
    ownerDocument: document,
    namespaceURI: parent.namespaceURI,
    childNodes: nodes,
    firstChild: nodes[0] ?? null,
    insertBefore,
    appendChild: (node: Node) => insertBefore(node, null),
    removeChild: (node: Node) => parent.removeChild(node),
    contains: (node: Node) => parent.contains(node),
  };
  return range as unknown as Element;
}
