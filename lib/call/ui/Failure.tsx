/** What went wrong in a call, and the button that does it again. */
import type { ComponentChildren } from "preact";
import type { Problem } from "../errors.ts";

interface FailureProps {
  problem: Problem;
  retry(): void;
  /** `warning` where the call itself is whole. */
  level?: "error" | "warning";
  /** What the failure means, before what it was. */
  children?: ComponentChildren;
}

/** A notice that is read out, with `Retry`. */
export function Failure({ problem, retry, level = "error", children }: FailureProps) {
  return (
    <div class={`notice ${level} stack tight`} role="alert">
      <p>{children} {problem.text}. {problem.remedy}</p>
      <button type="button" class="button small" onClick={retry}>Retry</button>
    </div>
  );
}
