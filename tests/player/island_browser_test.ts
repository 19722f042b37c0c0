import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type { Film } from "../../lib/recording/views.ts";
import { openStage, testsOnOneStage } from "./stage.ts";

const test = testsOnOneStage();

/** Puts the film's whole island on the page and waits for its controls. */
async function mount(page: Page, film: Film): Promise<void> {
  await page.evaluate((film) => mountGaplessIsland(film, false), film);
  await page.locator("media-controller").waitFor();
  await page.evaluate(() => gaplessStudio.until((player) => player.readyState >= 3));
}

/** Takes pictures of the page for whoever wants to look at it, in the folder `SHOTS`. */
async function shoot(page: Page, name: string, poise: () => Promise<void>): Promise<void> {
  const folder = Deno.env.get("SHOTS");
  if (!folder) return;
  for (const [width, colorScheme] of [[1280, "light"], [1280, "dark"], [390, "dark"]] as const) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    await poise();
    await page.screenshot({ path: `${folder}/${name}-${width}-${colorScheme}.png` });
  }
}

const OVERLAPPING = [
  { fromSeconds: 0, seconds: 8, format: "webm" as const, width: 640, height: 360 },
  { fromSeconds: 6, seconds: 8, format: "webm" as const, width: 640, height: 360 },
  { fromSeconds: 12, seconds: 18, format: "webm" as const, width: 640, height: 360 },
];

test("the film's controls play, pause, seek, jump to parts and have names", async (stage) => {
  const { page } = stage;
  const film = await stage.film(OVERLAPPING);
  await page.evaluate((film) => mountGaplessIsland(film, true), film);
  const play = page.getByRole("button", { name: "Play", exact: true });
  await page.locator("media-controller").waitFor();
  assert.equal(await play.count(), 1);
  await play.click();
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await play.waitFor();

  await page.getByRole("button", { name: /^Part 2/ }).click();
  const at = () => page.evaluate(() => document.querySelector("gapless-video")?.currentTime ?? -1);
  const near = async (seconds: number) => {
    await page.waitForFunction(
      (seconds) => {
        const player = document.querySelector("gapless-video");
        return player && !player.seeking && Math.abs(player.currentTime - seconds) < 0.2;
      },
      seconds,
      { timeout: 10_000 },
    ).catch(async () => assert.fail(`At ${await at()} s, not at ${seconds} s`));
  };
  await near(6);
  assert.equal(
    await page.getByRole("button", { name: /^Part 2/ }).getAttribute("aria-current"),
    "true",
  );

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
  const film = await stage.film(OVERLAPPING.slice(0, 2));
  const [first, second] = film.parts;
  assert.ok(first && second);
  const before = { ...film, parts: [first, { ...second, status: "stopped" as const }] };
  stage.films.set(film.chainId, before);
  await page.evaluate((film) => mountGaplessIsland(film, false), before);
  await page.getByRole("button", { name: /^Part 2.*is being prepared/ }).waitFor();
  stage.films.set(film.chainId, film);
  await page.getByRole("button", { name: /^Part 2 ?0:06$/ }).click();
  assert.equal(await page.getByRole("button", { name: /^Part 2/ }).isEnabled(), true);
});

test("a film begins at the address's moment, else where the viewer left it", async (stage) => {
  const { page } = stage;
  const film = await stage.film(OVERLAPPING);
  const begin = async (query: string) => {
    await page.goto(new URL(`/${query}`, page.url()).href);
    await page.evaluate((film) => mountGaplessIsland(film, false), film);
    await page.locator("gapless-video").waitFor();
    return await page.evaluate(() =>
      gaplessStudio.until((player) => player.readyState >= 3 && player.currentTime)
    );
  };
  assert.equal(await begin("?t=13s"), 13);
  await page.evaluate(() => {
    const player = document.querySelector("gapless-video");
    if (player) player.currentTime = 17;
  });
  await page.evaluate(() => globalThis.dispatchEvent(new Event("pagehide")));
  assert.equal(await begin(""), 17);
  await page.getByRole("button", { name: "From the start" }).click();
  await page.waitForFunction(() => document.querySelector("gapless-video")?.currentTime === 0);
});

test("the seek bar shows picture, part and time under the pointer", async (stage) => {
  const { page } = stage;
  await mount(page, await stage.film(OVERLAPPING));
  const bar = page.locator("media-time-range");
  const pointAt = async (share: number) => {
    const box = await bar.boundingBox();
    if (!box) throw new Error("The seek bar is not shown");
    await page.mouse.move(box.x + 10 + (box.width - 20) * share, box.y + box.height / 2);
  };
  const number = () =>
    page.evaluate(() => {
      const canvas = document.querySelector<HTMLCanvasElement>(".player-preview:not([hidden])");
      return canvas && gaplessTest.numberOn(canvas, "green");
    });
  // The key frame at or before 7.5 s of the second part, which begins at 6 s, and the third's first.
  for (const [seconds, picture, part] of [[7.5, 180, "Part 2"], [12.5, 360, "Part 3"]] as const) {
    await pointAt(seconds / 30);
    await page.waitForFunction(
      (picture) => {
        const canvas = document.querySelector<HTMLCanvasElement>(".player-preview:not([hidden])");
        return canvas && gaplessTest.numberOn(canvas, "green") === picture;
      },
      picture,
      { timeout: 5_000 },
    ).catch(async () => assert.fail(`At ${seconds} s picture ${await number()} is shown`));
    await page.locator("media-preview-chapter-display", { hasText: part }).first().waitFor();
  }
  await shoot(page, "preview", () => pointAt(0.6));
});

test("seams and gaps are marked on the seek bar, and reached by keyboard", async (stage) => {
  const { page } = stage;
  const film = await stage.film([...OVERLAPPING, { ...OVERLAPPING[0], placeSeconds: 33 }].map(
    (part) => ({ format: "webm", seconds: 8, fromSeconds: 0, ...part }),
  ));
  await mount(page, film);
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
  await shoot(page, "marks", async () => {});
  await page.keyboard.press("Enter");
  const at = await page.evaluate(() => document.querySelector("gapless-video")?.currentTime);
  assert.equal(at, 10);

  // Over the gap with a word about it.
  await page.evaluate(() => gaplessStudio.seekAndPlay(29.5));
  await page.getByText("Nothing was recorded here: skipped 3 seconds.").waitFor();
  await page.evaluate(() => gaplessStudio.until((player) => player.currentTime > 33));
});

test("everything is reached by the tab key and has a name", async (stage) => {
  const { page } = stage;
  await mount(page, await stage.film(OVERLAPPING));
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
    { fromSeconds: 0, seconds: 4, format: "webm", picture: false },
    { fromSeconds: 3, seconds: 4, format: "webm", picture: false },
  ]);
  await mount(page, {
    ...film,
    options: { ...film.options, hasVideo: false },
  });
  await page.getByText("Sound only").waitFor();
  const individual = { ...film, options: { ...film.options, outputMode: "individual" as const } };
  await page.evaluate((film) => mountGaplessIsland(film, false), individual);
  await page.getByText("cannot be shown as one film").waitFor();
  assert.equal(await page.locator("gapless-video").count(), 0);
});

Deno.test("where the browser wants a tap before it plays, a button asks for it", async () => {
  const stage = await openStage({ args: ["--autoplay-policy=document-user-activation-required"] });
  try {
    stage.films.set("tap", await stage.film(OVERLAPPING.slice(0, 1)));
    // All by the page itself: whatever a test has a page do counts as a gesture.
    const page = await stage.open(() => {
      addEventListener("load", async () => {
        mountGaplessIsland(await (await fetch("/api/chains/tap")).json(), false);
        document.querySelector("button")?.click();
        while (!document.body.innerText.includes("Tap to play")) {
          await new Promise(requestAnimationFrame);
        }
        console.log("asked for a tap");
      });
    }, { until: "asked for a tap" });
    const tap = page.getByRole("button", { name: "Tap to play" });
    await shoot(page, "tap", async () => {});
    await tap.click();
    await page.evaluate(() => gaplessStudio.until((player) => player.currentTime > 0.3));
    assert.equal(await tap.count(), 0);
  } finally {
    await stage.close();
  }
});
