/** Ten seams of one film, played by the product's element and in the sample's way. */
import type { Page } from "playwright-core";
import type { Film } from "../../lib/recording/views.ts";
import { openStage } from "../player/stage.ts";
import { median, sum } from "../support/statistics.ts";
import type { Playthrough, Stretch } from "./seams_in_page.ts";

const SEAMS = 10;
const PART_SECONDS = 3;
const EVERY_SECONDS = 2;
const FRAMES_PER_SECOND = 30;
/** How often the time to the first picture is taken. */
const STARTS = 7;

/** Measures and reports. */
export async function benchSeams(): Promise<void> {
  // One origin, so that the pictures of a plain <video> may be read.
  const stage = await openStage({ oneOrigin: true });
  try {
    const film = await stage.film(
      Array.from({ length: SEAMS + 1 }, (_, part) => ({
        fromSeconds: part * EVERY_SECONDS,
        seconds: PART_SECONDS,
        format: "webm" as const,
        width: 320,
        height: 180,
      })),
    );
    // Ours goes over to the later part at its first picture, the sample at the earlier one's end.
    const ours = await playthrough(stage.page, "ours", film, 0);
    const sample = await playthrough(stage.page, "sample", film, PART_SECONDS - EVERY_SECONDS);
    console.log(`\n${SEAMS} seams, least / median / most:`);
    console.table({
      "without a seam": rowOf(ours.elsewhere),
      "ours": rowOf(ours.seams),
      "the sample's way": rowOf(sample.seams),
    });
    const freeze = (stretches: Stretch[]) => median(stretches.map((stretch) => stretch.freezeMs));
    const hole = ({ seams }: Playthrough) => median(seams.map((s) => s.soundHoleMs ?? 0));
    // A film without seams keeps its pictures for so long on this machine: that is no freeze.
    const normalMs = freeze(ours.elsewhere);
    const beyond = ({ seams }: Playthrough) => Math.max(0, freeze(seams) - normalMs);
    console.log(
      `Freeze beyond the ${normalMs.toFixed(0)} ms of a film without seams, median: ` +
        compare(beyond(ours), beyond(sample)),
    );
    console.log(`Hole in the sound, median: ${compare(hole(ours), hole(sample))}`);

    const start = async (way: "ours" | "plain") => {
      const times: number[] = [];
      for (let i = 0; i < STARTS; i++) {
        const asked = [way, film] as const;
        times.push(
          await stage.page.evaluate((asked) => gaplessBench.firstPictureMs(...asked), asked),
        );
      }
      return spread(times);
    };
    console.log("\nTime to the first picture, ms, least / median / most:");
    console.table({ ours: await start("ours"), "a plain <video> of part 1": await start("plain") });
  } finally {
    await stage.close();
  }
}

function playthrough(
  page: Page,
  way: "ours" | "sample",
  film: Film,
  lagSeconds: number,
): Promise<Playthrough> {
  const picture = (seconds: number) => Math.round(seconds * FRAMES_PER_SECOND);
  const seams = film.parts.slice(1).map((part) => picture(part.placeSeconds + lagSeconds));
  // Half-way between two seams, the margins of neither are touched.
  const elsewhere = seams.map((seam) => seam - picture(EVERY_SECONDS / 2));
  return page.evaluate(
    ([way, film, pictures]) => gaplessBench.measure(way, film, "green", pictures),
    [way, film, { seams, elsewhere }] as const,
  );
}

/** A row of the report: milliseconds as least / median / most of ten. */
function rowOf(stretches: Stretch[]) {
  const holes = stretches.map((stretch) => stretch.soundHoleMs).filter((hole) => hole !== null);
  return {
    "freeze ms": spread(stretches.map((stretch) => stretch.freezeMs)),
    skipped: sum(stretches.map((stretch) => stretch.skipped)),
    repeated: sum(stretches.map((stretch) => stretch.repeated)),
    "sound hole ms": holes.length > 0 ? spread(holes) : "not heard",
  };
}

function spread(values: number[]): string {
  return [Math.min(...values), median(values), Math.max(...values)]
    .map((value) => value.toFixed(0)).join(" / ");
}

/** Less than a millisecond is not told apart from nothing. */
function compare(ours: number, theirs: number): string {
  const ratio = theirs / Math.max(1, ours);
  const times = `${ours < 1 ? "more than " : ""}${ratio.toFixed(0)} times better`;
  return `ours ${ours.toFixed(1)} ms, the sample's way ${theirs.toFixed(1)} ms: ${times}`;
}
