/** Films for tests of the player's logic. */
import type { Film, FilmPart } from "../../lib/recording/views.ts";
import { layOut, type PartFinding, type Timeline } from "../../lib/player/timeline.ts";

/** A part: its place and length in seconds, and what is special about it. */
export type PartSketch = [
  place: number,
  length: number | null,
  special?: Partial<FilmPart>,
];

/** A stopped film of these parts; archive ids are `a`, `b`, `c` ... */
export function filmFrom(sketches: PartSketch[], changes: Partial<Film> = {}): Film {
  const parts = sketches.map(([place, length, special], seq): FilmPart => ({
    seq,
    archiveId: String.fromCharCode(97 + seq),
    lane: seq % 2 ? "secondary" : "primary",
    status: "available",
    reason: "",
    placeSeconds: place,
    durationSeconds: length,
    sizeBytes: 1000,
    mediaUrl: `/api/archives/${String.fromCharCode(97 + seq)}/media`,
    ...special,
  }));
  return {
    chainId: "chain",
    room: "main",
    name: "Film",
    options: { hasAudio: true, hasVideo: true, outputMode: "composed" },
    state: "stopped",
    createdAtMs: 0,
    epochMs: 0,
    durationSeconds: Math.max(0, ...sketches.map(([place, length]) => place + (length ?? 0))),
    parts,
    seams: [],
    gaps: [],
    continuity: 1,
    overlapSeconds: 0,
    ...changes,
  };
}

/** How these parts lie on the timeline, with what was found out about some of them. */
export function timelineFrom(
  sketches: PartSketch[],
  findings: Record<string, PartFinding> = {},
): Timeline {
  return layOut(filmFrom(sketches), new Map(Object.entries(findings)));
}
