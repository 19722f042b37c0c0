import type { Crossing, Notice } from "../engine.ts";
import { formatClock } from "../time_code.ts";

interface MessagesProps {
  notice: Notice;
  crossing: Crossing | null;
  needsTap: boolean;
  /** Where playback went on from last time, or null. */
  resumedAt: number | null;
  onRetry(): void;
  onFromStart(): void;
  onDismiss(): void;
}

/** What the viewer is told below the picture; the most pressing thing only. */
export function Messages(props: MessagesProps) {
  const { notice, crossing, needsTap, resumedAt } = props;
  if (notice.kind === "error") {
    return (
      <div class="notice error toolbar spread" role="alert">
        <span>{notice.message}.</span>
        <button type="button" class="button small" onClick={props.onRetry}>Retry</button>
      </div>
    );
  }
  return (
    <div class="player-messages" role="status">
      {needsTap
        ? <p class="notice info">This browser wants a tap before it plays sound.</p>
        : notice.kind === "awaiting-part"
        ? (
          <p class="notice info">
            Part {notice.seq + 1} {notice.reason}. It plays here as soon as it is ready.
          </p>
        )
        : crossing
        ? <p class="notice warning">{describeCrossing(crossing)}</p>
        : resumedAt !== null
        ? (
          <div class="notice info toolbar spread">
            <span>Going on where you left, at {formatClock(resumedAt)}.</span>
            <span class="toolbar">
              <button type="button" class="button small" onClick={props.onFromStart}>
                From the start
              </button>
              <button type="button" class="button small quiet" onClick={props.onDismiss}>
                Close
              </button>
            </span>
          </div>
        )
        : null}
    </div>
  );
}

function describeCrossing({ fromSeconds, toSeconds, parts }: Crossing): string {
  const missing = Math.max(1, Math.round(toSeconds - fromSeconds));
  const length = `${missing} ${missing === 1 ? "second" : "seconds"}`;
  const [part] = parts;
  return part
    ? `Part ${part.seq + 1} ${part.reason}: skipped ${length}.`
    : `Nothing was recorded here: skipped ${length}.`;
}
