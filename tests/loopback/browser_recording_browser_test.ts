import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import type { ArchiveOptions } from "../../lib/recording/model.ts";
import { RECORDING_ATTEMPTS, withinAttempts } from "../support/attempts.ts";
import { CAMERA_FPS } from "../support/camera.ts";
import { decodeFiles, missingNumbers, unwrapNumbers } from "../support/decode.ts";
import type { MediaReport } from "../support/in_page.ts";
import type { ToneReport } from "../support/tone_code.ts";
import { type CallSite, capture, launchCaller, openCallSite } from "./browser_support.ts";

const both: ArchiveOptions = { hasAudio: true, hasVideo: true, outputMode: "composed" };

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

Deno.test("a recorder gets a feed of what others publish, and media from a browser without one", async () => {
  for (const canFeed of [true, false]) {
    await using room = await openCall({});
    await room.bob.evaluate((canFeed) => {
      const { prototype } = RTCPeerConnection;
      const create = prototype.createDataChannel;
      prototype.createDataChannel = function (label, options) {
        document.title = `opened ${label}`;
        return create.call(this, label, options);
      };
      if (!canFeed) Reflect.deleteProperty(globalThis, "MediaStreamTrackProcessor");
    }, canFeed);
    const archive = await room.site.platform.startArchive(room.primary, { name: "two", ...both });
    await letRun(3);
    await room.site.platform.stopArchive(archive.id);
    assert.equal(await room.bob.title() === "opened feed", canFeed);
    const [report] = await room.reports([await room.site.download(archive)]);
    for (const colour of ["magenta", "green"] as const) {
      const { length } = unwrapNumbers(report?.frames ?? [], colour);
      assert(length > 40, `${length} ${colour} frames`);
    }
  }
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

Deno.test("a recording of sound alone and one of the picture alone hold just that", async () => {
  await using room = await openCall({ alone: true });
  const { platform } = room.site;
  const sound = await platform.startArchive(room.primary, { name: "s", ...both, hasVideo: false });
  await letRun(3);
  await platform.stopArchive(sound.id);
  const film = await platform.startArchive(room.primary, { name: "f", ...both, hasAudio: false });
  await letRun(3);
  await platform.stopArchive(film.id);
  const [heard, seen] = await room.reports([
    await room.site.download(sound),
    await room.site.download(film),
  ]);
  assert.equal(heard?.frames.length, 0);
  assert((heard?.soundSeconds ?? 0) > 2.5);
  assert(typeof heard?.tones.low?.startSeconds === "number");
  assert.equal(seen?.soundSeconds, 0);
  assert((seen?.frames.length ?? 0) > 30);
});

Deno.test("a camera that is off is a tile with the name, and its microphone goes on", async () => {
  await using room = await openCall({ alone: true });
  const { platform } = room.site;
  const archive = await platform.startArchive(room.primary, { name: "off", ...both });
  await letRun(2);
  await room.ada.evaluate(() => call.publishVideo(false));
  await letRun(3);
  await room.ada.evaluate(() => call.publishVideo(true));
  await letRun(2);
  await platform.stopArchive(archive.id);
  const [report] = await room.reports([await room.site.download(archive)]);
  const dark = report?.frames.filter(({ numbers }) => numbers.magenta === null) ?? [];
  const lit = report?.frames.filter(({ numbers }) => typeof numbers.magenta === "number") ?? [];
  assert(dark.length > 10, "ticks went on without a camera");
  assert((lit.at(-1)?.seconds ?? 0) > (dark.at(-1)?.seconds ?? Infinity), "the camera came back");
  assert((report?.soundSeconds ?? 0) > 6.5);
});

Deno.test("a page that leaves uploads what it recorded before it goes", async () => {
  await using room = await openCall({});
  const { platform } = room.site;
  const archive = await platform.startArchive(room.primary, { name: "left", ...both });
  await letRun(4);
  await room.ada.evaluate(() => call.disconnect("primary"));
  const [report] = await room.reports([await room.site.download(archive)]);
  assert((report?.durationSeconds ?? 0) > 3.5, `only ${report?.durationSeconds} s were kept`);
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

interface Call extends AsyncDisposable {
  site: CallSite;
  browser: Browser;
  /** The page that records. */
  ada: Page;
  bob: Page;
  primary: string;
  secondary: string;
  reports(paths: string[]): Promise<MediaReport[]>;
}

/** Ada (magenta, low) and, unless she is alone, Bob (green, high), on primary. */
async function openCall(
  { alone = false, hideable = false }: { alone?: boolean; hideable?: boolean },
): Promise<Call> {
  const site = await openCallSite();
  const primary = await site.platform.createSession();
  const secondary = await site.platform.createSession();
  const browser = await launchCaller("magenta", "low", { hideable });
  const other = alone ? browser : await launchCaller("green", "high");
  const enter = async (from: Browser, name: string) => {
    const page = await site.open(from);
    await page.evaluate((constraints) => call.open(constraints), capture);
    const data = crypto.randomUUID();
    for (const [lane, session] of [["primary", primary], ["secondary", secondary]] as const) {
      await page.evaluate(
        ([lane, session, token]) => call.connect(lane, session, token),
        [lane, session, site.token(session, data)] as const,
      );
    }
    await page.evaluate(() => call.subscribeAll("primary"));
    await page.evaluate((name) => call.publish("primary", name), name);
    return page;
  };
  const ada = await enter(browser, "Ada");
  const bob = alone ? ada : await enter(other, "Bob");
  if (!alone) {
    await ada.evaluate(() => call.heard("primary subscribed Bob ok"));
    await bob.evaluate(() => call.heard("primary subscribed Ada ok"));
  }
  return {
    site,
    browser,
    ada,
    bob,
    primary,
    secondary,
    async reports(paths) {
      if (!alone) await other.close();
      await ada.close();
      return await decodeFiles(browser, paths, {
        colours: ["magenta", "green"],
        bands: ["low", "high"],
      });
    },
    async [Symbol.asyncDispose]() {
      await browser.close();
      if (!alone) await other.close();
      await site[Symbol.asyncDispose]();
    },
  };
}

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

function letRun(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
