/**
 * What a recording must not lose, measured with real cameras of 640x480 at 30 frames a second. Frames
 * that a busy browser never delivers are no loss of ours: the recorder reports them, and every number
 * that is missing in a file has to be among those.
 */
import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import type { ArchiveOptions } from "../../lib/recording/model.ts";
import { type CallSite, joinCall, openCallSite, until } from "../call/call_site.ts";
import { cameraFile, microphoneFile } from "../support/camera.ts";
import { launchChromium, launchHideableChromium } from "../support/chromium.ts";
import { concealedMs, keepPeerConnections } from "../support/concealed_audio.ts";
import { decodeFiles, missingNumbers, unwrapNumbers } from "../support/decode.ts";
import { assertAudible, assertCounted } from "../support/film_check.ts";
import type { MediaReport } from "../support/in_page.ts";
import { letRun } from "../support/people.ts";
import { AUDIO_RATE, audioShiftMs, decodeAudio, factsOf, type FileFacts } from "./recorded_file.ts";

const composed: ArchiveOptions = { hasAudio: true, hasVideo: true, outputMode: "composed" };
const COLOURS = ["magenta", "green"] as const;
const BANDS = ["low", "high"] as const;

Deno.test({
  name: "two overlapping recordings lose no frame and no audio, and agree on when each was",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using site = await openCallSite();
    const hosts = await launchHideableChromium({
      camera: await cameraFile("magenta"),
      microphone: await microphoneFile("low"),
    });
    const guests = await launchChromium({
      camera: await cameraFile("green"),
      microphone: await microphoneFile("high"),
    });
    try {
      const { reports, audio, facts, concealed } = await recordTwice(site, hosts, guests);

      for (const [i, report] of reports.entries()) {
        await t.step(`recording ${i + 1} has every frame that the browser delivered`, () => {
          const numbers = COLOURS.map((colour) => unwrapNumbers(report.frames, colour));
          assert.ok(numbers.every(({ length }) => length > 60));
          const missing = numbers.map((each) => missingNumbers([each]).length);
          assertCounted(missing, facts[i] ?? assert.fail());
        });
        await t.step(`recording ${i + 1} has all audio of both`, () => {
          assertAudible([report], "low");
          assertAudible([report], "high", concealed);
          assert.deepEqual(facts[i]?.gaps, []);
        });
      }
      await t.step("both show each frame at the same time", () => {
        for (const colour of COLOURS) {
          const differences = differencesMs(reports, facts, colour);
          const worst = Math.max(...differences.map(Math.abs));
          console.log(`${colour}: ${differences.length} frames differ by ${worst.toFixed(2)} ms`);
          assert.ok(differences.length > 30, `only ${differences.length} ${colour} frames overlap`);
          assert.ok(worst < 17, `a ${colour} frame differs by ${worst} ms`);
        }
      });
      await t.step("both have the audio at the same time", () => {
        const [first, second] = facts.map(({ epochMs }) => epochMs);
        const [one, two] = audio;
        assert.ok(one && two && first !== undefined && second !== undefined);
        const overlap = { from: second - first, to: one.length * 1000 / AUDIO_RATE };
        const at = Math.round((overlap.from + overlap.to) / 2 * AUDIO_RATE / 1000);
        const shiftMs = audioShiftMs(one, two, {
          at,
          laterAt: at - Math.round(overlap.from * AUDIO_RATE / 1000),
          length: AUDIO_RATE / 2,
          within: AUDIO_RATE / 10,
        });
        console.log(`the audio differs by ${shiftMs} ms`);
        assert.ok(Math.abs(shiftMs) <= 1, `the audio differs by ${shiftMs} ms`);
      });
    } finally {
      await Promise.all([hosts.close(), guests.close()]);
    }
  },
});

/**
 * Ada's page records the primary session, then both, then the secondary one. Meanwhile its tab is hidden,
 * its main thread is blocked for 1.5 s, and its recorder for 0.7 s.
 */
async function recordTwice(
  site: CallSite,
  hosts: Browser,
  guests: Browser,
): Promise<{
  reports: MediaReport[];
  audio: Float32Array[];
  facts: FileFacts[];
  /** How much of Bo's audio Ada's browser had to make up, ms. */
  concealed: number;
}> {
  const ada = await site.open(hosts, { name: "Ada", usesDevices: true }, {
    prepare: keepPeerConnections,
  });
  const bo = await site.open(guests, { name: "Bo", usesDevices: true, records: false });
  await joinCall(ada);
  await joinCall(bo);
  await until(ada, ({ participants: [bo] }) => bo?.hasElement === true);
  // The sender's bit rate and resolution settle.
  await ada.evaluate(() => callPage.moving("Bo", 45));
  const other = await hide(ada);
  const primary = await site.startArchive(site.primary, { name: "Primary", ...composed });
  for (const page of [ada, bo]) await page.evaluate(() => callPage.want(true));
  for (const page of [ada, bo]) await until(page, (now) => now.secondary === "on");
  const secondary = await site.startArchive(site.secondary, { name: "Secondary", ...composed });
  await letRun(2);
  await ada.evaluate(() => {
    const untilMs = performance.now() + 1_500;
    while (performance.now() < untilMs);
  });
  const worker = ada.workers().find((each) => each.url().includes("/workers/recorder.js"));
  await worker?.evaluate(() => {
    const untilMs = performance.now() + 700;
    while (performance.now() < untilMs);
  });
  await letRun(1);
  await site.platform.stopArchive(primary.id);
  await letRun(1.5);
  assert.ok(await ada.evaluate(() => document.hidden));
  await site.platform.stopArchive(secondary.id);
  const concealed = await concealedMs(ada);
  const archives = [primary, secondary];
  const paths = await Promise.all(archives.map(site.download));
  const facts = await Promise.all(archives.map((archive) => factsOf(site, archive)));
  await Promise.all([ada.close(), bo.close(), other.close()]);
  const reports = await decodeFiles(hosts, paths, { colours: [...COLOURS], bands: [...BANDS] });
  const audio = await Promise.all(paths.map((path) => decodeAudio(hosts, path)));
  return { reports, audio, facts, concealed };
}

/** Puts another tab before the page: the document is hidden, its timers and painting throttled. */
async function hide(page: Page): Promise<Page> {
  const other = await page.context().newPage();
  await other.bringToFront();
  await page.waitForFunction(() => document.hidden, null, { polling: 100 });
  return other;
}

/** By how much two files place the frames that both have, ms. */
function differencesMs(
  reports: MediaReport[],
  facts: FileFacts[],
  colour: (typeof COLOURS)[number],
): number[] {
  const [first = new Map<number, number>(), second = new Map<number, number>()] = reports.map(
    ({ frames }, i) => {
      const placed = new Map<number, number>();
      // A file's first frame shows frames that were new before it began.
      for (const { numbers, seconds } of frames.slice(1)) {
        const number = numbers[colour];
        const isFirst = number === frames[0]?.numbers[colour];
        if (typeof number === "number" && !isFirst && !placed.has(number)) {
          placed.set(number, seconds * 1000 + (facts[i]?.epochMs ?? NaN));
        }
      }
      return placed;
    },
  );
  return [...first].flatMap(([number, atMs]) => {
    const otherMs = second.get(number);
    return otherMs === undefined ? [] : [otherMs - atMs];
  });
}
