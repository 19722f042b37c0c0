/** The export as its users meet it: the film's page in Chromium, real files in, a real file out. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type { Film } from "../../lib/recording/views.ts";
import { hurryWaits, overlapping, type Stage, testsOnOneStage } from "../player/stage.ts";
import type { MediaReport } from "../support/in_page.ts";
import {
  decodeStored,
  installSaveDialog,
  playStored,
  removeSaveDialog,
  storedFiles,
} from "./in_page_calls.ts";

const test = testsOnOneStage();

/** Opens the film's page and the export on it; without a dialog, the browser has none. */
async function openExport(stage: Stage, film: Film, hasDialog = true): Promise<void> {
  await stage.page.evaluate(hasDialog ? installSaveDialog : removeSaveDialog);
  await stage.mount(film);
  await stage.page.getByRole("button", { name: "Export film" }).click();
}

/** Opens an export whose waits between tries pass at once, and waits until it has looked at the parts. */
async function openHurriedExport(stage: Stage, film: Film): Promise<void> {
  const { page } = stage;
  page.on("worker", (worker) => void worker.evaluate(hurryWaits));
  await openExport(stage, film);
  await page.getByRole("button", { name: "Save film" }).waitFor();
}

/** Exports the film that is open to the end. */
async function saveFilm(page: Page): Promise<void> {
  await save(page);
  await page.getByText(/^Saved as /).waitFor();
}

async function save(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Save film" }).click();
}

function numbersOf({ frames }: MediaReport): (number | null | undefined)[] {
  return frames.map(({ numbers }) => numbers.green);
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function assertNear(actual: number, expected: number, tolerance: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${what}: ${actual}, not ${expected}`);
}

for (const format of ["webm", "mp4"] as const) {
  test(`three ${format} parts become one file: every picture once, sound whole and in step`, async (stage) => {
    const { page } = stage;
    await openExport(stage, await stage.film(overlapping(format)));
    const name = `Film.${format}`;
    await saveFilm(page);
    const report = await page.evaluate(decodeStored, name);
    assert.deepEqual(numbersOf(report), upTo(180));
    for (const { seconds, numbers: { green } } of report.frames) {
      assertNear(seconds, (green ?? 0) / 30, 0.003, `Seconds of picture ${green}`);
    }
    assertNear(report.durationSeconds, 6, 1 / 30, "Seconds");
    const heard = report.tones.low;
    assert.ok(heard && heard.startSeconds !== null);
    assert.deepEqual(heard.holes, []);
    assert.ok(heard.maxJumpMs <= 20, `The sound jumps by ${heard.maxJumpMs} ms`);
    assertNear(heard.startSeconds, 0, 0.02, "Seconds the sound is early");

    const played = await page.evaluate(playStored, { name, rate: 4 });
    if (Deno.env.get("VERBOSE")) console.log(JSON.stringify({ heard, played }));
    assert.equal(played.ended, true);
    assert.equal(played.errorCode, undefined);
    assertNear(played.durationSeconds, 6, 1 / 30, "Seconds played");
    assert.ok(played.pictureSeconds < 1 / 30, `${played.pictureSeconds} s off`);
  });
}

test("a gap and a deleted part are told; the file keeps their time, and a plain video stays in step", async (stage) => {
  const { page } = stage;
  const film = await stage.film([
    { fromSeconds: 0, seconds: 3, format: "webm" },
    { fromSeconds: 2, seconds: 2, format: "webm", status: "deleted" },
    { fromSeconds: 5, seconds: 4, format: "webm" },
  ]);
  await openExport(stage, film);
  await page.getByText("Part 2 was deleted.").waitFor();
  await page.getByText(/^2 seconds of the film are covered by no part/).waitFor();
  await saveFilm(page);
  const report = await page.evaluate(decodeStored, "Film.webm");
  assert.deepEqual(numbersOf(report), upTo(270).filter((n) => n < 90 || n >= 150));
  assertNear(report.durationSeconds, 9, 1 / 30, "Seconds");

  const heard = { name: "Film.webm", fromSeconds: 2.2, toSeconds: 7.5 };
  const played = await page.evaluate(playStored, heard);
  if (Deno.env.get("VERBOSE")) console.log(JSON.stringify(played));
  // Loud, silent for the gap's length, loud again: else the sound would run ahead of the picture.
  const [, silent = 0] = played.heard;
  assert.ok(Math.abs(silent - 2) < 0.05, `Silent for ${played.heard} s`);
  assert.ok(played.pictureSeconds < 1 / 30, `${played.pictureSeconds} s off`);
});

test("an export goes on when the network comes back, and Cancel leaves nothing behind", async (stage) => {
  const { page } = stage;
  const film = await stage.film(overlapping());
  const last = film.parts[2]?.archiveId ?? "";
  await openHurriedExport(stage, film);
  stage.manners.set(last, { status: 503 });
  await save(page);
  await page.getByText("The recording cannot be reached.").waitFor();
  const bar = page.getByRole("progressbar", { name: "Exporting" });
  const share = Number(await bar.getAttribute("value"));
  assert.ok(share > 0 && share < 1, `${share}`);
  await page.getByRole("button", { name: "Cancel" }).click();
  stage.manners.clear();
  await page.getByText("Cancelled; nothing was kept. One").waitFor();
  assert.deepEqual(await page.evaluate(storedFiles), []);

  stage.manners.set(last, { status: 503 });
  await save(page);
  await page.getByText("The recording cannot be reached.").waitFor();
  // Ten minutes later every address is another one, and the server sends little at a time.
  stage.expireAddresses();
  stage.manners.set("*", { pieceBytes: 10_000 });
  stage.manners.delete(last);
  await page.getByRole("button", { name: "Try now" }).click();
  await page.getByText(/^Saved as /).waitFor();
  assert.deepEqual(numbersOf(await page.evaluate(decodeStored, "Film.webm")), upTo(180));
});

test("a part that goes away half-way fails the export; tried again, it is a hole", async (stage) => {
  const { page } = stage;
  const film = await stage.film(overlapping());
  await openHurriedExport(stage, film);
  stage.manners.set(film.parts[2]?.archiveId ?? "", { status: 404 });
  await save(page);
  await page.getByRole("alert").filter({ hasText: "A part is no longer there" }).waitFor();
  assert.deepEqual(await page.evaluate(storedFiles), []);
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("Part 3 is no longer there.").waitFor();
  await saveFilm(page);
  assert.deepEqual(numbersOf(await page.evaluate(decodeStored, "Film.webm")), upTo(150));
});

test("where no dialog asks where to, the file is downloaded once it is complete", async (stage) => {
  const { page } = stage;
  const film = await stage.film(overlapping(), { name: "All/hands: June" });
  await openExport(stage, film, false);
  const downloading = page.waitForEvent("download");
  await save(page);
  const download = await downloading;
  assert.equal(download.suggestedFilename(), "All hands June.webm");
  const [[, size] = ["", 0]] = await page.evaluate(storedFiles);
  const path = await Deno.makeTempFile();
  await download.saveAs(path);
  assert.equal((await Deno.stat(path)).size, size);
  await Deno.remove(path);
  await page.getByRole("link", { name: "Save it again" }).waitFor();
  // The next one clears away what nobody holds any more.
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "Export film" }).click();
  const again = page.waitForEvent("download");
  await save(page);
  await again;
  assert.equal((await page.evaluate(storedFiles)).length, 1);
});

test("a full disk is told, and nothing is left on it", async (stage) => {
  const { page } = stage;
  const devtools = await page.context().newCDPSession(page);
  const origin = new URL(page.url()).origin;
  await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 50_000 });
  // What Chromium tells of its quota is a constant.
  await page.evaluate(() => {
    Object.assign(navigator.storage, { estimate: () => Promise.resolve({ quota: 50_000 }) });
  });
  await openExport(stage, await stage.film(overlapping()), false);
  await page.getByText("This browser lets the page keep 50 kB only.").waitFor();
  await save(page);
  await page.getByRole("alert").filter({ hasText: "not enough room on the disk" }).waitFor();
  assert.deepEqual(await page.evaluate(storedFiles), []);
});

test("parts that one file cannot hold are refused with the way out", async (stage) => {
  const film = await stage.film([
    { fromSeconds: 0, seconds: 3, format: "webm" },
    { fromSeconds: 2, seconds: 3, format: "mp4" },
  ]);
  await openExport(stage, film);
  const refusal = stage.page.getByRole("alert").filter({ hasText: "cannot hold both" });
  assert.match(
    await refusal.innerText(),
    /^Part 1 has pictures in VP8 and part 2 in H\.264: .* Download the parts one by one instead\.$/,
  );
});

for (const format of ["webm", "mp4"] as const) {
  test(`${format} parts of different sizes play as one file in a plain video`, async (stage) => {
    const { page } = stage;
    const film = await stage.film([
      { fromSeconds: 0, seconds: 3, format },
      { fromSeconds: 2, seconds: 3, format, width: 320, height: 180 },
    ]);
    await openExport(stage, film);
    await saveFilm(page);
    const played = await page.evaluate(playStored, { name: `Film.${format}`, rate: 4 });
    if (Deno.env.get("VERBOSE")) console.log(JSON.stringify(played));
    assert.equal(played.ended, true);
    // Of the second size, to near its end.
    assert.ok((played.lastPicture ?? 0) > 90, `The last picture was ${played.lastPicture}`);
    assert.ok(played.pictureSeconds < 1 / 30, `${played.pictureSeconds} s off`);
  });
}
