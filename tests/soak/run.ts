/**
 * Records a call in two real browsers with a handover every 30 s, then looks at every picture and sound
 * of every file: `deno task soak [--minutes 10]`. Exits with 0 when nothing was lost and nothing grew.
 */
import { parseArgs } from "node:util";
import type { Page } from "playwright-core";
import type { Film } from "../../lib/recording/views.ts";
import { startApp } from "../support/app.ts";
import { BANDS, type Call, COLOURS, withCall } from "../support/call.ts";
import { CAMERA_FPS } from "../support/camera.ts";
import { decodeFiles } from "../support/decode.ts";
import { lostFrames, numbersOf } from "../support/film_check.ts";
import type { MediaReport } from "../support/in_page.ts";
import { downloadParts, letRun, startRecording, untilFilmReady } from "../support/people.ts";
import { isFlat, measure, type Resources, stolenSeconds, trendsOf } from "./resources.ts";

const HANDOVER_EVERY_S = 30;
/**
 * Time after a handover in which everything has been used once and has come to rest, s: what is measured
 * then costs collections, which the busiest moments of two cores have no room for.
 */
const REST_S = 8;
const NAMES = ["host", "guest"];
/** A jump in the sound that nobody hears, ms. */
const JUMP_MS = 20;

function say(text: string): void {
  console.log(`${new Date().toLocaleTimeString("en-GB")} ${text}`);
}

/** Asks the app for something as the admin whose page this is. */
async function ask(page: Page, verb: string): Promise<void> {
  const status = await page.evaluate(
    async (path) => {
      const response = await fetch(path, { method: "POST" });
      // A body that is not read stays in the page, and would look like a leak of the app's.
      await response.text();
      return response.status;
    },
    `/api/rooms/main/${verb}`,
  );
  if (status !== 200) throw new Error(`Cannot ${verb} the recording: status ${status}`);
}

/** Records for so long; answers the chain's id, what each handover took, and what was held meanwhile. */
async function record({ app, people }: Call, minutes: number) {
  const [host] = people;
  const chainId = await startRecording(host.page, app, "Soak");
  const startedMs = Date.now();
  const handoversMs: number[] = [];
  const looks: Resources[] = [];
  const stolenBefore = await stolenSeconds();
  for (let at = HANDOVER_EVERY_S; at <= minutes * 60; at += HANDOVER_EVERY_S) {
    await letRun(Math.max(0, at - (Date.now() - startedMs) / 1000));
    const beforeMs = Date.now();
    await ask(host.page, "restart");
    handoversMs.push(Date.now() - beforeMs);
    await letRun(REST_S);
    const look = await measure(app, people);
    looks.push(look);
    const held = trendsOf([look], NAMES).map(({ name, unit, values }) =>
      `${name} ${values[0]?.toFixed(0)}${unit}`
    ).join(", ");
    const stolen = (await stolenSeconds() - stolenBefore).toFixed(1);
    say(`${at} s: handover took ${handoversMs.at(-1)} ms; ${held}; stolen ${stolen} s`);
  }
  await letRun(2);
  await ask(host.page, "stop");
  return { chainId, handoversMs, looks, stolen: await stolenSeconds() - stolenBefore };
}

/** Film times of what is missing, to be looked for in what happened then; at most twenty. */
function moments(seconds: number[]): string {
  const shown = seconds.slice(0, 20).map((at) => at.toFixed(1)).join(" ");
  return shown && ` (at ${shown} s)`;
}

/** The rows of what was recorded, each with whether it is as it must be. */
function verdicts(film: Film, reports: MediaReport[]) {
  const rows: { what: string; value: string; good: boolean }[] = [];
  for (const colour of COLOURS) {
    const numbers = numbersOf(film, reports, colour).flat();
    const seen = new Set(numbers).size;
    const first = Math.min(...numbers);
    const lost = lostFrames(film, reports, colour).map((number) => (number - first) / CAMERA_FPS);
    rows.push({
      what: `pictures, ${colour} camera`,
      value: `${seen}, lost ${lost.length}${moments(lost)}`,
      good: lost.length === 0 && seen > 0,
    });
  }
  for (const band of BANDS) {
    const tones = reports.map((report) => report.tones[band]);
    const holes = film.parts.flatMap(({ placeSeconds }, i) =>
      tones[i]?.holes.map(({ fromSeconds }) => placeSeconds + fromSeconds) ?? [placeSeconds]
    );
    const jumpMs = Math.max(...tones.map((tone) => tone?.maxJumpMs ?? Infinity));
    rows.push({
      what: `sound, ${band} voice`,
      value: `${holes.length} holes, largest jump ${jumpMs.toFixed(1)} ms${moments(holes)}`,
      good: holes.length === 0 && jumpMs <= JUMP_MS,
    });
  }
  const overlaps = film.seams.map(({ overlapMs }) => overlapMs);
  rows.push({
    what: "overlaps",
    value: `${overlaps.length}, shortest ${(Math.min(...overlaps) / 1000).toFixed(2)} s`,
    good: overlaps.every((overlapMs) => overlapMs > 0),
  });
  rows.push({
    what: "gaps",
    value: `${film.gaps.length}, continuity ${(100 * film.continuity).toFixed(3)} %`,
    good: film.gaps.length === 0 && film.continuity === 1,
  });
  return rows;
}

const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" } } });
const minutes = Number(values.minutes);
if (!(minutes >= 1 && minutes <= 24 * 60)) {
  console.error(`Cannot soak for "${values.minutes}" minutes: give 1 to 1440`);
  Deno.exit(2);
}

/** Records, looks at what came of it, and says whether all is as it must be. */
async function soak(call: Call): Promise<boolean> {
  const { app, people: [host, guest] } = call;
  say(`recording for ${minutes} minutes, a handover every ${HANDOVER_EVERY_S} s`);
  const { chainId, handoversMs, looks, stolen } = await record(call, minutes);
  const film = await untilFilmReady(host.page, app, chainId);
  await guest.page.close();
  say(`looking at every picture of ${film.parts.length} files`);
  const reports = await decodeFiles(guest.browser, await downloadParts(host.page, app, film), {
    colours: [...COLOURS],
    bands: [...BANDS],
  });
  const rows = [{
    what: "handovers",
    value: `${handoversMs.length}, longest ${(Math.max(...handoversMs) / 1000).toFixed(1)} s`,
    good: film.parts.length === 2 * handoversMs.length + 1,
  }, ...verdicts(film, reports)];
  const recorded = `${film.durationSeconds.toFixed(0)} s recorded`;
  console.log(`\n${recorded}; stolen by others of a shared machine: ${stolen.toFixed(1)} s`);
  const print = (good: boolean, what: string, value: string) =>
    console.log(`${good ? "ok " : "BAD"}  ${what.padEnd(26)} ${value}`);
  for (const { what, value, good } of rows) print(good, what, value);
  const trends = trendsOf(looks, NAMES);
  console.log(`\n${"".padEnd(31)} start  middle     end`);
  for (const trend of trends) {
    const at = [0, Math.floor((trend.values.length - 1) / 2), trend.values.length - 1];
    const shown = at.map((i) => `${trend.values[i]?.toFixed(0)}${trend.unit}`.padStart(7));
    print(isFlat(trend), trend.name, shown.join(" "));
  }
  return rows.every((row) => row.good) && trends.every(isFlat);
}

const good = await withCall(soak, () => startApp({}, { inspect: true }));
console.log(good ? "\nNothing was lost, nothing grew." : "\nNot as it should be: see BAD above.");
Deno.exit(good ? 0 : 1);
