/** The ways of steering a film besides its buttons: media keys, little window, whole screen, touch. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type { Film } from "../../lib/recording/views.ts";
import { testsOnOneStage } from "./stage.ts";

const test = testsOnOneStage();

const OVERLAPPING = [
  { fromSeconds: 0, seconds: 8, format: "webm" as const },
  { fromSeconds: 6, seconds: 8, format: "webm" as const },
  { fromSeconds: 12, seconds: 18, format: "webm" as const },
];

async function mount(page: Page, film: Film): Promise<void> {
  await page.evaluate((film) => mountGaplessIsland(film, false), film);
  await page.locator("media-controller").waitFor();
  await page.evaluate(() => gaplessStudio.until((player) => player.readyState >= 3));
}

test("the system shows the film, and its media keys steer it", async (stage) => {
  const page = await stage.open(() => {
    const { mediaSession } = navigator;
    const set = mediaSession.setActionHandler.bind(mediaSession);
    mediaSession.setActionHandler = (action, handler) => {
      addEventListener(`press ${action}`, (event) => {
        if (event instanceof CustomEvent) handler?.({ action, ...event.detail });
      });
      set(action, handler);
    };
  });
  const film = await stage.film(OVERLAPPING);
  await mount(page, film);
  assert.equal(await page.evaluate(() => navigator.mediaSession.metadata?.title), film.name);
  const press = (action: string, detail: object = {}) =>
    page.evaluate(([action, detail]) => {
      dispatchEvent(new CustomEvent(`press ${action}`, { detail }));
      return document.querySelector("gapless-video")?.currentTime;
    }, [action, detail] as const);
  assert.equal(await press("nexttrack"), 6);
  assert.equal(await press("nexttrack"), 12);
  assert.equal(await press("seekforward"), 22);
  assert.equal(await press("seekbackward", { seekOffset: 5 }), 17);
  assert.equal(await press("previoustrack"), 12);
  assert.equal(await press("seekto", { seekTime: 3 }), 3);
  await press("play");
  await page.evaluate(() => gaplessStudio.until((player) => player.currentTime > 3.2));
  await press("pause");
  assert.equal(await page.evaluate(() => document.querySelector("gapless-video")?.paused), true);
});

test("the little window and the whole screen show the film", async (stage) => {
  const { page } = stage;
  await mount(page, await stage.film(OVERLAPPING));
  await page.getByRole("button", { name: /enter picture in picture/i }).click();
  await page.waitForFunction(() => document.pictureInPictureElement?.matches("gapless-video"));
  await page.getByRole("button", { name: /exit picture in picture/i }).click();
  await page.waitForFunction(() => document.pictureInPictureElement === null);

  await page.locator("media-controller").focus();
  await page.keyboard.press("f");
  // Its key asks what the controls show, and those follow the screen a moment later.
  await page.locator("media-controller[mediaisfullscreen]:fullscreen").waitFor();
  await page.keyboard.press("f");
  await page.waitForFunction(() => document.fullscreenElement === null);
});

test("the little window goes on over a seam of two elements", async (stage) => {
  const page = await stage.open(() => Reflect.deleteProperty(globalThis, "MediaSource"));
  await stage.show(await stage.film(OVERLAPPING));
  const floating = await page.evaluate(async () => {
    const player = document.querySelector("gapless-video");
    if (!player) throw new Error("There is no player");
    const first = player.visibleVideo;
    await player.requestPictureInPicture();
    await gaplessStudio.seekAndPlay(5);
    await gaplessStudio.until((player) => player.visibleVideo !== first);
    return await gaplessStudio.until((player) =>
      player.shadowRoot?.pictureInPictureElement === player.visibleVideo
    );
  });
  assert.equal(floating, true);
});

test("on a phone the film is played by touch, and nothing is too small or too wide", async (stage) => {
  const page = await stage.open(undefined, { isPhone: true });
  await mount(page, await stage.film(OVERLAPPING));
  await page.getByRole("button", { name: "Play", exact: true }).tap();
  await page.evaluate(() => gaplessStudio.until((player) => player.currentTime > 0.2));
  await page.getByRole("button", { name: "Pause", exact: true }).tap();
  await page.evaluate(() => gaplessStudio.until((player) => player.paused));
  await page.getByRole("button", { name: /^Part 3/ }).tap();
  await page.evaluate(() => gaplessStudio.until((player) => player.currentTime === 12));

  const { wide, small } = await page.evaluate(() => {
    const shown = [...document.querySelectorAll(".player-buttons > *, .player-chapters button")]
      .map((element) => ({ name: element.localName, ...element.getBoundingClientRect().toJSON() }))
      .filter(({ name, width }) => width > 0 && name !== "span" && name !== "media-time-display");
    return {
      wide: document.documentElement.scrollWidth,
      small: shown.filter(({ width, height }) => Math.min(width, height) < 40),
    };
  });
  assert.ok(wide <= 390, `${wide} pixels wide`);
  assert.deepEqual(small, []);
});
