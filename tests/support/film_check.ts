/** Whether a film has all of a call: every frame that was delivered, all audio, no gap. */
import assert from "node:assert/strict";
import type { Film, FilmPart } from "../../lib/recording/views.ts";
import { CAMERA_FPS, LOOP_FRAMES } from "./camera.ts";
import { missingNumbers } from "./decode.ts";
import type { Colour } from "./frame_code.ts";
import type { MediaReport } from "./in_page.ts";
import type { Band } from "./tone_code.ts";

/**
 * The numbers of one camera in each part of a film, unwrapped over the camera's loops so that they only
 * increase: each is near the number that is expected at its time.
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
export function lostFrames(film: Film, reports: MediaReport[], colour: Colour): number[] {
  return missingNumbers(numbersOf(film, reports, colour));
}

/**
 * By how many frames of two cameras the recorder's count of those not delivered may be too low: it takes a
 * stall of more than a second for a camera that was off.
 */
const MISCOUNTED_FRAMES = 34;

/**
 * Asserts that a recorder dropped no frame, and that those which are missing in its file are ones that
 * the browser never delivered: on a busy machine Chromium drops single frames before a page gets them.
 * The recorder estimates from time stamps, which jitter, how many.
 */
export function assertCounted(
  missing: number[],
  { framesDropped, framesNotDelivered }: { framesDropped: number; framesNotDelivered: number },
): void {
  console.log(`${missing} missing`, { framesNotDelivered, framesDropped });
  assert.equal(framesDropped, 0, "frames dropped by the recorder");
  const total = missing.reduce((sum, count) => sum + count, 0);
  assert.ok(
    total <= framesNotDelivered + MISCOUNTED_FRAMES,
    `${total} frames are missing, ${framesNotDelivered} were not delivered`,
  );
}

/** Asserts of every part of a film what {@link assertCounted} does. */
export function assertNoFrameLost(
  film: Pick<Film, "parts">,
  reports: MediaReport[],
  colours: readonly Colour[],
): void {
  const numbers = colours.map((colour) => numbersOf(film, reports, colour));
  for (const [i, { seq, losses }] of film.parts.entries()) {
    assert.ok(losses, `part ${seq} does not say what is missing`);
    assertCounted(numbers.map((parts) => missingNumbers([parts[i] ?? []]).length), losses);
  }
}

/** Asserts that the frames of each part begin before those of the part before it end. */
export function assertFramesOverlap(
  film: Pick<Film, "parts">,
  reports: MediaReport[],
  colour: Colour,
): void {
  const numbers = numbersOf(film, reports, colour);
  for (const [i, later] of numbers.slice(1).entries()) {
    const shared = (numbers[i]?.at(-1) ?? -Infinity) - (later[0] ?? Infinity) + 1;
    console.log(`${colour}: parts ${i} and ${i + 1} share ${shared} frames`);
    assert.ok(shared > 0, `${colour}: parts ${i} and ${i + 1} share ${shared} frames`);
  }
}

/** By how much a hole that was found may be longer than it is, ms: the tones are looked for in windows. */
const WINDOW_MS = 25;

/**
 * Asserts that a voice is in every file, and that nothing of it is lost. There may be silence where it
 * was not there to be recorded: where the microphone of a busy machine stood still (the tones go on later
 * where they were), and in a voice that was received as much as the receiver had to make up,
 * `lostMs`: see `concealed_audio.ts`.
 */
export function assertAudible(reports: MediaReport[], band: Band, lostMs = 0): void {
  for (const [i, { tones }] of reports.entries()) {
    const tone = tones[band];
    assert.ok(tone && tone.startSeconds !== null, `file ${i} has no ${band} audio`);
    const silentMs = tone.holes.reduce((sum, { lengthMs }) => sum + lengthMs - WINDOW_MS, 0);
    // The largest shift is counted from the middle of the file: there may be one on either side.
    const explainedMs = 2 * tone.maxJumpMs + lostMs;
    if (silentMs > 0) console.log({ file: i, band, silentMs, explainedMs });
    assert.ok(
      silentMs <= explainedMs,
      `file ${i}: ${JSON.stringify(tone.holes)} in the ${band} audio`,
    );
  }
}

/** The last frame may be so much older than the stop, which takes a moment to reach the recorder, s. */
const STOP_SECONDS = 1;

/** Asserts that a film has no gap between its beginning and the stop. */
export function assertNoGaps(film: Pick<Film, "gaps" | "durationSeconds">): void {
  const inside = film.gaps.filter(({ fromSeconds }) =>
    fromSeconds < film.durationSeconds - STOP_SECONDS
  );
  assert.deepEqual(inside, [], "gaps in the film");
}

/**
 * Asserts that each part overlaps the next one, that none is there twice, and never three at once for
 * longer than `sharedSeconds`.
 */
export function assertOneAfterTheOther(
  { parts }: Pick<Film, "parts">,
  { sharedSeconds = 0.5 }: { sharedSeconds?: number } = {},
): void {
  const ids = parts.map((part) => part.archiveId);
  assert.equal(new Set(ids).size, ids.length, "an archive is in the film twice");
  const end = (part: FilmPart) => part.placeSeconds + (part.durationSeconds ?? 0);
  for (const [i, part] of parts.entries()) {
    const [next, afterNext] = parts.slice(i + 1);
    if (next) {
      const overlap = end(part) - next.placeSeconds;
      assert.ok(overlap > 0, `parts ${part.seq} and ${next.seq} are ${-overlap} s apart`);
    }
    if (afterNext) {
      const all = end(part) - afterNext.placeSeconds;
      assert.ok(all < sharedSeconds, `parts ${part.seq} to ${afterNext.seq} share ${all} s`);
    }
  }
}
