/** What a plain `<video>` says and how it stands, act by act: the film's element must be the same. */
import assert from "node:assert/strict";
import { testsOnOneStage } from "./stage.ts";

const test = testsOnOneStage();

for (const format of ["webm", "mp4"] as const) {
  test(`a film of one ${format} part behaves as a plain video does`, async (stage) => {
    const film = await stage.film([{ fromSeconds: 0, seconds: 4, format }]);
    const plain = await stage.page.evaluate(
      (url) => gaplessStudio.rehearse("video", url),
      film.parts[0]?.mediaUrl ?? "",
    );
    const ours = await stage.page.evaluate((film) => gaplessStudio.rehearse("film", film), film);
    assert.deepEqual(ours, plain);
  });
}

test("three parts behave as a plain video does, one element or two that take turns", async (stage) => {
  const film = await stage.film([
    { fromSeconds: 0, seconds: 2, format: "webm" },
    { fromSeconds: 1, seconds: 2, format: "webm" },
    { fromSeconds: 1.5, seconds: 2.5, format: "webm" },
  ]);
  const whole = await stage.film([{ fromSeconds: 0, seconds: 4, format: "webm" }]);
  const plain = await stage.page.evaluate(
    (url) => gaplessStudio.rehearse("video", url),
    whole.parts[0]?.mediaUrl ?? "",
  );
  for (const noCors of [false, true]) {
    stage.manners.set("*", { noCors });
    const ours = await stage.page.evaluate((film) => gaplessStudio.rehearse("film", film), film);
    assert.deepEqual(ours, plain, noCors ? "two elements" : "one element");
  }
});
