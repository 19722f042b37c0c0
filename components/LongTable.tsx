import type { ComponentChildren } from "preact";

/** More rows than this are shown when asked for. */
const SHORT_ROWS = 12;

/** A table that folds up when it is long. */
export function LongTable({ name, rows, children }: {
  /** What the rows are, in the plural. */
  name: string;
  rows: number;
  children: ComponentChildren;
}) {
  if (rows <= SHORT_ROWS) return <>{children}</>;
  return (
    <details class="stack">
      <summary>{`${name} (${rows})`}</summary>
      {children}
    </details>
  );
}
