/** What a recording must be like after its server was killed. */
import type { Browser, Page } from "playwright-core";
import type { Film } from "../../lib/recording/views.ts";
import type { App } from "../support/app.ts";
import { decodeFiles } from "../support/decode.ts";
import {
  assertNoGaps,
  assertNoSilence,
  assertNoStretchLost,
  assertOneAfterTheOther,
} from "../support/film_check.ts";
import { downloadParts, untilFilmReady } from "../support/people.ts";

/** Asserts that a chain's files hold all of the magenta camera and of the low voice; answers the film. */
export async function assertRecorded(
  { browser, page, app }: { browser: Browser; page: Page; app: App },
  chainId: string,
): Promise<Film> {
  const film = await untilFilmReady(page, app, chainId);
  console.log(
    film.parts.map((p) => `${p.lane} ${p.placeSeconds.toFixed(1)} s + ${p.durationSeconds} s`),
  );
  assertOneAfterTheOther(film);
  assertNoGaps(film);
  const reports = await decodeFiles(browser, await downloadParts(page, app, film), {
    colours: ["magenta"],
    bands: ["low"],
  });
  assertNoStretchLost(film, reports, "magenta");
  assertNoSilence(reports, "low");
  return film;
}
