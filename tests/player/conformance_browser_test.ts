/** What a plain `<video>` says and how it stands, act by act: the film's element must be the same. */
import assert from "node:assert/strict";
import { type Stage, testsOnOneStage } from "./stage.ts";

const test = testsOnOneStage();
const acts = new Map<string, Promise<string[]>>();

/** How a plain video of 4 s behaves. */
function plainVideo(stage: Stage, format: "webm" | "mp4"): Promise<string[]> {
  return acts.getOrInsertComputed(format, async () => {
    const film = await stage.film([{ fromSeconds: 0, seconds: 4, format }]);
    const url = film.parts[0]?.mediaUrl ?? "";
    return await stage.page.evaluate((url) => gaplessStudio.rehearse(url), url);
  });
}

for (const format of ["webm", "mp4"] as const) {
  test(`a film of one ${format} part behaves as a plain video does`, async (stage) => {
    const film = await stage.film([{ fromSeconds: 0, seconds: 4, format }]);
    const ours = await stage.page.evaluate((film) => gaplessStudio.rehearse(film), film);
    assert.deepEqual(ours, await plainVideo(stage, format));
  });
}

test("three parts behave as a plain video does, one element or two that take turns", async (stage) => {
  const film = await stage.film([
    { fromSeconds: 0, seconds: 2, format: "webm" },
    { fromSeconds: 1, seconds: 2, format: "webm" },
    { fromSeconds: 1.5, seconds: 2.5, format: "webm" },
  ]);
  const plain = await plainVideo(stage, "webm");
  for (const noCors of [false, true]) {
    stage.manners.set("*", { noCors });
    const ours = await stage.page.evaluate((film) => gaplessStudio.rehearse(film), film);
    assert.deepEqual(ours, plain, noCors ? "two elements" : "one element");
  }
});
