import assert from "node:assert/strict";
import { openStage, type Stage } from "./stage.ts";

async function onStage(play: (stage: Stage) => Promise<void>): Promise<void> {
  const stage = await openStage();
  try {
    await play(stage);
  } finally {
    await stage.close();
  }
}

const OVERLAPPING = [
  { fromSeconds: 0, seconds: 8, format: "webm" as const, width: 640, height: 360 },
  { fromSeconds: 6, seconds: 8, format: "webm" as const, width: 640, height: 360 },
  { fromSeconds: 12, seconds: 18, format: "webm" as const, width: 640, height: 360 },
];

Deno.test("the film's controls play, pause, seek, jump to parts and have names", () =>
  onStage(async (stage) => {
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
    const at = () =>
      page.evaluate(() => document.querySelector("gapless-video")?.currentTime ?? -1);
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
    const shots = Deno.env.get("SHOTS");
    if (shots) {
      for (const [width, scheme] of [[1280, "light"], [1280, "dark"], [390, "dark"]] as const) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme: scheme });
        await page.mouse.move(200, 200);
        await page.screenshot({ path: `${shots}/player-${width}-${scheme}.png` });
      }
    }
  }));

Deno.test("a film that is still prepared is asked for and goes on by itself", () =>
  onStage(async (stage) => {
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
  }));

Deno.test("a film begins at the address's moment, else where the viewer left it", () =>
  onStage(async (stage) => {
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
  }));
