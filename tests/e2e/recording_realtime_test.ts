/**
 * The promise itself: a call of two, recorded over a handover in a hidden tab, read back frame by frame,
 * played as one film and exported as one file.
 */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type { Film } from "../../lib/recording/views.ts";
import { BANDS, type Call, COLOURS, withCall } from "../support/call.ts";
import { concealedMs } from "../support/concealed_audio.ts";
import { decodeFiles, missingNumbers } from "../support/decode.ts";
import {
  assertAudible,
  assertFramesOverlap,
  assertNoFrameLost,
  assertNoGaps,
  assertOneAfterTheOther,
  numbersOf,
} from "../support/film_check.ts";
import type { MediaReport, PlayerSample } from "../support/in_page.ts";
import { addPageTools } from "../support/page_tools.ts";
import {
  downloadParts,
  handOver,
  letRun,
  startRecording,
  stopRecording,
  untilFilmReady,
} from "../support/people.ts";

/** A frame is shown until the next one: its time and the player's may differ by so much, s. */
const FRAME_SECONDS = 1 / 30;
/** A busy page may read a frame only when a later one is shown already: by so much, s. */
const LATE_SECONDS = 0.3;
/** What is watched before and after a seam, s. */
const MARGIN_SECONDS = 1;

Deno.test({
  name:
    "a call recorded over a handover in a hidden tab loses nothing, plays as one film and exports",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: (t) =>
    withCall(async (call) => {
      const { host, app, people: [{ browser }] } = call;
      const chainId = await recordWithHandover(call);
      const concealed = await concealedMs(host);
      const film = await untilFilmReady(host, app, chainId);
      await Promise.all([call.guest.close(), leave(host)]);
      const reports = await decodeFiles(browser, await downloadParts(host, app, film), {
        colours: [...COLOURS],
        bands: [...BANDS],
      });

      await t.step("every frame that was delivered is in its file, and none was dropped", () => {
        assert.equal(film.parts.length, 3);
        assertNoFrameLost(film, reports, COLOURS);
        for (const colour of COLOURS) assertFramesOverlap(film, reports, colour);
      });
      await t.step("both voices are heard without a hole", () => {
        assertAudible(reports, BANDS[0]);
        assertAudible(reports, BANDS[1], concealed);
      });
      await t.step("the books show no gap", () => {
        assertOneAfterTheOther(film);
        assertNoGaps(film);
        assert.ok(film.continuity > 0.95, `${film.continuity}`);
      });
      await t.step("the film plays over its seams, each frame at its time", async () => {
        for (const seam of film.parts.slice(1).map((part) => part.placeSeconds)) {
          assertSeamless(await watchSeam(call, film, seam), film, reports, seam);
        }
      });
      await t.step("the film is exported as one MP4 with every frame once", async () => {
        await assertExported(call, film, reports);
      });
    }),
});

/** Starts by the button, hides the tab, hands over, stops; returns the chain's id. */
async function recordWithHandover({ app, host, guest }: Call): Promise<string> {
  const chainId = await startRecording(host, app, "Hearing 12");
  for (const page of [host, guest]) {
    await page.getByRole("status").filter({ hasText: "Recording" }).first().waitFor();
  }
  await letRun(2);
  const other = await hide(host);
  await handOver(host, app, 3);
  await letRun(2);
  await stopRecording(host, app);
  await other.close();
  return chainId;
}

/** Puts another tab before the page: the document is hidden, its timers and painting throttled. */
async function hide(page: Page): Promise<Page> {
  const other = await page.context().newPage();
  await other.bringToFront();
  await page.waitForFunction(() => document.hidden, null, { polling: 100 });
  return other;
}

async function leave(page: Page): Promise<void> {
  await page.bringToFront();
  await page.getByRole("button", { name: "Leave" }).click();
}

/** Plays the film around a seam and returns what was shown. */
async function watchSeam({ app, host }: Call, film: Film, seam: number): Promise<PlayerSample[]> {
  const page = await host.context().newPage();
  try {
    await page.goto(`${app.origin}/player/${film.chainId}`);
    await page.getByRole("button", { name: "Play", exact: true }).first().waitFor();
    await addPageTools(page);
    return await page.evaluate(async ([from, to]) => {
      const player = document.querySelector<HTMLMediaElement>("gapless-video");
      if (!player) throw new Error("There is no player");
      player.currentTime = from;
      await player.play();
      const shown = () => {
        const videos = [...player.shadowRoot?.querySelectorAll("video") ?? []];
        return videos.find((video) => video.checkVisibility({ visibilityProperty: true })) ?? null;
      };
      return await gaplessTest.watch(
        shown,
        "magenta",
        () => player.ended || player.currentTime > to,
      );
    }, [Math.max(0, seam - MARGIN_SECONDS), seam + MARGIN_SECONDS + 1] as const);
  } finally {
    await page.close();
  }
}

/** Asserts that what was shown is what the files have at that time, in order, on both sides. */
function assertSeamless(
  samples: PlayerSample[],
  film: Film,
  reports: MediaReport[],
  seam: number,
): void {
  const times = reports.map(({ frames }, i) =>
    frames.map(({ seconds, numbers }) => ({
      seconds: (film.parts[i]?.placeSeconds ?? 0) + seconds,
      number: numbers.magenta ?? null,
    }))
  ).flat();
  let last = -Infinity;
  for (const { currentTime, number } of samples) {
    assert.ok(currentTime > last, `${currentTime} s is shown after ${last} s`);
    last = currentTime;
    const fits = times.some((frame) =>
      frame.number === number && frame.seconds > currentTime - FRAME_SECONDS &&
      frame.seconds < currentTime + LATE_SECONDS
    );
    assert.ok(fits, `frame ${number} is shown at ${currentTime} s`);
  }
  const before = samples.filter(({ currentTime }) => currentTime < seam).length;
  console.log(`seam at ${seam.toFixed(2)} s: ${before} and ${samples.length - before} frames seen`);
  assert.ok(before > 0 && samples.length > before, "nothing was seen on one side of the seam");
}

async function assertExported(
  { app, people: [, { browser }] }: Call,
  film: Film,
  reports: MediaReport[],
): Promise<void> {
  // The host's browser, which can hide tabs, takes no downloads.
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await page.goto(`${app.origin}/player/${film.chainId}`);
  // Without a dialog, which no test can press, the file is a download.
  await page.evaluate(() => Object.assign(globalThis, { showSaveFilePicker: undefined }));
  await page.getByRole("button", { name: "Export film" }).click();
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save film" }).click();
  const download = await downloading;
  assert.equal(download.suggestedFilename(), "Hearing 12.mp4");
  const path = `${app.dataDir}/exported.mp4`;
  await download.saveAs(path);
  await page.close();
  assert.deepEqual(errors, []);
  const [whole] = await decodeFiles(browser, [path], { colours: ["magenta"], bands: ["low"] });
  assert.ok(whole);
  const place = { placeSeconds: 0 };
  const parts = [...film.parts, { ...film.parts[0] ?? assert.fail(), ...place }];
  const all = numbersOf({ parts }, [...reports, whole], "magenta");
  const files = all.slice(0, -1).map((numbers) => new Set(numbers));
  // While one camera is late, a composed frame may show the same of it again.
  const exported = [...new Set(all.at(-1))];
  assert.deepEqual(exported, exported.toSorted((a, b) => a - b));
  const isIn = (number: number) => files.map((file) => file.has(number));
  assert.deepEqual(exported.filter((number) => !isIn(number).includes(true)), []);
  // Of two files that overlap only one is shown: a frame may be missing in that one alone.
  const left = missingNumbers([exported]).filter((number) =>
    files.filter((file) => number >= Math.min(...file) && number <= Math.max(...file))
      .every((file) => file.has(number))
  );
  assert.deepEqual(left, [], "frames that every file has");
  assertAudible([whole], "low");
  const difference = whole.durationSeconds - film.durationSeconds;
  assert.ok(Math.abs(difference) < 0.1, `the file is ${difference} s longer than the film`);
}
