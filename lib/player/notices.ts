/** What the viewer is told about holes and parts that are not there: pure. */
import type { Crossing, Notice } from "./engine.ts";
import type { Trouble } from "./media_fetch.ts";
import { SMALLEST_HOLE_SECONDS, type Timeline } from "./timeline.ts";

/** What was jumped over between two moments of the film, or null if it is too short to mention. */
export function crossingOf(
  timeline: Timeline,
  fromSeconds: number,
  toSeconds: number,
): Crossing | null {
  if (toSeconds - fromSeconds <= SMALLEST_HOLE_SECONDS) return null;
  const parts = timeline.skipped
    .filter((part) => part.fromSeconds < toSeconds && (part.toSeconds ?? Infinity) > fromSeconds)
    .map(({ seq, reason }) => ({ seq, reason }));
  return { fromSeconds, toSeconds, parts };
}

/** How near the end of what can be played the wait for the next part is announced. */
const END_SLACK_SECONDS = 0.5;

/** What to tell a viewer whose playhead is at `seconds`. */
export function noticeAt(timeline: Timeline, seconds: number): Notice {
  const last = timeline.segments.at(-1);
  if (last && seconds < last.endSeconds - END_SLACK_SECONDS) return { kind: "none" };
  const pending = timeline.skipped.find((part) => part.state === "pending");
  if (timeline.open) {
    return {
      kind: "awaiting-part",
      seq: pending?.seq ?? (last ? last.seq + 1 : 0),
      reason: pending?.reason ?? "is being recorded",
    };
  }
  if (last) return { kind: "none" };
  const lost = timeline.skipped[0];
  const why = lost ? `: part ${lost.seq + 1} ${lost.reason}` : "";
  return { kind: "error", message: `Nothing of this film can be played${why}` };
}

/** What to tell where nothing more can be fetched until somebody, or the network, tries again. */
export function troubleNotice(trouble: Trouble, isOnline: boolean): Notice {
  const message = trouble === "denied"
    ? "You may no longer watch this film. Sign in again or ask for a new link"
    : isOnline
    ? "The recording cannot be reached. Check the connection"
    : "There is no connection. The film goes on by itself when it is back";
  return { kind: "error", message };
}
