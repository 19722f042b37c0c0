/** Wakes the islands of a page in the browser. */
import { type ComponentType, h, hydrate, type VNode } from "preact";
import { computed, signal } from "@preact/signals";
import { decode } from "./wire.ts";

type Props = Record<string, unknown>;

/** Hydrates every island of the document. `json` is the list of their props. */
export function boot(islands: ComponentType[], json: string): void {
  const slots = new Map<number, ChildNode[]>();
  const comments = document.createTreeWalker(
    document.body,
    NodeFilter.SHOW_COMMENT,
  );
  const starts: Comment[] = [];
  while (comments.nextNode()) {
    const comment = comments.currentNode as Comment;
    if (comment.data.startsWith("island:")) starts.push(comment);
    if (comment.data.startsWith("slot:")) {
      slots.set(Number(comment.data.split(":")[1]), contentOf(comment, "slot"));
    }
  }
  const props: Props[] = decode(json, {
    signal: (read, remember) => {
      const value = signal<unknown>();
      remember(value);
      value.value = read();
      return value;
    },
    computed: (read) => {
      const value = read();
      return computed(() => value);
    },
    slot: (read) => h(Slot, { id: read() }),
  });

  const vnodeOf = (comment: Comment): VNode => {
    const [, island = "", at = ""] = comment.data.split(":");
    return h(islands[Number(island)] as ComponentType, props[Number(at)] ?? {});
  };

  /** Static HTML as Preact sees it, so that it stays where the island puts it. */
  const toVNodes = (nodes: ChildNode[]): (VNode | string)[] => {
    const vnodes: (VNode | string)[] = [];
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i];
      if (node instanceof Text) vnodes.push(node.data);
      else if (node instanceof Element) {
        const attributes: Record<string, string> = Object.fromEntries(
          Array.from(node.attributes, ({ name, value }) => [name, value]),
        );
        vnodes.push(
          h(
            node.localName,
            attributes,
            toVNodes([...node.childNodes]),
          ) as VNode,
        );
      } else if (node instanceof Comment && node.data.startsWith("island:")) {
        vnodes.push(vnodeOf(node));
        i += contentOf(node, "island").length + 1;
      }
    }
    return vnodes;
  };

  function Slot({ id }: { id: number }) {
    const template = document.getElementById(`fresh-slot-${id}`);
    const nodes = slots.get(id) ??
      (template instanceof HTMLTemplateElement ? [...template.content.childNodes] : []);
    return toVNodes(nodes);
  }

  for (const start of starts) {
    // Those inside another island's slot come alive as part of it.
    if (start.isConnected && !insideAnother(start)) {
      hydrate(vnodeOf(start), rangeRoot(start, contentOf(start, "island")));
    }
  }
}

/** The nodes from a start comment to its end comment. */
function contentOf(start: Comment, kind: "island" | "slot"): ChildNode[] {
  const nodes: ChildNode[] = [];
  let depth = 1;
  for (let node = start.nextSibling; node; node = node.nextSibling) {
    if (node instanceof Comment) {
      if (node.data.startsWith(`${kind}:`)) depth++;
      if (node.data === `/${kind}` && --depth === 0) break;
    }
    nodes.push(node);
  }
  return nodes;
}

function insideAnother(start: Comment): boolean {
  for (let node: Node | null = start; node; node = node.parentNode) {
    let depth = 0;
    for (
      let before = node.previousSibling;
      before;
      before = before.previousSibling
    ) {
      if (!(before instanceof Comment)) continue;
      if (before.data === "/island") depth++;
      if (before.data.startsWith("island:") && depth-- === 0) return true;
    }
  }
  return false;
}

/** Something that Preact takes for the parent of just these nodes, as an island has no element. */
function rangeRoot(start: Comment, nodes: ChildNode[]): Element {
  const parent = start.parentNode;
  if (!parent) {
    throw new Error("Cannot wake an island that is not in the document");
  }
  const end = nodes.at(-1)?.nextSibling ?? start.nextSibling;
  const insertBefore = (node: Node, child: Node | null) => parent.insertBefore(node, child ?? end);
  const range = {
    nodeType: 1,
    parentNode: parent,
    ownerDocument: document,
    namespaceURI: (parent as Element).namespaceURI,
    childNodes: nodes,
    firstChild: nodes[0] ?? null,
    insertBefore,
    appendChild: (node: Node) => insertBefore(node, null),
    removeChild: (node: Node) => parent.removeChild(node),
    contains: (node: Node) => parent.contains(node),
  };
  return range as unknown as Element;
}
