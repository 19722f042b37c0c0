/** What of a call is in the files of a film: every picture, every sound, each moment's archives. */
import assert from "node:assert/strict";
import type { Film } from "../../lib/recording/views.ts";
import { CAMERA_FPS, LOOP_FRAMES } from "./camera.ts";
import { missingNumbers } from "./decode.ts";
import type { Colour } from "./frame_code.ts";
import type { MediaReport } from "./in_page.ts";

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

/** Asserts that consecutive parts overlap, and that no session was ever recorded twice at once. */
export function assertOneAfterTheOther(film: Film): void {
  const spans = film.parts.map((part) => ({
    ...part,
    endSeconds: part.placeSeconds + (part.durationSeconds ?? 0),
  }));
  for (const [i, later] of spans.entries()) {
    const earlier = spans[i - 1];
    if (earlier) {
      const overlap = earlier.endSeconds - later.placeSeconds;
      assert.ok(
        overlap > 0,
        `parts ${earlier.seq} and ${later.seq} miss each other by ${-overlap} s`,
      );
    }
    const same = spans.slice(0, i).findLast(({ lane }) => lane === later.lane);
    if (same) {
      const both = same.endSeconds - later.placeSeconds;
      assert.ok(
        both < 0.5,
        `parts ${same.seq} and ${later.seq}, both ${later.lane}, share ${both} s`,
      );
    }
  }
  const ids = spans.map((part) => part.archiveId);
  assert.equal(new Set(ids).size, ids.length, "an archive is in the film twice");
}
