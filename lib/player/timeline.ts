/**
 * The film's timeline: which part is shown at which moment. Pure: tables in, tables out; times are
 * film time in seconds unless a name says otherwise.
 */
import type { Film, FilmPart } from "../recording/views.ts";

/** What the player learned about a part by trying to open it, which beats what the film says. */
export type PartFinding =
  | { kind: "media"; startSeconds: number; endSeconds: number }
  | { kind: "unplayable"; reason: string };
/** Findings by archive id. `startSeconds` and `endSeconds` are media time, read from the file. */
export type Findings = ReadonlyMap<string, PartFinding>;

/** A stretch of the film that one part shows: from its own first moment to the next one's. */
export interface Segment {
  seq: number;
  archiveId: string;
  mediaUrl: string;
  /** Film time of the part's media time 0. */
  placeSeconds: number;
  /** Film time at which this part takes over. */
  fromSeconds: number;
  /** Film time at which the next part takes over, or at which this one ends. */
  toSeconds: number;
  /** Film time of this part's own end; at or after `toSeconds`. */
  endSeconds: number;
}

/** A part that is not shown, and why. `pending` parts may become playable, `lost` ones do not. */
export interface SkippedPart {
  seq: number;
  archiveId: string;
  state: "pending" | "lost";
  reason: string;
  fromSeconds: number;
  /** null while its length is unknown. */
  toSeconds: number | null;
}

/** A stretch of the film that nothing can show. */
export interface Hole {
  fromSeconds: number;
  toSeconds: number;
}

/** The film as the player sees it. */
export interface Timeline {
  segments: Segment[];
  skipped: SkippedPart[];
  holes: Hole[];
  durationSeconds: number;
  /** True while parts may still be added or become playable after the last segment. */
  open: boolean;
}

/** Shorter holes than this are rounding, not loss: they are crossed without a word. */
export const SMALLEST_HOLE_SECONDS = 0.1;

/** Why a part with this status has no media now, or null if it should have some. */
export function missingReason(
  part: FilmPart,
): { state: "pending" | "lost"; reason: string } | null {
  switch (part.status) {
    case "started":
    case "paused":
      return { state: "pending", reason: "is being recorded" };
    case "stopped":
      return { state: "pending", reason: "is being prepared" };
    case "uploaded":
      return { state: "lost", reason: "was moved to the project's own storage" };
    case "expired":
      return { state: "lost", reason: "has expired" };
    case "failed":
      return { state: "lost", reason: "failed to record" };
    case "deleted":
      return { state: "lost", reason: "was deleted" };
    case "available":
      return null;
  }
}

/**
 * Lays a film's parts out. A later part always replaces an earlier one where they overlap, so that a
 * seam is the later part's first frame; a part that lies wholly inside an earlier one adds nothing
 * and is left out.
 */
export function layOut(film: Film, findings: Findings): Timeline {
  const skipped: SkippedPart[] = [];
  const segments: Segment[] = [];
  const parts = [...film.parts].sort((a, b) => a.placeSeconds - b.placeSeconds || a.seq - b.seq);
  for (const part of parts) {
    const finding = findings.get(part.archiveId);
    const missing = missingReason(part) ??
      (finding?.kind === "unplayable" ? { state: "lost" as const, reason: finding.reason } : null);
    const endSeconds = partEnd(part, finding);
    if (missing) {
      skipped.push({
        ...missing,
        seq: part.seq,
        archiveId: part.archiveId,
        fromSeconds: Math.max(0, part.placeSeconds),
        toSeconds: part.durationSeconds === null ? null : endSeconds,
      });
      continue;
    }
    const start = finding?.kind === "media" ? Math.max(0, finding.startSeconds) : 0;
    const fromSeconds = Math.max(0, part.placeSeconds + start);
    const previous = segments.at(-1);
    if (endSeconds <= fromSeconds || (previous && endSeconds <= previous.endSeconds)) continue;
    if (previous) previous.toSeconds = Math.min(previous.endSeconds, fromSeconds);
    segments.push({
      seq: part.seq,
      archiveId: part.archiveId,
      mediaUrl: part.mediaUrl,
      placeSeconds: part.placeSeconds,
      fromSeconds,
      toSeconds: endSeconds,
      endSeconds,
    });
  }
  const recording = film.state !== "stopped" && film.state !== "failed";
  const lastEnd = segments.at(-1)?.endSeconds ?? 0;
  const open = recording ||
    skipped.some((part) => part.state === "pending" && part.fromSeconds >= lastEnd - 60);
  // What is recorded but cannot be read yet still belongs to the film: its bar shows it.
  const durationSeconds = open ? Math.max(film.durationSeconds, lastEnd) : lastEnd;
  return { segments, skipped, holes: holesOf(segments, durationSeconds), durationSeconds, open };
}

function partEnd(part: FilmPart, finding: PartFinding | undefined): number {
  const length = finding?.kind === "media" ? finding.endSeconds : part.durationSeconds ?? 0;
  return part.placeSeconds + length;
}

function holesOf(segments: readonly Segment[], durationSeconds: number): Hole[] {
  const holes: Hole[] = [];
  let covered = 0;
  for (const segment of segments) {
    if (segment.fromSeconds - covered > SMALLEST_HOLE_SECONDS) {
      holes.push({ fromSeconds: covered, toSeconds: segment.fromSeconds });
    }
    covered = segment.endSeconds;
  }
  if (durationSeconds - covered > SMALLEST_HOLE_SECONDS) {
    holes.push({ fromSeconds: covered, toSeconds: durationSeconds });
  }
  return holes;
}

/** Index of the segment shown at `seconds`; in a hole the one after it; -1 past the last one's end. */
export function segmentAt(timeline: Timeline, seconds: number): number {
  return timeline.segments.findIndex((segment) => seconds < segment.toSeconds);
}

/**
 * Where a seek to `seconds` really lands: inside the film, and not inside a hole that something
 * playable follows.
 */
export function landingOf(timeline: Timeline, seconds: number): number {
  const wanted = Math.min(Math.max(0, seconds), timeline.durationSeconds);
  const segment = timeline.segments[segmentAt(timeline, wanted)];
  return segment ? Math.max(wanted, segment.fromSeconds) : wanted;
}
