/** The parts of a film as chapters: pure. */
import type { Film } from "../recording/views.ts";
import { missingReason, type Timeline } from "./timeline.ts";

/** One part in the list, and on the seek bar if it can be played. */
export interface Chapter {
  seq: number;
  title: string;
  fromSeconds: number;
  toSeconds: number;
  /** Why it cannot be played, or null. */
  missing: { state: "pending" | "lost"; reason: string } | null;
}

/** Every part of a film in order. `timeline` tells what the player found out; null before it did. */
export function chaptersOf(film: Film, timeline: Timeline | null): Chapter[] {
  return film.parts.map((part) => {
    const segment = timeline?.segments.find((s) => s.archiveId === part.archiveId);
    const skipped = timeline?.skipped.find((s) => s.archiveId === part.archiveId);
    const fromSeconds = Math.max(0, segment?.fromSeconds ?? part.placeSeconds);
    const ownEnd = part.placeSeconds + (part.durationSeconds ?? 0);
    return {
      seq: part.seq,
      title: `Part ${part.seq + 1}`,
      fromSeconds,
      toSeconds: Math.max(fromSeconds, segment?.toSeconds ?? ownEnd),
      missing: timeline ? skipped ?? null : missingReason(part),
    };
  });
}
