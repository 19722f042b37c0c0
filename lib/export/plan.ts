/**
 * Where a film's parts are cut when they are put into one file: pure. Times are film time in seconds
 * unless a name says otherwise.
 */
import type { Film } from "../recording/views.ts";
import {
  type Hole,
  layOut,
  type PartFinding,
  type SkippedPart,
  SMALLEST_HOLE_SECONDS,
} from "../player/timeline.ts";

/** Where one kind of track begins and ends in a file, media time. */
export interface TrackSpan {
  /** Its first packet that can be decoded by itself. */
  startSeconds: number;
  endSeconds: number;
}

/** What was found when a part was opened, or why it cannot be used. */
export type PartSpans =
  | { kind: "media"; video: TrackSpan | null; audio: TrackSpan | null }
  | { kind: "unplayable"; reason: string };

/** What is taken of one track of a part. */
export interface Stretch {
  seq: number;
  archiveId: string;
  /** Film time of the part's media time 0. */
  placeSeconds: number;
  fromSeconds: number;
  /** Where the next part takes over; Infinity: to the track's own end. */
  toSeconds: number;
}

/** How a film is cut. The file's time is the film's: what is missing stays as time. */
export interface CutPlan {
  video: Stretch[];
  audio: Stretch[];
  /** What nothing covers: the picture stands still there and the sound is silent. */
  holes: Hole[];
  skipped: SkippedPart[];
  durationSeconds: number;
}

interface Piece {
  seq: number;
  archiveId: string;
  placeSeconds: number;
  video: { fromSeconds: number; endSeconds: number } | null;
  audio: { fromSeconds: number; endSeconds: number } | null;
}

/**
 * Cuts a film. The picture changes at the later part's first key frame, so that nothing has to be
 * encoded again, and the sound at the same instant.
 */
export function planCuts(film: Film, spans: ReadonlyMap<string, PartSpans>): CutPlan {
  const { segments, skipped, holes, durationSeconds } = layOut(film, findingsOf(spans));
  const pieces = segments.flatMap(({ seq, archiveId, placeSeconds }): Piece[] => {
    const found = spans.get(archiveId);
    if (found?.kind !== "media") return [];
    const place = (span: TrackSpan | null) =>
      span && {
        fromSeconds: Math.max(0, placeSeconds + span.startSeconds),
        endSeconds: placeSeconds + span.endSeconds,
      };
    return [{ seq, archiveId, placeSeconds, video: place(found.video), audio: place(found.audio) }];
  });
  return {
    video: stretches(pieces, (piece) => piece.video?.fromSeconds ?? null),
    audio: stretches(pieces, soundFrom),
    holes,
    skipped,
    durationSeconds,
  };
}

function findingsOf(spans: ReadonlyMap<string, PartSpans>): Map<string, PartFinding> {
  return new Map([...spans].map(([archiveId, found]): [string, PartFinding] => {
    if (found.kind === "unplayable") return [archiveId, found];
    const tracks = [found.video, found.audio].filter((track) => track !== null);
    return [archiveId, {
      kind: "media",
      startSeconds: Math.min(...tracks.map((track) => track.startSeconds)),
      endSeconds: Math.max(...tracks.map((track) => track.endSeconds)),
    }];
  }));
}

/** The sound changes with the picture, unless one of the two has no sound at that instant. */
function soundFrom({ video, audio }: Piece, earlier: Piece | null): number | null {
  if (!audio) return null;
  if (!video || !earlier?.audio) return audio.fromSeconds;
  const change = Math.min(video.fromSeconds, earlier.audio.endSeconds);
  return Math.max(audio.fromSeconds, change);
}

/** `fromOf` is told the piece and the last one before it that has a track of this kind. */
function stretches(
  pieces: Piece[],
  fromOf: (piece: Piece, earlier: Piece | null) => number | null,
): Stretch[] {
  const found: Stretch[] = [];
  let earlier: Piece | null = null;
  for (const piece of pieces) {
    const fromSeconds = fromOf(piece, earlier);
    if (fromSeconds === null) continue;
    const { seq, archiveId, placeSeconds } = piece;
    const before = found.at(-1);
    if (before) before.toSeconds = fromSeconds;
    found.push({ seq, archiveId, placeSeconds, fromSeconds, toSeconds: Infinity });
    earlier = piece;
  }
  return found;
}

/** The holes worth telling: what the file shows as a still picture without sound. */
export function lostSeconds(plan: CutPlan): number {
  return plan.holes.reduce((sum, hole) => {
    const length = hole.toSeconds - hole.fromSeconds;
    return length > SMALLEST_HOLE_SECONDS ? sum + length : sum;
  }, 0);
}
