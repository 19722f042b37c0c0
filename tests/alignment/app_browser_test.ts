/** Seams found in the real app: a recorded call, coarse clocks, an admin's first look at the film. */
import assert from "node:assert/strict";
import { join as joinPath } from "node:path";
import type { Browser, Page } from "playwright-core";
import { type Film, filmSchema } from "../../lib/recording/views.ts";
import { openStore } from "../../lib/store/mod.ts";
import { type App, startApp } from "../support/app.ts";
import { cameraFile } from "../support/camera.ts";
import { launchChromium } from "../support/chromium.ts";
import { encodeWav } from "../support/tone_code.ts";
import { chanceOf, speech } from "./world.ts";
import {
  handOver,
  join,
  letRun,
  openHost,
  startRecording,
  stopRecording,
  untilFilmReady,
} from "../support/people.ts";

/** How wrong the platform's clock is made to be. */
const WRONG_MS = 1_500;
/** The promise, and what the clocks in the files, which are the truth here, may be wrong by. */
const ERROR_MS = 10 + 20;

/** Somebody who speaks for a minute, as a file for the microphone. */
async function speechFile(folder: string): Promise<string> {
  const speaks = speech(chanceOf(1), 60);
  const samples = Float32Array.from({ length: 60 * 48_000 }, (_, i) => speaks(i / 48_000));
  const path = joinPath(folder, "speech.wav");
  await Deno.writeFile(path, encodeWav(samples, 48_000));
  return path;
}

/** A call of one, handed over once: three parts whose files know when they began. */
async function record(host: Page, app: App): Promise<Film> {
  await join(host, "Ada");
  await letRun(1);
  const chainId = await startRecording(host, app, "Hearing");
  await letRun(4);
  await handOver(host, app, 3);
  await letRun(2);
  await stopRecording(host, app);
  return await untilFilmReady(host, app, chainId);
}

/** Makes the middle part's start as coarse and as wrong as a platform's clock can be. */
async function forgetClock(app: App, chainId: string): Promise<void> {
  await app.stop();
  const store = await openStore(joinPath(app.dataDir, "gapless.sqlite"));
  await store.parts.update(chainId, 1, (part) => ({
    ...part,
    startedAtMs: part.startedAtMs + WRONG_MS,
    startSource: "platform",
    startUncertaintyMs: 1_000,
  }));
  store.close();
  await app.restart();
}

/** What a page asked for that has to do with seams, and what its policy forbade. */
function watchPage(page: Page): { sent: string[]; workers: string[]; forbidden: string[] } {
  const seen = { sent: [] as string[], workers: [] as string[], forbidden: [] as string[] };
  page.on("request", (request) => {
    if (/\/seams\/\d+$/.test(request.url())) seen.sent.push(request.postData() ?? "");
    if (request.url().includes("/workers/align")) seen.workers.push(request.url());
  });
  page.on("console", (message) => {
    if (/Content.Security.Policy/i.test(message.text())) seen.forbidden.push(message.text());
  });
  return seen;
}

async function readFilm(page: Page, app: App, chainId: string): Promise<Film> {
  const answer = await page.context().request.get(`${app.origin}/api/chains/${chainId}`);
  return filmSchema.parse(await answer.json());
}

/** Looks at the film as a viewer who has not signed in. */
async function viewerChangesNothing(browser: Browser, address: string): Promise<void> {
  const viewer = await (await browser.newContext()).newPage();
  const seen = watchPage(viewer);
  await viewer.goto(address);
  await viewer.locator("media-controller").waitFor();
  assert.equal(
    await viewer.getByRole("cell", { name: /The platform's times, to \d+ ms/ }).count(),
    2,
  );
  assert.equal(await viewer.getByRole("button", { name: "Align" }).count(), 0);
  await viewer.context().close();
  assert.deepEqual(seen, { sent: [], workers: [], forbidden: [] });
}

Deno.test("an admin's first visit finds the seams of a recording, in the real app", async () => {
  const app = await startApp();
  const browser = await launchChromium({
    camera: await cameraFile("magenta"),
    microphone: await speechFile(app.dataDir),
  });
  try {
    const page = await openHost(browser, app);
    const truth = await record(page, app);
    await forgetClock(app, truth.chainId);
    const address = `${app.origin}/player/${truth.chainId}`;
    await viewerChangesNothing(browser, address);

    const first = watchPage(page);
    await page.goto(address);
    await page.getByRole("button", { name: "Align" }).waitFor();
    await page.getByText(/Found by its (sound|picture)\./).nth(1).waitFor({ timeout: 60_000 })
      .catch(async (error) => {
        console.log(await page.locator("section", { has: page.locator("#seams") }).innerText());
        throw error;
      });
    assert.deepEqual(first.forbidden, []);
    assert.equal(first.sent.length, 2);
    const film = await readFilm(page, app, truth.chainId);
    film.seams.forEach((seam, i) => {
      assert.equal(seam.source, "content");
      assert.ok(seam.confidence);
      const errorMs = Math.abs(seam.offsetMs - (truth.seams[i]?.offsetMs ?? NaN));
      console.log(`seam ${i}: ${errorMs.toFixed(1)} ms from the files' clocks`);
      assert.ok(errorMs <= ERROR_MS, `Seam ${i} is wrong by ${errorMs} ms`);
    });
    assert.equal(await page.getByRole("cell", { name: /^\d+ %$/ }).count(), 2, "confidences");

    const second = watchPage(page);
    await page.reload();
    await page.getByRole("button", { name: "Align" }).waitFor();
    assert.equal(await page.getByRole("cell", { name: /Sound and picture of both/ }).count(), 2);
    assert.deepEqual(second, { sent: [], workers: [], forbidden: [] });

    await page.getByRole("button", { name: "Align" }).click();
    await page.getByText(/Found by its (sound|picture)\./).nth(1).waitFor({ timeout: 60_000 });
    assert.equal(second.sent.length, 2, "on demand they are compared again");
    await page.getByRole("button", { name: "Move part 2 10 ms later" }).click();
    await page.getByText("Nudged.").waitFor();
    await page.getByRole("button", { name: "Watch Part 1 to 2 without its nudge" }).waitFor();
    const nudged = await readFilm(page, app, truth.chainId);
    assert.equal(nudged.seams[0]?.nudgeMs, 10);
  } finally {
    await browser.close();
    await app.stop();
    await Deno.remove(app.dataDir, { recursive: true });
  }
});
