/** What is marked on a film's seek bar besides its parts: pure. */
import { formatClock } from "./time_code.ts";
import type { Timeline } from "./timeline.ts";

/** A moment at which one part takes over from another. */
export interface SeamMark {
  seconds: number;
  /** What it is called, for those who do not see it. */
  title: string;
}
/** A stretch that nothing can show. */
export interface HoleMark {
  fromSeconds: number;
  toSeconds: number;
  title: string;
}

/** The seams and holes of a film in order. Where a hole lies between two parts there is no seam. */
export function marksOf(timeline: Timeline): { seams: SeamMark[]; holes: HoleMark[] } {
  const { segments, skipped } = timeline;
  const seams = segments.slice(1).flatMap((later, index): SeamMark[] => {
    const earlier = segments[index];
    if (!earlier || earlier.endSeconds < later.fromSeconds) return [];
    const title = `Seam of parts ${earlier.seq + 1} and ${later.seq + 1}, ` +
      formatClock(later.fromSeconds);
    return [{ seconds: later.fromSeconds, title }];
  });
  const holes = timeline.holes.map(({ fromSeconds, toSeconds }): HoleMark => {
    const part = skipped.find((part) =>
      part.fromSeconds < toSeconds && (part.toSeconds ?? Infinity) > fromSeconds
    );
    const what = part ? `Part ${part.seq + 1} ${part.reason}` : "Nothing was recorded";
    const title = `${what}, ${formatClock(fromSeconds)} to ${formatClock(toSeconds)}`;
    return { fromSeconds, toSeconds, title };
  });
  return { seams, holes };
}
