/** A call recorded over two handovers on the stand-in platform, and how its film plays. */
import type { Browser } from "playwright-core";
import type { Film } from "../../lib/recording/views.ts";
import type { App } from "../support/app.ts";
import { LOOP_FRAMES } from "../support/camera.ts";
import { decodeFiles } from "../support/decode.ts";
import type { MediaReport, PlayerSample } from "../support/in_page.ts";
import { addPageTools } from "../support/page_tools.ts";
import {
  downloadParts,
  handOver,
  join,
  letRun,
  openHost,
  openParticipant,
  startRecording,
  stopRecording,
  untilFilmReady,
} from "../support/people.ts";

/** How long the call runs before each handover and before the end. */
const RUN_SECONDS = 5;
/** What is looked at before and after a seam. */
const MARGIN_SECONDS = 0.7;
/**
 * A refresh of the screen, ms: a picture that lasts less may never be shown. A busy machine's fake
 * camera makes such ones, for it delivers after a late picture the next one at once.
 */
const REFRESH_MS = 1000 / 60;

/** Records a call of two, plays and reports; answers the path of the film's page. */
export async function benchLive(browser: Browser, guests: Browser, app: App): Promise<string> {
  const host = await openHost(browser, app);
  await join(host, "Ada");
  const guest = await openParticipant(guests, app);
  await join(guest, "Bo");
  await letRun(2);
  const chainId = await startRecording(host, app, "Bench");
  for (const parts of [3, 5]) {
    await letRun(RUN_SECONDS);
    await handOver(host, app, parts);
  }
  await letRun(RUN_SECONDS);
  await stopRecording(host, app);
  const film = await untilFilmReady(host, app, chainId);
  // The player has the machine to itself, as a viewer's would be.
  await guest.context().close();
  await host.getByRole("button", { name: "Leave" }).click();
  const reports = await decodeFiles(guests, await downloadParts(host, app, film), {
    colours: ["magenta"],
    bands: [],
  });
  const pictures = picturesOf(film, reports);

  const path = `/player/${chainId}`;
  const sinceMs = performance.now();
  await host.goto(app.origin + path);
  await host.waitForFunction(() => {
    const player = document.querySelector<HTMLMediaElement>("gapless-video");
    return player && player.readyState >= 2;
  });
  const readyMs = performance.now() - sinceMs;
  await addPageTools(host);
  const samples = await host.evaluate(() => {
    const player = document.querySelector("gapless-video");
    if (!player) throw new Error("There is no player");
    void player.play();
    return gaplessTest.watch(
      () => player.visibleVideo,
      "magenta",
      () => player.ended || player.currentTime > player.duration - 0.2,
    );
  });
  const seams = film.parts.slice(1).map((part) => part.placeSeconds);
  const stretches = seams.map((seam) => stretchAt(samples, pictures, seam));
  const elsewhere = seams.map((seam) => stretchAt(samples, pictures, seam - 2 * MARGIN_SECONDS));
  console.log("\nA call recorded just now, at its seams:");
  console.table(Object.fromEntries([
    ...stretches.map((stretch, i) => [`seam ${i + 1}`, stretch]),
    ...elsewhere.map((stretch, i) => [`before seam ${i + 1}`, stretch]),
  ]));
  console.log(`The film's page shows its first picture after ${readyMs.toFixed(0)} ms`);
  return path;
}

/** A picture as the files have it: film time, and how long until the next one. */
interface Picture {
  number: number;
  seconds: number;
  lengthMs: number;
}

/** The pictures of a film, each from the part that is played at its time. */
function picturesOf({ parts }: Film, reports: MediaReport[]): Picture[] {
  const pictures = parts.flatMap(({ placeSeconds }, i) =>
    (reports[i]?.frames ?? []).flatMap((frame) => {
      const number = frame.numbers.magenta;
      const seconds = placeSeconds + frame.seconds;
      const played = seconds < (parts[i + 1]?.placeSeconds ?? Infinity);
      return played && typeof number === "number" ? [{ number, seconds }] : [];
    })
  );
  return pictures.map((picture, i) => ({
    ...picture,
    lengthMs: ((pictures[i + 1]?.seconds ?? Infinity) - picture.seconds) * 1000,
  }));
}

/** What the player showed about a moment, beside what the files hold: the rest is not its to show. */
function stretchAt(samples: PlayerSample[], pictures: Picture[], seconds: number) {
  const isNear = (at: number) => Math.abs(at - seconds) <= MARGIN_SECONDS;
  const near = pictures.filter((picture) => isNear(picture.seconds));
  const seen = samples.filter(({ currentTime }) => isNear(currentTime));
  const lengthsMs = new Map(near.map(({ number, lengthMs }) => [number, lengthMs]));
  let [freezeMs, skipped, repeated, brief, notRecorded] = [0, 0, 0, 0, 0];
  for (const [i, sample] of seen.entries()) {
    const before = seen[i - 1];
    if (!before || before.number === null || sample.number === null) continue;
    freezeMs = Math.max(freezeMs, sample.atMs - before.atMs);
    const step = sample.number - before.number;
    // The camera's numbers begin anew after the last.
    const steps = step < -LOOP_FRAMES / 2 ? step + LOOP_FRAMES : step;
    const from = before.number;
    const between = Array.from(
      { length: Math.max(0, steps - 1) },
      (_, i) => lengthsMs.get((from + 1 + i) % LOOP_FRAMES),
    );
    const held = between.filter((lengthMs) => lengthMs !== undefined && lengthMs >= REFRESH_MS);
    const lost = between.filter((lengthMs) => lengthMs === undefined);
    brief += between.length - held.length - lost.length;
    notRecorded += lost.length;
    skipped += Math.max(0, held.length + 1 - (sample.presented - before.presented));
    repeated += Math.max(0, 1 - steps);
  }
  return {
    "freeze ms": Math.round(freezeMs),
    "longest in the files ms": Math.round(Math.max(...near.map(({ lengthMs }) => lengthMs))),
    skipped,
    repeated,
    "shorter than a refresh": brief,
    "not recorded": notRecorded,
  };
}
