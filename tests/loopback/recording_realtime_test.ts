/** What a recording must not lose: run alone, for it is measured as it happens. */
import assert from "node:assert/strict";
import { RECORDING_ATTEMPTS, withinAttempts } from "../support/attempts.ts";
import { CAMERA_FPS } from "../support/camera.ts";
import { missingNumbers, unwrapNumbers } from "../support/decode.ts";
import type { MediaReport } from "../support/in_page.ts";
import { letRun } from "../support/people.ts";
import type { ToneReport } from "../support/tone_code.ts";
import { both, openCall } from "./recording_call.ts";

Deno.test("a recording has every frame and sound of a local and a remote publisher", async () => {
  await withinAttempts(RECORDING_ATTEMPTS, async () => {
    await using room = await openCall({});
    const archive = await room.site.platform.startArchive(room.primary, { name: "both", ...both });
    await letRun(12);
    await room.site.platform.stopArchive(archive.id);
    const [report] = await room.reports([await room.site.download(archive)]);
    assertWhole(report, 12);
  });
});

Deno.test("a recording has every frame and sound while its tab is hidden", async () => {
  await withinAttempts(RECORDING_ATTEMPTS, async () => {
    await using room = await openCall({ hideable: true });
    const other = await room.browser.contexts()[0]?.newPage();
    await other?.bringToFront();
    await room.ada.waitForFunction(() => document.hidden, undefined, { polling: 200 });
    const archive = await room.site.platform.startArchive(room.primary, {
      name: "hidden",
      ...both,
    });
    await letRun(12);
    await room.site.platform.stopArchive(archive.id);
    assert(await room.ada.evaluate(() => document.hidden));
    const [report] = await room.reports([await room.site.download(archive)]);
    assertWhole(report, 12);
  });
});

Deno.test("a recording worker that is busy for half a second loses no picture", async () => {
  await withinAttempts(RECORDING_ATTEMPTS, async () => {
    await using room = await openCall({});
    const archive = await room.site.platform.startArchive(room.primary, { name: "busy", ...both });
    await letRun(2);
    const recorder = room.ada.workers().find((worker) =>
      worker.url().includes("/workers/recorder.js")
    );
    assert(recorder);
    for (let i = 0; i < 3; i++) {
      await recorder.evaluate(() => {
        const untilMs = performance.now() + 500;
        while (performance.now() < untilMs);
      });
      await letRun(1);
    }
    await room.site.platform.stopArchive(archive.id);
    const [report] = await room.reports([await room.site.download(archive)]);
    assert(report);
    for (const colour of ["magenta", "green"] as const) {
      assert.deepEqual(missingNumbers([unwrapNumbers(report.frames, colour)]), [], colour);
    }
  });
});

Deno.test("two overlapping recordings of one page agree on when every frame and sound was", async () => {
  await withinAttempts(RECORDING_ATTEMPTS, async () => {
    await using room = await openCall({});
    const { platform } = room.site;
    const first = await platform.startArchive(room.primary, { name: "first", ...both });
    await letRun(4);
    for (const page of [room.ada, room.bob]) {
      await page.evaluate(() => call.publish("secondary", "again"));
    }
    const second = await platform.startArchive(room.secondary, { name: "second", ...both });
    await letRun(4);
    await platform.stopArchive(first.id);
    await letRun(4);
    await platform.stopArchive(second.id);
    const reports = await room.reports([
      await room.site.download(first),
      await room.site.download(second),
    ]);
    for (const colour of ["magenta", "green"] as const) {
      const differences = frameDifferencesMs(reports, colour);
      assert(differences.length > 60, `only ${differences.length} ${colour} frames overlap`);
      const worst = Math.max(...differences.map(Math.abs));
      assert(worst < 17, `a ${colour} frame differs by ${worst} ms`);
    }
    for (const band of ["low", "high"] as const) {
      const [one = NaN, two = NaN] = reports.map((report) =>
        (report.tones[band]?.startSeconds ?? NaN) * 1000 - epochMs(report)
      );
      assert(Math.abs(one - two) <= 16, `the ${band} sound differs by ${one - two} ms`);
    }
  });
});

Deno.test("a recording goes on while the platform takes no uploads, and over its restart", async () => {
  await using room = await openCall({ alone: true });
  const { platform } = room.site;
  const archive = await platform.startArchive(room.primary, { name: "on", ...both });
  await letRun(2);
  room.site.refuseUploads = true;
  await letRun(2);
  await room.site.restart();
  await room.ada.evaluate(() => call.heard("primary sessionReconnected"));
  room.site.refuseUploads = false;
  await letRun(2);
  await platform.stopArchive(archive.id);
  const [report] = await room.reports([await room.site.download(archive)]);
  assert((report?.durationSeconds ?? 0) > 5.5, `only ${report?.durationSeconds} s were kept`);
  assert.deepEqual(report?.tones.low?.holes, []);
});

function assertWhole(report: MediaReport | undefined, seconds: number): void {
  assert(report !== undefined && report.durationSeconds > seconds - 0.5);
  for (const colour of ["magenta", "green"] as const) {
    const numbers = unwrapNumbers(report.frames, colour);
    assert(numbers.length > seconds * (CAMERA_FPS - 1), `${numbers.length} ${colour} frames`);
    assert.deepEqual(missingNumbers([numbers]), [], `${colour} frames missing`);
  }
  for (const band of ["low", "high"] as const) {
    const tone: ToneReport | undefined = report.tones[band];
    const holes: ToneReport["holes"] = tone?.holes.filter(({ lengthMs }) => lengthMs > 20) ?? [];
    assert.deepEqual(holes, [], `holes in the ${band} sound`);
  }
}

/** By how much two files place the frames that both have. */
function frameDifferencesMs(reports: MediaReport[], colour: "magenta" | "green"): number[] {
  const [first = new Map(), second = new Map()] = reports.map((report) => {
    const placed = new Map<number, number>();
    for (const { numbers, seconds } of report.frames) {
      const number = numbers[colour];
      if (typeof number === "number" && !placed.has(number)) {
        placed.set(number, seconds * 1000 + epochMs(report));
      }
    }
    return placed;
  });
  return [...first].flatMap(([number, atMs]) =>
    second.has(number) ? [second.get(number) - atMs] : []
  );
}

/** The wall clock of media time 0, from the file itself. */
function epochMs({ tags }: MediaReport): number {
  const tag = Object.values(tags).find((value) => value.startsWith("gapless-epoch-ms="));
  return Number(tag?.split("=")[1]);
}
