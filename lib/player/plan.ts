/**
 * What the player does next, as a pure function of what it has: which part to open, which track to
 * append, what to throw away. Film time, seconds.
 */
import type { Segment, Timeline } from "./timeline.ts";
import { segmentAt } from "./timeline.ts";

/** How much of the film is kept in memory around the playhead. */
export interface Window {
  aheadSeconds: number;
  behindSeconds: number;
}
/** Enough ahead to ride out a slow minute of network, enough behind for a short step back. */
export const WINDOW: Window = { aheadSeconds: 30, behindSeconds: 20 };
/** What remains when the browser says that its memory is full. */
export const SMALL_WINDOW: Window = { aheadSeconds: 8, behindSeconds: 4 };

/** How far a track of the part in hand has been appended. */
export interface Head {
  kind: "video" | "audio";
  appendedToSeconds: number;
  done: boolean;
}

/** Where appending stands: before a segment, inside one, or behind one. */
export type Cursor =
  | { kind: "seek"; seconds: number }
  | { kind: "inside"; archiveId: string; heads: readonly Head[] }
  | { kind: "behind"; archiveId: string };

/** Everything the next step depends on. */
export interface Situation {
  timeline: Timeline;
  window: Window;
  playheadSeconds: number;
  cursor: Cursor;
  /** Where the oldest buffered moment lies, or null if nothing is buffered. */
  bufferedFromSeconds: number | null;
  /** True once the end of the film was announced to the browser and nothing was changed since. */
  ended: boolean;
}

/** The next thing to do. */
export type Step =
  | { kind: "evict"; toSeconds: number }
  | { kind: "open"; segment: Segment; fromSeconds: number }
  | { kind: "append"; track: Head["kind"] }
  | { kind: "leave" }
  | { kind: "end" }
  | { kind: "wait" };

/** Evicting less than this is not worth the work. */
const SMALLEST_EVICTION_SECONDS = 5;
/** A seek this close behind a seam also needs the earlier part: the later one's first frame may lie after it. */
const SEAM_MARGIN_SECONDS = 1;

/** Decides the next step. Doing it and asking again always ends in `wait` or `end`. */
export function nextStep(now: Situation): Step {
  const keepFrom = now.playheadSeconds - now.window.behindSeconds;
  if (
    now.bufferedFromSeconds !== null &&
    keepFrom - now.bufferedFromSeconds > SMALLEST_EVICTION_SECONDS
  ) return { kind: "evict", toSeconds: keepFrom };

  const horizon = now.playheadSeconds + now.window.aheadSeconds;
  if (now.cursor.kind === "inside") {
    const least = leastHead(now.cursor.heads);
    if (!least) return { kind: "leave" };
    return least.appendedToSeconds < horizon
      ? { kind: "append", track: least.kind }
      : { kind: "wait" };
  }
  const next = nextSegment(now.timeline, now.cursor);
  if (!next) return now.timeline.open || now.ended ? { kind: "wait" } : { kind: "end" };
  if (next.fromSeconds >= horizon) return { kind: "wait" };
  const fromSeconds = now.cursor.kind === "seek" ? now.cursor.seconds : next.placeSeconds;
  return { kind: "open", segment: next, fromSeconds };
}

/** The unfinished track that is furthest behind. */
export function leastHead(heads: readonly Head[]): Head | null {
  let least: Head | null = null;
  for (const head of heads) {
    if (!head.done && (!least || head.appendedToSeconds < least.appendedToSeconds)) least = head;
  }
  return least;
}

function nextSegment(timeline: Timeline, cursor: Cursor): Segment | null {
  const { segments } = timeline;
  if (cursor.kind === "seek") {
    const index = segmentAt(timeline, cursor.seconds);
    const [before, at] = [segments[index - 1], segments[index]];
    const nearSeam = at && cursor.seconds - at.fromSeconds < SEAM_MARGIN_SECONDS;
    if (before && nearSeam && before.endSeconds > cursor.seconds) return before;
    return at ?? null;
  }
  return segments[segments.findIndex((s) => s.archiveId === cursor.archiveId) + 1] ?? null;
}

/**
 * Where appending must go on after the film changed: nowhere else, unless a part appeared between
 * the playhead and what was appended already, or the part in hand is gone.
 */
export function reviseCursor(
  before: Timeline,
  after: Timeline,
  cursor: Cursor,
  playheadSeconds: number,
): Cursor {
  if (cursor.kind === "seek") return cursor;
  const known = new Set(before.segments.map((segment) => segment.archiveId));
  const here = before.segments.find((segment) => segment.archiveId === cursor.archiveId);
  const reachedSeconds = here?.fromSeconds ?? playheadSeconds;
  const added = after.segments.findIndex((segment) =>
    !known.has(segment.archiveId) && segment.toSeconds > playheadSeconds &&
    segment.fromSeconds < reachedSeconds
  );
  if (added >= 0) {
    const earlier = after.segments[added - 1];
    return earlier
      ? { kind: "behind", archiveId: earlier.archiveId }
      : { kind: "seek", seconds: playheadSeconds };
  }
  if (after.segments.some((segment) => segment.archiveId === cursor.archiveId)) return cursor;
  const last = after.segments.findLast((segment) => segment.fromSeconds < reachedSeconds);
  return last
    ? { kind: "behind", archiveId: last.archiveId }
    : { kind: "seek", seconds: playheadSeconds };
}

/** A stretch of buffered media. */
export interface Range {
  startSeconds: number;
  endSeconds: number;
}

/** How close to the end of a range the playhead stops when the browser runs dry, at normal speed. */
const RANGE_END_SLACK_SECONDS = 0.3;

/** Browsers look ahead by the clock on the wall: the faster the film, the earlier they stop. */
function slackSeconds(playbackRate: number): number {
  return RANGE_END_SLACK_SECONDS * Math.max(1, playbackRate);
}

/**
 * Where playback that ran dry at `playheadSeconds` must jump to, or null if it must wait: to the start
 * of the next buffered stretch, which appending in order has left behind a hole.
 */
export function jumpOver(
  ranges: readonly Range[],
  playheadSeconds: number,
  playbackRate = 1,
): number | null {
  const inside = ranges.find((range) =>
    range.startSeconds <= playheadSeconds && playheadSeconds < range.endSeconds
  );
  if (inside && inside.endSeconds - playheadSeconds > slackSeconds(playbackRate)) return null;
  const next = ranges.find((range) => range.startSeconds > playheadSeconds);
  return next ? next.startSeconds : null;
}

/** A shorter stretch that is missing lies between two pictures: nothing was lost. */
const SMALLEST_LOSS_SECONDS = 1;

/**
 * True if the stretch was appended and is gone: the browser, which may run out of memory without a
 * word, has thrown it away. Holes of the film itself are no loss.
 */
export function isLost(
  timeline: Timeline,
  ranges: readonly Range[],
  fromSeconds: number,
  toSeconds: number,
  playbackRate = 1,
): boolean {
  return toSeconds - fromSeconds > SMALLEST_LOSS_SECONDS + slackSeconds(playbackRate) &&
    !isBuffered(ranges, fromSeconds + slackSeconds(playbackRate)) &&
    !timeline.holes.some((hole) => hole.fromSeconds < toSeconds && hole.toSeconds > fromSeconds);
}

/** True if playing can begin at `seconds` out of what is buffered. */
export function isBuffered(ranges: readonly Range[], seconds: number): boolean {
  return ranges.some((range) => range.startSeconds <= seconds && seconds < range.endSeconds);
}
