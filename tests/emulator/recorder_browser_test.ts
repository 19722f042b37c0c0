/** What an archive of the emulator shows, and who records it: real pages, real files. */
import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import type { ArchiveOptions } from "../../lib/recording/model.ts";
import { type CallSite, joinCall, openCallSite, until } from "../call/call_site.ts";
import { launchChromium } from "../support/chromium.ts";
import { decodeFiles, unwrapNumbers } from "../support/decode.ts";
import { letRun } from "../support/people.ts";
import { decodeAudio, factsOf, readZip, shareOfTone, timesShown } from "./recorded_file.ts";

const composed: ArchiveOptions = { hasAudio: true, hasVideo: true, outputMode: "composed" };
/** Frames of a camera that show that it is in a file, however busy the machine is. */
const FEW = 3;
/** From a change in a page until the recorder knows it, ms, on a busy machine. */
const REACTION_MS = 2_000;
/** A frame older than this is not shown, ms: see the recorder's `recording.ts`. */
const STALE_MS = 1_000;

/** The voices of Ada and Bo, Hz. */
const [LOW, HIGH] = [500, 1_500];

const read = (browser: Browser, paths: string[]) =>
  decodeFiles(browser, paths, { colours: ["magenta", "green"], bands: [] });

let launched: Promise<Browser> | null = null;
Deno.test.afterAll(async () => await (await launched)?.close());

/** A test on a site of its own; the browser is shared. */
function testOnSite(
  name: string,
  run: (site: CallSite, browser: Browser, t: Deno.TestContext) => Promise<void>,
): void {
  Deno.test({
    name,
    // The browser outlives the test.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn(t) {
      const browser = await (launched ??= launchChromium());
      await using site = await openCallSite();
      await run(site, browser, t);
    },
  });
}

/** Two participants who see each other; Ada's page records. */
async function openAdaAndBo(site: CallSite, browser: Browser): Promise<[Page, Page]> {
  const ada = await site.open(browser, {
    name: "Ada",
    camera: { colour: "magenta" },
    toneHz: LOW,
  });
  const bo = await site.open(browser, {
    name: "Bo",
    camera: { colour: "green" },
    toneHz: HIGH,
    records: false,
    hasSecondary: false,
  });
  await joinCall(ada);
  await joinCall(bo);
  await until(ada, ({ participants: [bo] }) => bo?.hasElement === true);
  await ada.evaluate(() => callPage.moving("Bo"));
  return [ada, bo];
}

testOnSite(
  "an archive shows exactly what its own session has, as long as it has it",
  async (site, browser, t) => {
    const [ada, bo] = await openAdaAndBo(site, browser);
    const { platform, primary, secondary } = site;
    const untilBoMoves = () => ada.evaluate(() => callPage.moving("Bo", 10));
    const first = await site.startArchive(primary, { name: "Primary", ...composed });
    await ada.evaluate(() => callPage.want(true));
    await until(ada, (now) => now.secondary === "on");
    const interim = await site.startArchive(secondary, { name: "Interim", ...composed });
    const both = { fromMs: Date.now(), toMs: 0 };
    await letRun(1);
    await untilBoMoves();
    both.toMs = Date.now();
    await platform.stopArchive(interim.id);

    const off = { fromMs: Date.now(), toMs: 0 };
    await bo.evaluate(() => callPage.change({ cameraOn: false, microphoneOn: false }));
    await letRun(REACTION_MS / 1000 + 1);
    off.toMs = Date.now();
    await bo.evaluate(() => callPage.change({ cameraOn: true, microphoneOn: true }));
    await untilBoMoves();
    await letRun(0.5);
    const frozen = { fromMs: Date.now(), toMs: 0 };
    await bo.evaluate(() => callPage.freeze(true));
    await letRun((REACTION_MS + STALE_MS) / 1000 + 0.7);
    frozen.toMs = Date.now();
    await bo.evaluate(() => callPage.freeze(false));
    await untilBoMoves();
    const leftAtMs = Date.now();
    await bo.evaluate(() => callPage.leave());
    await letRun(REACTION_MS / 1000 + 0.5);
    await platform.stopArchive(first.id);

    const path = await site.download(first);
    const interimPath = await site.download(interim);
    await Promise.all([ada.close(), bo.close()]);
    const [shown, interimShown] = await read(browser, [path, interimPath]);
    const audio = await decodeAudio(browser, path);
    const interimAudio = await decodeAudio(browser, interimPath);
    const facts = await factsOf(site, first);
    assert.ok(shown && interimShown);
    const green = timesShown(shown, facts, "green");
    const shownIn = (fromMs: number, toMs: number) =>
      green.filter((atMs) => atMs > fromMs && atMs < toMs).length;
    const heardIn = (fromMs: number, toMs: number) =>
      shareOfTone(audio, HIGH, (fromMs - facts.epochMs) / 1000, (toMs - facts.epochMs) / 1000);

    await t.step("who never joined the secondary session is not in its archive", () => {
      const ofAda = unwrapNumbers(interimShown.frames, "magenta").length;
      assert.ok(ofAda > FEW, `${ofAda} frames of Ada`);
      assert.ok(shareOfTone(interimAudio, LOW) > 0, "Ada is not heard");
      assert.deepEqual(unwrapNumbers(interimShown.frames, "green"), []);
      assert.equal(shareOfTone(interimAudio, HIGH), 0, "Bo is heard");
    });
    await t.step("the archive of the primary session has both meanwhile", () => {
      const frames = shownIn(both.fromMs, both.toMs);
      assert.ok(frames > FEW, `${frames} frames of Bo`);
      assert.ok(heardIn(both.fromMs, both.toMs) > 0, "Bo is not heard");
    });
    await t.step("a camera that is off leaves no frame, a muted microphone silence", () => {
      assert.equal(shownIn(off.fromMs + REACTION_MS, off.toMs), 0);
      assert.equal(heardIn(off.fromMs + REACTION_MS, off.toMs), 0);
      assert.ok(shownIn(off.toMs, frozen.fromMs) > FEW, "the camera does not come back");
      assert.ok(heardIn(off.toMs, leftAtMs) > 0, "the microphone does not come back");
    });
    await t.step("a camera that delivers nothing leaves no frozen frame", () => {
      assert.equal(shownIn(frozen.fromMs + REACTION_MS + STALE_MS, frozen.toMs), 0);
      assert.ok(shownIn(frozen.toMs, leftAtMs) > FEW, "the camera does not come back");
    });
    await t.step("a participant who leaves is gone, and the others stay", () => {
      assert.equal(shownIn(leftAtMs + REACTION_MS, Infinity), 0);
      assert.ok((timesShown(shown, facts, "magenta").at(-1) ?? 0) > leftAtMs, "Ada is gone");
      assert.deepEqual(facts.gaps, []);
    });
  },
);

testOnSite(
  "individual archives have a file for each stream, and audio and video are left out as asked",
  async (site, browser, t) => {
    const [ada, bo] = await openAdaAndBo(site, browser);
    const { platform, primary } = site;
    const start = (name: string, options: Partial<ArchiveOptions>) =>
      site.startArchive(primary, { name, multiArchiveTag: name, ...composed, ...options });
    const archives = await Promise.all([
      start("Individual", { outputMode: "individual" }),
      start("Audio", { hasVideo: false }),
      start("Video", { hasAudio: false }),
    ]);
    await ada.evaluate(() => callPage.moving("Bo", 15));
    await letRun(1);
    await Promise.all(archives.map(({ id }) => platform.stopArchive(id)));
    const [zip = "", audio = "", video = ""] = await Promise.all(archives.map(site.download));
    const streams = await site.published(primary);
    await Promise.all([ada.close(), bo.close()]);

    await t.step("a ZIP holds a playable file for each stream, and names whose it is", async () => {
      const files = readZip(await Deno.readFile(zip));
      const manifestName = [...files.keys()].find((name) => name.endsWith(".json")) ?? "";
      const manifest = JSON.parse(new TextDecoder().decode(files.get(manifestName)));
      assert.equal(files.size, 3);
      for (const [i, colour] of (["magenta", "green"] as const).entries()) {
        const entry = manifest.files.find(({ streamId }: { streamId: string }) =>
          streamId === streams[i]?.id
        );
        assert.equal(JSON.parse(entry.connectionData).name, streams[i]?.name);
        const path = `${zip}-${entry.filename}`;
        await Deno.writeFile(path, files.get(entry.filename) ?? new Uint8Array());
        const [report] = await read(browser, [path]);
        const other = colour === "green" ? "magenta" : "green";
        assert.ok(unwrapNumbers(report?.frames ?? [], colour).length > FEW, colour);
        assert.deepEqual(unwrapNumbers(report?.frames ?? [], other), []);
        const heard = await decodeAudio(browser, path);
        const [own, others] = i === 0 ? [LOW, HIGH] : [HIGH, LOW];
        assert.ok(shareOfTone(heard, own) > 0, `${colour} is not heard`);
        assert.equal(shareOfTone(heard, others), 0);
      }
    });
    await t.step("an archive of audio has both voices and no video", async () => {
      const [report] = await read(browser, [audio]);
      assert.deepEqual(report?.frames, []);
      const heard = await decodeAudio(browser, audio);
      for (const hz of [LOW, HIGH]) assert.ok(shareOfTone(heard, hz) > 0, `${hz} Hz is not heard`);
    });
    await t.step("an archive of video has both cameras and no audio", async () => {
      const [report] = await read(browser, [video]);
      assert.equal(report?.soundSeconds, 0);
      for (const colour of ["magenta", "green"] as const) {
        assert.ok(unwrapNumbers(report?.frames ?? [], colour).length > FEW, colour);
      }
    });
  },
);

testOnSite(
  "a start is refused with the way out where no page can record",
  async (site, browser) => {
    const ada = await site.open(browser, { name: "Ada", sends: false }, {
      // As in Firefox.
      prepare: () => Reflect.deleteProperty(globalThis, "MediaStreamTrackProcessor"),
    });
    await joinCall(ada);
    await assert.rejects(
      site.platform.startArchive(site.primary, { name: "None", ...composed }),
      /no browser in the call can record\. Record from Chrome or Edge on localhost or https/,
    );
  },
);
