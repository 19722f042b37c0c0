/** The ways of steering a film besides its buttons: media keys, little window, whole screen, touch. */
import assert from "node:assert/strict";
import { ROOMY, testsOnOneStage, withoutMediaSource } from "./stage.ts";

const test = testsOnOneStage();

/** Lets the event "press <action>" do what that media key does. */
function pressByEvent(): void {
  const { mediaSession } = navigator;
  const set = mediaSession.setActionHandler.bind(mediaSession);
  mediaSession.setActionHandler = (action, handler) => {
    addEventListener(`press ${action}`, (event) => {
      if (event instanceof CustomEvent) handler?.({ action, ...event.detail });
    });
    set(action, handler);
  };
}

test("the system shows the film, and its media keys steer it", async (stage) => {
  const { page } = stage;
  await stage.mountPlayable(await stage.film(ROOMY));
  assert.equal(await page.evaluate(() => navigator.mediaSession.metadata?.title), "Film");
  const press = (action: string, detail: object = {}) =>
    page.evaluate(([action, detail]) => {
      dispatchEvent(new CustomEvent(`press ${action}`, { detail }));
      return gaplessStudio.findPlayer().currentTime;
    }, [action, detail] as const);
  assert.equal(await press("nexttrack"), 6);
  assert.equal(await press("nexttrack"), 12);
  assert.equal(await press("seekforward"), 22);
  assert.equal(await press("seekbackward", { seekOffset: 5 }), 17);
  assert.equal(await press("previoustrack"), 12);
  assert.equal(await press("seekto", { seekTime: 3 }), 3);
  await press("play");
  await stage.until((player) => player.currentTime > 3.2);
  await press("pause");
  assert.equal(await page.evaluate(() => gaplessStudio.findPlayer().paused), true);
}, { prepare: pressByEvent });

test("the little window and the whole screen show the film", async (stage) => {
  const { page } = stage;
  await stage.mountPlayable(await stage.film(ROOMY));
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
  await stage.show(await stage.film(ROOMY));
  await stage.page.evaluate(async () => {
    const player = gaplessStudio.findPlayer();
    const first = player.visibleVideo;
    await player.requestPictureInPicture();
    await gaplessStudio.seekAndPlay(5, 4);
    await gaplessStudio.until((player) => player.visibleVideo !== first);
  });
  await stage.until((player) => player.shadowRoot?.pictureInPictureElement === player.visibleVideo);
}, { prepare: withoutMediaSource });

test(
  "on a phone the film is played by touch, and nothing is too small or too wide",
  async (stage) => {
    const { page } = stage;
    await stage.mountPlayable(await stage.film(ROOMY));
    await page.getByRole("button", { name: "Play", exact: true }).tap();
    await stage.until((player) => player.currentTime > 0.2);
    await page.getByRole("button", { name: "Pause", exact: true }).tap();
    await stage.until((player) => player.paused);
    await page.getByRole("button", { name: /^Part 3/ }).tap();
    await stage.until((player) => player.currentTime === 12);

    const { wide, small } = await page.evaluate(() => {
      const shown = [...document.querySelectorAll(".player-buttons > *, .player-chapters button")]
        .map((element) => ({
          name: element.localName,
          ...element.getBoundingClientRect().toJSON(),
        }))
        .filter(({ name, width }) => width > 0 && name !== "span" && name !== "media-time-display");
      return {
        wide: document.documentElement.scrollWidth,
        small: shown.filter(({ width, height }) => Math.min(width, height) < 40),
      };
    });
    assert.ok(wide <= 390, `${wide} pixels wide`);
    assert.deepEqual(small, []);
  },
  { isPhone: true },
);
