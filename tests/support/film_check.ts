/** What of a call is in the files of a film: every picture, every sound, each moment's archives. */
import assert from "node:assert/strict";
import type { Film, FilmPart } from "../../lib/recording/views.ts";
import { CAMERA_FPS, LOOP_FRAMES } from "./camera.ts";
import { missingNumbers } from "./decode.ts";
import type { Colour } from "./frame_code.ts";
import type { MediaReport } from "./in_page.ts";
import type { Band } from "./tone_code.ts";

/**
 * The numbers of one camera in each part of a film, so that they only grow over the camera's laps: each
 * is near where the clock says that it must be.
 */
export function numbersOf(
  film: Pick<Film, "parts">,
  reports: MediaReport[],
  colour: Colour,
): number[][] {
  let last: { number: number; seconds: number } | null = null;
  return film.parts.map(({ placeSeconds }, i) =>
    (reports[i]?.frames ?? []).flatMap((frame) => {
      const shown = frame.numbers[colour];
      if (shown === null || shown === undefined) return [];
      const seconds = placeSeconds + frame.seconds;
      const expected: number = last ? last.number + (seconds - last.seconds) * CAMERA_FPS : shown;
      const number = shown + LOOP_FRAMES * Math.round((expected - shown) / LOOP_FRAMES);
      last = { number, seconds };
      return [number];
    })
  );
}

/** The numbers of a camera that are in no part between its first and its last. */
export function lostPictures(film: Film, reports: MediaReport[], colour: Colour): number[] {
  return missingNumbers(numbersOf(film, reports, colour));
}

/** Pictures in a row that Chromium may drop on a full machine, before the page is given them. */
const CAMERA_DROPS = 2;

/**
 * Asserts that no stretch of a camera's pictures is missing, as one would be while nobody recorded.
 * Single pictures do not count: Chromium drops some, and the end-to-end test counts them.
 */
export function assertNoStretchLost(film: Film, reports: MediaReport[], colour: Colour): void {
  const lost = lostPictures(film, reports, colour);
  const longest = lost.filter((number) =>
    Array.from({ length: CAMERA_DROPS }, (_, i) => number + i + 1).every((n) => lost.includes(n))
  );
  assert.deepEqual(longest, [], `stretches of ${colour} pictures in no file (${lost})`);
}

/** A hole in the sound that a full machine's microphone may leave by itself, ms. */
const MICROPHONE_DROPS_MS = 100;

/** Asserts that no stretch of sound is missing from any file, as {@link assertNoStretchLost}. */
export function assertNoSilence(reports: MediaReport[], band: Band): void {
  for (const [i, { tones }] of reports.entries()) {
    const holes = tones[band]?.holes.filter(({ lengthMs }) => lengthMs > MICROPHONE_DROPS_MS);
    assert.deepEqual(holes, [], `part ${i}: holes in the sound`);
  }
}

/** How long after the last picture a stop may have been asked for, seconds: it has to reach the recorder. */
const STOP_SECONDS = 1;

/** Asserts that nothing is missing from a film between its first moment and the stop. */
export function assertNoGaps(film: Pick<Film, "gaps" | "durationSeconds">): void {
  const inside = film.gaps.filter(({ fromSeconds }) =>
    fromSeconds < film.durationSeconds - STOP_SECONDS
  );
  assert.deepEqual(inside, [], "gaps in the film");
}

/** Asserts that each part overlaps the next one, that none is there twice, and never three at once. */
export function assertOneAfterTheOther({ parts }: Pick<Film, "parts">): void {
  const ids = parts.map((part) => part.archiveId);
  assert.equal(new Set(ids).size, ids.length, "an archive is in the film twice");
  const end = (part: FilmPart) => part.placeSeconds + (part.durationSeconds ?? 0);
  for (const [i, part] of parts.entries()) {
    const [next, afterNext] = parts.slice(i + 1);
    if (next) {
      const overlap = end(part) - next.placeSeconds;
      assert.ok(overlap > 0, `parts ${part.seq} and ${next.seq} miss each other by ${-overlap} s`);
    }
    if (afterNext) {
      const all = end(part) - afterNext.placeSeconds;
      assert.ok(all < 0.5, `parts ${part.seq} to ${afterNext.seq} share ${all} s`);
    }
  }
}
