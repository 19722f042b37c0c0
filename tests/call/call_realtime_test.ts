/** The call as people use it: real pages, real media, the app on its stand-in platform. */
import assert from "node:assert/strict";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { type App, startApp } from "../support/app.ts";
import { launchChromium } from "../support/chromium.ts";
import { join } from "../support/people.ts";
import { platformTraces } from "../support/platform_traces.ts";

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

async function open(
  browser: Browser,
  app: App,
  path = "/",
  options: BrowserContextOptions = {},
): Promise<Page> {
  const page = await (await browser.newContext(options)).newPage();
  await page.addInitScript(() => {
    const devices = navigator.mediaDevices;
    const ask = devices.getUserMedia.bind(devices);
    devices.getUserMedia = (constraints) => {
      performance.mark("getUserMedia");
      return ask(constraints);
    };
  });
  await page.goto(`${app.origin}${path}`);
  return page;
}

const tiles = (page: Page) => page.getByRole("list", { name: "People in the call" }).locator("li");
const tile = (page: Page, name: string) => tiles(page).filter({ hasText: name });
const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const recording = (page: Page) => page.getByRole("status").filter({ hasText: "Recording" });

/** Resolves when the page shows so many people. */
async function untilTiles(page: Page, count: number): Promise<void> {
  await tiles(page).nth(count - 1).waitFor();
  await tiles(page).nth(count).waitFor({ state: "detached" });
}

/** Resolves when moving pictures arrive in somebody's tile. */
async function untilMoving(page: Page, name: string): Promise<void> {
  await tile(page, name).locator("video").evaluate((video: HTMLVideoElement) =>
    new Promise<void>((resolve) =>
      video.requestVideoFrameCallback(() => video.requestVideoFrameCallback(() => resolve()))
    )
  );
}

/** How often the page has asked the browser for camera or microphone: see {@link open}. */
function devicesAsked(page: Page): Promise<number> {
  return page.evaluate(() => performance.getEntriesByName("getUserMedia").length);
}

Deno.test("a call in the browser", async (t) => {
  const app = await startApp({
    SESSION_STOP_DELAY_PRIMARY: "2",
    SESSION_STOP_DELAY_SECONDARY: "2",
  });
  const browser = await launchChromium();
  try {
    await t.step("two people who join see each other move, by name", async () => {
      const [ada, bo] = [await open(browser, app), await open(browser, app)];
      await join(ada, "Ada");
      await ada.getByText("You are the only one here").waitFor();
      await join(bo, "Bo");
      for (const [page, other] of [[ada, "Bo"], [bo, "Ada"]] as const) {
        await untilTiles(page, 2);
        await untilMoving(page, other);
      }
      await ada.context().close();
      await untilTiles(bo, 1);
      await bo.context().close();
    });

    await t.step("muting and the camera show at the others, by button and by key", async () => {
      const [ada, bo] = [await open(browser, app), await open(browser, app)];
      await join(ada, "Ada");
      await join(bo, "Bo");
      await untilMoving(bo, "Ada");
      await button(ada, "Mute microphone").click();
      await tile(bo, "Muted:").filter({ hasText: "Ada" }).waitFor();
      await ada.keyboard.press("m");
      await button(ada, "Mute microphone").waitFor();
      await tile(bo, "Muted:").waitFor({ state: "detached" });
      await ada.keyboard.press("v");
      await button(ada, "Turn camera on").waitFor();
      await tile(bo, "Ada").locator("[data-shown=false]").waitFor();
      await button(ada, "Turn camera on").click();
      await tile(bo, "Ada").locator("[data-shown=true]").waitFor();
      await untilMoving(bo, "Ada");
      await ada.context().close();
      await bo.context().close();
    });

    await t.step("whoever leaves is gone for the others, and may join again", async () => {
      const [ada, bo] = [await open(browser, app), await open(browser, app)];
      await join(ada, "Ada");
      await join(bo, "Bo");
      await untilTiles(bo, 2);
      await button(ada, "Leave").click();
      await ada.getByText("You left the call").waitFor();
      await untilTiles(bo, 1);
      await button(ada, "Join again").click();
      await untilTiles(ada, 2);
      await untilMoving(bo, "Ada");
      await ada.context().close();
      await bo.context().close();
    });

    await t.step("a reload leaves no ghost, and the name is remembered", async () => {
      const [ada, bo] = [await open(browser, app), await open(browser, app)];
      await join(ada, "Ada");
      await join(bo, "Bo");
      await untilTiles(bo, 2);
      await ada.reload();
      await untilTiles(bo, 1);
      await button(ada, "Join").click();
      await untilTiles(bo, 2);
      await untilMoving(bo, "Ada");
      await ada.context().close();
      await bo.context().close();
    });

    await t.step(
      "without permission people are told the way out, and may join without",
      async () => {
        const strict = await launchChromium({ allowCamera: false });
        try {
          const [ada, bo] = [await open(browser, app), await open(strict, app)];
          await join(ada, "Ada");
          await bo.getByRole("alert").filter({ hasText: "does not let this page" }).waitFor();
          await join(bo, "Bo");
          await untilMoving(bo, "Ada");
          await tile(ada, "Bo").filter({ hasText: "Muted:" }).waitFor();
          assert.equal(await button(bo, "Mute microphone").isDisabled(), true);
          await ada.context().close();
        } finally {
          await strict.close();
        }
      },
    );

    await t.step("devices can be changed without leaving", async () => {
      const [ada, bo] = [await open(browser, app), await open(browser, app)];
      await join(ada, "Ada");
      await join(bo, "Bo");
      await untilMoving(bo, "Ada");
      await button(ada, "Devices").click();
      await ada.getByRole("combobox", { name: "Camera" }).selectOption("none");
      await tile(bo, "Ada").locator("[data-shown=false]").waitFor();
      await ada.getByRole("combobox", { name: "Camera" }).selectOption({ index: 0 });
      await tile(bo, "Ada").locator("[data-shown=true]").waitFor();
      await untilMoving(bo, "Ada");
      await untilTiles(bo, 2);
      await ada.context().close();
      await bo.context().close();
    });

    await t.step("on a phone everything fits, with targets for a thumb", async () => {
      const phone = await open(browser, app, "/", PHONE);
      const fits = () => phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
      assert.equal(await fits(), true, "the lobby fits");
      await join(phone, "Ada");
      assert.equal(await fits(), true, "the call fits");
      for (const name of ["Mute microphone", "Turn camera off", "Devices", "Leave"]) {
        const box = await button(phone, name).boundingBox();
        assert.ok(box && box.width >= 44 && box.height >= 44, name);
      }
      await phone.context().close();
    });

    await t.step("one event stream serves a page; without it the page asks by itself", async () => {
      const context = await browser.newContext();
      const page = await context.newPage();
      let streams = 0;
      page.on("request", (request) => {
        if (request.url().endsWith("/events")) streams++;
      });
      await page.goto(`${app.origin}/host`);
      await page.getByRole("textbox", { name: "Password" }).fill(app.password);
      await button(page, "Sign in").click();
      const told = page.getByText("Idle");
      await told.waitFor();
      assert.equal(streams, 1);
      await page.route("**/events", (route) => route.abort());
      await page.reload();
      await page.getByText("Live updates do not get through").waitFor();
      await told.waitFor();
      await context.close();
    });

    await t.step("the host starts, hands over and stops; everybody sees it", async () => {
      const [host, bo] = [await open(browser, app, "/host"), await open(browser, app)];
      await host.getByRole("textbox", { name: "Password" }).fill(app.password);
      await button(host, "Sign in").click();
      await host.waitForURL("**/host");
      await join(host, "Ada");
      await join(bo, "Bo");
      await untilMoving(host, "Bo");
      assert.deepEqual(
        await platformTraces(host),
        [],
        "nothing of the real platform was asked for",
      );
      assert.equal(await button(host, "Stop archive").isDisabled(), true);
      await button(host, "Start archive").click();
      await host.getByRole("alert").filter({ hasText: "Give the archive a name" }).waitFor();
      await host.getByRole("textbox", { name: "Archive name" }).fill("Hearing");
      await button(host, "Start archive").click();
      await recording(host).waitFor();
      await recording(bo).waitFor();
      assert.equal(await button(host, "Start archive").isDisabled(), true);
      const late = await open(browser, app);
      await recording(late).waitFor();
      const asked = await devicesAsked(bo);
      await button(host, "Restart archive").click();
      await host.getByText("Both archives run: overlapping").first().waitFor();
      await host.getByText("2 seams").waitFor();
      await button(host, "Restart archive").and(host.locator(":enabled")).waitFor();
      assert.equal(await devicesAsked(bo), asked, "no second question for the camera");
      await recording(bo).waitFor();
      await untilMoving(bo, "Ada");
      await button(host, "Stop archive").click();
      for (const page of [host, bo, late]) await recording(page).waitFor({ state: "detached" });
      await host.getByRole("link", { name: "Watch “Hearing”" }).waitFor();
      await button(host, "Start archive").and(host.locator(":enabled")).waitFor();
      assert.equal(
        await host.getByRole("textbox", { name: "Archive name" }).inputValue(),
        "Hearing",
      );
    });
  } finally {
    await browser.close();
    await app.stop();
    await Deno.remove(app.dataDir, { recursive: true });
  }
});
