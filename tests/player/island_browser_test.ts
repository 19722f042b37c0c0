import assert from "node:assert/strict";
import type { Film } from "../../lib/recording/views.ts";
import { hurryWaits, openStage, overlapping, ROOMY, testsOnOneStage } from "./stage.ts";

const test = testsOnOneStage();

test("the film's controls play, pause, seek, jump to parts and have names", async (stage) => {
  const { page } = stage;
  await stage.mount(await stage.film(ROOMY), true);
  const play = page.getByRole("button", { name: "Play", exact: true });
  await page.locator("media-controller").waitFor();
  assert.equal(await play.count(), 1);
  await play.click();
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await play.waitFor();

  await page.getByRole("button", { name: /^Part 2/ }).click();
  const near = (seconds: number) =>
    page.evaluate(
      (seconds) =>
        gaplessStudio.until(({ seeking, currentTime }) =>
          !seeking && Math.abs(currentTime - seconds) < 0.2
        ),
      seconds,
    );
  await near(6);
  const second = page.getByRole("button", { name: /^Part 2/ });
  assert.equal(await second.getAttribute("aria-current"), "true");

  await page.locator("media-controller").focus();
  await page.keyboard.press("ArrowRight");
  await near(16);
  await page.keyboard.press("m");
  await page.getByRole("button", { name: "Unmute" }).waitFor();

  for (const name of [/picture in picture/, /fullscreen/, /playback rate/i]) {
    assert.equal(await page.getByRole("button", { name }).count(), 1, String(name));
  }
  assert.equal(await page.getByRole("slider", { name: "Seek" }).count(), 1);
  const chapters = await page.evaluate(() =>
    document.querySelector("media-controller")?.querySelector("media-time-range")
      ?.shadowRoot?.querySelectorAll("#segments-clipping rect").length
  );
  assert.equal(chapters, 3);

  await page.getByRole("button", { name: "Copy link at this time" }).click();
  // A browser without a clipboard shows the link instead.
  await page.getByText("Link to 0:16 copied")
    .or(page.getByRole("textbox", { name: "Link to this time" })).waitFor();
});

test("a film that is still prepared is asked for and goes on by itself", async (stage) => {
  const { page } = stage;
  const film = await stage.film(overlapping().slice(0, 2));
  const [first, second] = film.parts;
  assert.ok(first && second);
  const before = { ...film, parts: [first, { ...second, status: "stopped" as const }] };
  stage.films.set(film.chainId, before);
  await stage.mount(before);
  await page.getByRole("button", { name: /^Part 2.*is being prepared/ }).waitFor();
  stage.films.set(film.chainId, film);
  await page.getByRole("button", { name: /^Part 2 ?0:02$/ }).click();
  assert.equal(await page.getByRole("button", { name: /^Part 2/ }).isEnabled(), true);
}, { prepare: hurryWaits });

test("the film's page follows its recording from nothing to the last file", async (stage) => {
  const { page } = stage;
  const over = await stage.film(overlapping().slice(0, 2));
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
  await stage.mount(nothing);
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
}, { prepare: hurryWaits });

test("a film begins at the address's moment, else where the viewer left it", async (stage) => {
  const { page } = stage;
  const film = await stage.film(ROOMY);
  const begin = async (query: string) => {
    await page.goto(new URL(`/${query}`, page.url()).href);
    await stage.mount(film);
    return await stage.until((player) => player.readyState >= 3 && player.currentTime);
  };
  assert.equal(await begin("?t=13s"), 13);
  await page.evaluate(() => {
    gaplessStudio.findPlayer().currentTime = 17;
    dispatchEvent(new Event("pagehide"));
  });
  assert.equal(await begin(""), 17);
  await page.getByRole("button", { name: "From the start" }).click();
  await stage.until((player) => player.currentTime === 0);
});

test("the seek bar shows picture, part and time under the pointer", async (stage) => {
  const { page } = stage;
  await stage.mountPlayable(await stage.film(ROOMY));
  const bar = page.locator("media-time-range");
  const pointAt = async (share: number) => {
    const box = await bar.boundingBox();
    if (!box) throw new Error("The seek bar is not shown");
    await page.mouse.move(box.x + 10 + (box.width - 20) * share, box.y + box.height / 2);
  };
  // The key frame at or before 7.5 s of the second part, which begins at 6 s, and the third's first.
  for (const [seconds, picture, part] of [[7.5, 180, "Part 2"], [12.5, 360, "Part 3"]] as const) {
    await pointAt(seconds / 30);
    await page.waitForFunction((picture) => {
      const canvas = document.querySelector<HTMLCanvasElement>(".player-preview:not([hidden])");
      return canvas && gaplessTest.numberOn(canvas, "green") === picture;
    }, picture);
    await page.locator("media-preview-chapter-display", { hasText: part }).first().waitFor();
  }
});

test("seams and gaps are marked on the seek bar, and reached by keyboard", async (stage) => {
  const { page } = stage;
  const later = { fromSeconds: 0, seconds: 8, format: "webm", placeSeconds: 33 } as const;
  await stage.mountPlayable(await stage.film([...ROOMY, later]));
  const seams = page.getByRole("toolbar", { name: "Seams and gaps" }).getByRole("button");
  assert.deepEqual(
    await seams.evaluateAll((marks) => marks.map((mark) => mark.getAttribute("aria-label"))),
    ["Seam of parts 1 and 2, 0:06", "Seam of parts 2 and 3, 0:12"],
  );
  await page.getByRole("img", { name: "Nothing was recorded, 0:30 to 0:33" }).waitFor();

  await page.getByRole("slider", { name: "Seek" }).focus();
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowRight");
  assert.equal(await seams.nth(1).evaluate((mark) => mark === document.activeElement), true);
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => gaplessStudio.findPlayer().currentTime), 10);

  // Over the gap with a word about it.
  await page.evaluate(() => gaplessStudio.seekAndPlay(29.5));
  await page.getByText("Nothing was recorded here: skipped 3 seconds.").waitFor();
  await stage.until((player) => player.currentTime > 33);
});

test("everything is reached by the tab key and has a name", async (stage) => {
  const { page } = stage;
  await stage.mountPlayable(await stage.film(ROOMY));
  const names: string[] = [];
  for (let i = 0; i < 20; i++) {
    await page.keyboard.press("Tab");
    names.push(
      await page.evaluate(() => {
        let focused = document.activeElement;
        while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
        return focused?.getAttribute("aria-label") ?? focused?.textContent?.trim() ?? "";
      }),
    );
  }
  const stops = names.join("|");
  for (
    const name of [
      /seek\|/i,
      /Seam of parts 1 and 2/,
      /Play\|/,
      /Seek back 10 seconds/,
      /Seek forward 10 seconds/,
      /mute/i,
      /volume/i,
      /playback rate/i,
      /picture in picture/i,
      /fullscreen/i,
      /Copy link at this time/,
      /Part 1/,
    ]
  ) assert.match(stops, name);
});

test("a film without pictures says so; files for each person are not played", async (stage) => {
  const { page } = stage;
  const film = await stage.film([
    { fromSeconds: 0, seconds: 3, format: "webm", picture: false },
    { fromSeconds: 2, seconds: 3, format: "webm", picture: false },
  ]);
  await stage.mountPlayable({ ...film, options: { ...film.options, hasVideo: false } });
  await page.getByText("Sound only").waitFor();
  const individual = { ...film, options: { ...film.options, outputMode: "individual" as const } };
  await stage.mount(individual);
  await page.getByText("cannot be shown as one film").waitFor();
  assert.equal(await page.locator("gapless-video").count(), 0);
});

Deno.test("where the browser wants a tap before it plays, a button asks for it", async () => {
  const stage = await openStage({ args: ["--autoplay-policy=document-user-activation-required"] });
  try {
    stage.films.set("tap", await stage.film(overlapping().slice(0, 1)));
    // All by the page itself: whatever a test has a page do counts as a gesture.
    const prepare = () =>
      addEventListener("load", async () => {
        mountGaplessIsland(await (await fetch("/api/chains/tap")).json(), false);
        document.querySelector("button")?.click();
        while (!document.body.innerText.includes("Tap to play")) {
          await new Promise(requestAnimationFrame);
        }
        console.log("asked for a tap");
      });
    const page = await stage.open({ prepare, until: "asked for a tap" });
    const tap = page.getByRole("button", { name: "Tap to play" });
    await tap.click();
    await stage.until((player) => player.currentTime > 0.3);
    assert.equal(await tap.count(), 0);
  } finally {
    await stage.close();
  }
});
