/** The promise itself: a call recorded over two handovers, read back picture by picture. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { RECORDING_ATTEMPTS, withinAttempts } from "../support/attempts.ts";
import { BANDS, type Call, COLOURS, withCall } from "../support/call.ts";
import { LOOP_FRAMES } from "../support/camera.ts";
import { decodeFiles, missingNumbers, unwrapNumbers } from "../support/decode.ts";
import type { PlayerSample } from "../support/in_page.ts";
import { addPageTools } from "../support/page_tools.ts";
import {
  downloadParts,
  handOver,
  letRun,
  startRecording,
  stopRecording,
  untilFilmReady,
} from "../support/people.ts";

/**
 * Start, 8 s, restart, 5 s in a hidden tab, restart, 5 s, stop: by the buttons. Answers the chain's id.
 */
async function recordWithTwoHandovers({ app, host, guest }: Call): Promise<string> {
  const chainId = await startRecording(host, app, "Hearing 12");
  const recording = (page: Page) =>
    page.getByRole("status").filter({ hasText: "Recording" }).first();
  await recording(host).waitFor();
  await recording(guest).waitFor();
  for (const [seconds, partsAfter] of [[8, 3], [5, 5]] as const) {
    await letRun(seconds);
    const beforeMs = Date.now();
    await handOver(host, app, partsAfter);
    console.log(`handover to part ${partsAfter}: ${Date.now() - beforeMs} ms`);
    if (partsAfter === 3) await hide(host);
  }
  await letRun(5);
  await stopRecording(host, app);
  return chainId;
}

async function assertNothingLost(call: Call, chainId: string): Promise<void> {
  const film = await untilFilmReady(call.host, call.app, chainId);
  assert.equal(film.parts.length, 5);
  const paths = await downloadParts(call.host, call.app, film);
  const reports = await decodeFiles(call.people[0].browser, paths, {
    colours: [...COLOURS],
    bands: [...BANDS],
  });
  console.log(reports.map(({ frames, durationSeconds, soundSeconds }) => ({
    pictures: frames.length,
    durationSeconds,
    soundSeconds,
  })));
  for (const colour of COLOURS) {
    const numbers = unwrapAcross(reports.map((report) => unwrapNumbers(report.frames, colour)));
    for (const [i, later] of numbers.slice(1).entries()) {
      const overlap = (numbers[i]?.at(-1) ?? 0) - (later[0] ?? 0) + 1;
      console.log(`${colour}: parts ${i} and ${i + 1} share ${overlap} pictures`);
      assert.ok(overlap > 15, `${colour}: parts ${i} and ${i + 1} share ${overlap} pictures`);
    }
    assert.deepEqual(missingNumbers(numbers), [], `${colour}: numbers in no file`);
  }
  for (const [i, { tones }] of reports.entries()) {
    for (const band of BANDS) {
      const heard = tones[band];
      assert.ok(heard && heard.startSeconds !== null, `part ${i}: no ${band} sound`);
      assert.deepEqual(heard.holes, [], `part ${i}: holes in the ${band} sound`);
      assert.ok(heard.maxJumpMs <= 20, `part ${i}: the ${band} sound jumps ${heard.maxJumpMs} ms`);
    }
  }
  console.log(`continuity ${film.continuity}, seams`, film.seams);
}

/** Later files may begin in a later lap of the camera's loop than earlier ones. */
function unwrapAcross(files: number[][]): number[][] {
  let laps = 0;
  return files.map((numbers, i) => {
    const before = files[i - 1]?.[0];
    if (before !== undefined && (numbers[0] ?? 0) < before - LOOP_FRAMES / 2) laps++;
    return numbers.map((number) => number + laps * LOOP_FRAMES);
  });
}

/** Plays the whole film and answers what was shown. */
async function watchFilm({ app, host }: Call, chainId: string): Promise<PlayerSample[]> {
  const page = await host.context().newPage();
  await page.goto(`${app.origin}/player/${chainId}`);
  const play = page.getByRole("button", { name: "Play", exact: true });
  await play.first().click();
  await addPageTools(page);
  return await page.evaluate(() => {
    const player = document.querySelector<HTMLMediaElement>("gapless-video");
    const shown = () => {
      const videos = [...player?.shadowRoot?.querySelectorAll("video") ?? []];
      return videos.find((video) => video.checkVisibility({ visibilityProperty: true })) ?? null;
    };
    return gaplessTest.watch(
      shown,
      "magenta",
      () => !player || player.ended || player.currentTime > player.duration - 0.2,
    );
  });
}

function assertSeamless(samples: PlayerSample[], seamsAtSeconds: number[]): void {
  for (const seam of seamsAtSeconds) {
    const around = samples.filter(({ currentTime }) => Math.abs(currentTime - seam) < 0.5);
    assert.ok(around.length > 15, `only ${around.length} pictures seen around ${seam} s`);
    const waits = around.slice(1).map(({ atMs }, i) => atMs - (around[i]?.atMs ?? atMs));
    console.log(
      `seam at ${seam.toFixed(2)} s: longest picture ${Math.max(...waits).toFixed(0)} ms`,
    );
    for (const [i, sample] of around.slice(1).entries()) {
      const before = around[i]?.number;
      assert.ok(before !== null && before !== undefined && sample.number !== null);
      const step = (sample.number - before + LOOP_FRAMES) % LOOP_FRAMES;
      // A picture that was shown but that this page came too late to read is not skipped.
      const shown = Math.max(1, sample.presented - (around[i]?.presented ?? 0));
      assert.ok(
        step >= 1 && step <= shown,
        `picture ${before} is followed by ${sample.number} at ${seam} s`,
      );
    }
  }
}

Deno.test({
  name:
    "a call recorded over two handovers, one in a hidden tab, loses nothing and plays as one film",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: () =>
    withinAttempts(RECORDING_ATTEMPTS, () =>
      withCall(async (call) => {
        const chainId = await recordWithTwoHandovers(call);
        await assertNothingLost(call, chainId);
        // The player has the machine to itself, as a viewer's would be.
        await call.guest.close();
        const film = await untilFilmReady(call.host, call.app, chainId);
        const samples = await watchFilm(call, chainId);
        assertSeamless(samples, film.parts.slice(1).map((part) => part.placeSeconds));
      })),
});

/** Puts another tab before the page: the document is hidden, its timers and painting throttled. */
async function hide(page: Page): Promise<void> {
  const other = await page.context().newPage();
  await other.bringToFront();
  await page.waitForFunction(() => document.hidden, null, { polling: 100 });
}
