/** Films for tests of the player's logic. */
import type { Film, FilmPart } from "../../lib/recording/views.ts";

/** A part by its place and length, seconds. */
export type PartSketch = Partial<FilmPart> & { place: number; length: number | null };

/** A stopped film of these parts; archive ids are `a`, `b`, `c` ... */
export function filmFrom(sketches: PartSketch[], changes: Partial<Film> = {}): Film {
  const parts = sketches.map(({ place, length, ...rest }, seq): FilmPart => ({
    seq,
    archiveId: String.fromCharCode(97 + seq),
    lane: seq % 2 ? "secondary" : "primary",
    status: "available",
    reason: "",
    placeSeconds: place,
    durationSeconds: length,
    sizeBytes: 1000,
    mediaUrl: `/api/archives/${String.fromCharCode(97 + seq)}/media`,
    ...rest,
  }));
  return {
    chainId: "chain",
    room: "main",
    name: "Film",
    options: { hasAudio: true, hasVideo: true, outputMode: "composed" },
    state: "stopped",
    createdAtMs: 0,
    epochMs: 0,
    durationSeconds: Math.max(0, ...sketches.map((s) => s.place + (s.length ?? 0))),
    parts,
    seams: [],
    gaps: [],
    continuity: 1,
    overlapSeconds: 0,
    ...changes,
  };
}
