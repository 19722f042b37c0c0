/** What a recording must be like after its server was killed. */
import type { Browser, Page } from "playwright-core";
import type { Film } from "../../lib/recording/views.ts";
import type { App } from "../support/app.ts";
import { decodeFiles } from "../support/decode.ts";
import {
  assertAudible,
  assertFramesOverlap,
  assertNoFrameLost,
  assertNoGaps,
  assertOneAfterTheOther,
} from "../support/film_check.ts";
import { downloadParts, untilFilmReady } from "../support/people.ts";

/** Asserts that a chain's files have all of the magenta camera and the low voice; returns the film. */
export async function assertRecorded(
  { browser, page, app }: { browser: Browser; page: Page; app: App },
  chainId: string,
  { sharedSeconds }: { sharedSeconds?: number } = {},
): Promise<Film> {
  const film = await untilFilmReady(page, app, chainId);
  console.log(
    film.parts.map((p) => `${p.lane} ${p.placeSeconds.toFixed(1)} s + ${p.durationSeconds} s`),
  );
  assertOneAfterTheOther(film, { sharedSeconds });
  assertNoGaps(film);
  const reports = await decodeFiles(browser, await downloadParts(page, app, film), {
    colours: ["magenta"],
    bands: ["low"],
  });
  assertNoFrameLost(film, reports, ["magenta"]);
  assertFramesOverlap(film, reports, "magenta");
  assertAudible(reports, "low");
  return film;
}
