/** What can be done about a film's seams, as data: pure. */
import type { AlignRequest } from "../alignment/messages.ts";
import { type Film, type FilmPart, MAX_NUDGE_MS, type Seam } from "../recording/views.ts";

/** Clocks that know a place this well need no help. */
const GOOD_ENOUGH_MS = 20;
/** Clocks have been wrong by two seconds. */
const TOLERANCE_SECONDS = 2.5;
const LONGEST_TOLERANCE_SECONDS = 6;
/** One press of a nudge. */
export const NUDGE_STEP_MS = 10;

/** A seam with the parts it joins. */
export interface Join {
  seam: Seam;
  earlier: FilmPart;
  later: FilmPart;
}

/** Every seam of a film with its parts. */
export function joinsOf(film: Film): Join[] {
  return film.seams.flatMap((seam) => {
    const index = film.parts.findIndex((part) => part.seq === seam.afterSeq);
    const [earlier, later] = [film.parts[index], film.parts[index + 1]];
    return earlier && later ? [{ seam, earlier, later }] : [];
  });
}

/** True once nothing is added to a recording any more. */
export function isOver(film: Film): boolean {
  return film.state === "stopped" || film.state === "failed";
}

/** True once a film stays as it is: nothing is recorded, and no file is still being made. */
export function isComplete(film: Film): boolean {
  return isOver(film) && film.parts.every(({ status }) => !UNFINISHED.has(status));
}

const UNFINISHED: ReadonlySet<FilmPart["status"]> = new Set(["started", "paused", "stopped"]);

/** True where both files are there to be compared, and the recording is over. */
export function isComparable(film: Film, { earlier, later }: Join): boolean {
  return isOver(film) && film.options.outputMode === "composed" &&
    [earlier, later].every((part) => part.status === "available" && part.durationSeconds !== null);
}

/** True where comparing would tell more than is known. */
export function needsComparing(film: Film, join: Join): boolean {
  return join.seam.source !== "content" && join.seam.uncertaintyMs > GOOD_ENOUGH_MS &&
    isComparable(film, join);
}

/** What to compare for a seam. A nudge is no knowledge of the contents: it is left out. */
export function requestOf({ seam, earlier, later }: Join): AlignRequest {
  return {
    earlierUrl: earlier.mediaUrl,
    laterUrl: later.mediaUrl,
    earlierSeconds: earlier.durationSeconds ?? 0,
    laterSeconds: later.durationSeconds ?? 0,
    deltaSeconds: later.placeSeconds - earlier.placeSeconds - (seam.nudgeMs ?? 0) / 1000,
    toleranceSeconds: Math.min(
      LONGEST_TOLERANCE_SECONDS,
      TOLERANCE_SECONDS + seam.uncertaintyMs / 1000,
    ),
  };
}

/** The nudge of a seam after `steps` more presses; null where there is no further. */
export function nudged(seam: Seam, steps: number): number | null {
  const nudgeMs = (seam.nudgeMs ?? 0) + steps * NUDGE_STEP_MS;
  return Math.abs(nudgeMs) <= MAX_NUDGE_MS ? nudgeMs : null;
}

/** The film as it would be if a seam had never been nudged. */
export function withoutNudge(film: Film, { seam, later }: Join): Film {
  const nudgeSeconds = (seam.nudgeMs ?? 0) / 1000;
  const from = film.parts.findIndex((part) => part.archiveId === later.archiveId);
  return {
    ...film,
    // Every later part lies where the one before it ends: they all were moved.
    parts: film.parts.map((part, i) =>
      i < from ? part : { ...part, placeSeconds: part.placeSeconds - nudgeSeconds }
    ),
  };
}
