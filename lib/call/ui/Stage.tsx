/** The grid of everybody in a call, fitted to the space there is. */
import { type ComponentChildren, toChildArray } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { bestGrid } from "../layout.ts";

const GAP = 8;

/** Lays its children (list items) out as equal tiles that fill the space. */
export function Stage({ children }: { children: ComponentChildren }) {
  const list = useRef<HTMLUListElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useEffect(() => {
    const element = list.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      if (!entry) return;
      const { width, height } = entry.contentRect;
      setSize({ width, height });
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const grid = bestGrid(toChildArray(children).length, size.width, size.height, GAP);
  const style = {
    gridTemplateColumns: `repeat(${grid.columns * 2}, ${(grid.tileWidth - GAP) / 2}px)`,
    gridAutoRows: `${grid.tileHeight}px`,
    gap: `${GAP}px`,
  };
  return (
    <ul class="call-stage" aria-label="People in the call" ref={list} style={style}>
      {children}
    </ul>
  );
}
