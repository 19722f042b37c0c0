/** What the film's page tells of the recording, while that changes. */
import assert from "node:assert/strict";
import type { Film } from "../../lib/recording/views.ts";
import { openStage } from "./stage.ts";

Deno.test("the film's page follows its recording from nothing to the last file", async () => {
  const stage = await openStage();
  try {
    const { page } = stage;
    const over = await stage.film([
      { fromSeconds: 0, seconds: 3, format: "webm" },
      { fromSeconds: 2, seconds: 3, format: "webm" },
    ]);
    const [first, second] = over.parts;
    assert.ok(first && second);
    const seams = [{
      afterSeq: 0,
      overlapMs: 1_000,
      offsetMs: 1_000,
      source: "file" as const,
      uncertaintyMs: 1,
    }];
    const tell = (changes: Partial<Film>) => {
      const film: Film = { ...over, ...changes };
      stage.films.set(film.chainId, film);
      return film;
    };
    const nothing = tell({ state: "starting", parts: [], durationSeconds: 0 });
    await page.evaluate((film) => mountGaplessIsland(film, false), nothing);
    await page.getByRole("heading", { name: "Nothing to watch" }).waitFor();
    assert.equal(await page.getByRole("table").count(), 0);

    tell({ state: "recording", parts: [first, { ...second, status: "stopped" }] });
    await page.getByText("This is still being recorded.").waitFor();
    await page.getByRole("cell", { name: "It ended; its file is being made" }).waitFor();
    await page.locator("gapless-video").waitFor();
    assert.equal(await page.getByRole("link", { name: /^Download part/ }).count(), 1);

    tell({ seams, overlapSeconds: 1 });
    await page.getByRole("link", { name: "Download part 2" }).waitFor();
    await page.getByRole("cell", { name: "1.000 s" }).waitFor();
    await page.getByRole("cell", { name: "Clocks in the files, to 1 ms" }).waitFor();
    assert.equal(await page.getByText("This is still being recorded.").count(), 0);
    const picture = page.getByRole("img", { name: "The parts of the film on both sessions" });
    assert.match(await picture.locator("desc").innerHTML(), /^2 parts, 1 seam and no gaps/);
  } finally {
    await stage.close();
  }
});
