/**
 * The call as its users have it: the app in demo mode, real pages, real media, and a proxy in front of
 * the server that breaks the network.
 */
import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { type App, startApp } from "../support/app.ts";
import { launchChromium } from "../support/chromium.ts";
import { FaultProxy } from "../support/fault_proxy.ts";
import { join, openHost, untilRoom } from "../support/people.ts";

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const MESSAGING = /messaging/;

async function open(
  browser: Browser,
  app: Pick<App, "origin">,
  path = "/",
  options: BrowserContextOptions = {},
): Promise<Page> {
  const page = await (await browser.newContext(options)).newPage();
  await page.goto(`${app.origin}${path}`);
  return page;
}

const tiles = (page: Page) => page.getByRole("list", { name: "People in the call" }).locator("li");
const tile = (page: Page, name: string) => tiles(page).filter({ hasText: name });
const shown = (page: Page, name: string) => tile(page, name).locator("[data-shown=true]");
const hidden = (page: Page, name: string) => tile(page, name).locator("[data-shown=false]");
const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const enabled = (page: Page, name: string) => button(page, name).and(page.locator(":enabled"));
const alert = (page: Page, text: string) => page.getByRole("alert").filter({ hasText: text });
const recording = (page: Page) => page.getByRole("status").filter({ hasText: "Recording" });

/** Resolves when the page shows so many participants. */
async function untilTiles(page: Page, count: number): Promise<void> {
  await tiles(page).nth(count - 1).waitFor();
  await tiles(page).nth(count).waitFor({ state: "detached" });
}

/** Resolves when new frames arrive in a participant's tile. */
async function untilMoving(page: Page, name: string): Promise<void> {
  await tile(page, name).locator("video").evaluate((video: HTMLVideoElement) =>
    new Promise<void>((resolve) =>
      video.requestVideoFrameCallback(() => video.requestVideoFrameCallback(() => resolve()))
    )
  );
}

/** Leaves; a page that only ended would stay in the call until the server has given it up. */
async function leave(page: Page): Promise<void> {
  await button(page, "Leave").click();
  await page.getByText("You left the call").waitFor();
}

/** Marks the elements of the call, to see later that nothing was built again. */
async function markTiles(page: Page): Promise<void> {
  await tiles(page).locator("video").evaluateAll((all) => {
    for (const element of all) element.dataset["kept"] = "yes";
  });
}

async function assertTilesKept(page: Page, count: number): Promise<void> {
  assert.equal(await tiles(page).locator("video[data-kept=yes]").count(), count);
}

/** Counts how often a page asks for camera or microphone from now on. */
async function countPrompts(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    const { mediaDevices } = navigator;
    const ask = mediaDevices.getUserMedia.bind(mediaDevices);
    mediaDevices.getUserMedia = (constraints) => {
      performance.mark("getUserMedia");
      return ask(constraints);
    };
  });
  return () => page.evaluate(() => performance.getEntriesByName("getUserMedia").length);
}

Deno.test({
  name: "a call in the app",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async (t) => {
    const server = await startApp({
      HOST: "0.0.0.0",
      SESSION_STOP_DELAY_PRIMARY: "2",
      SESSION_STOP_DELAY_SECONDARY: "1",
    });
    const browser = await launchChromium({ fps: 5 });
    await using proxy = await FaultProxy.start(() => server.origin);
    const app: App = { ...server, origin: proxy.origin };
    try {
      const ada = await openHost(browser, app);
      const bo = await open(browser, app);
      const requests = new Set<string>();
      for (const page of [ada, bo]) {
        page.on("request", (request) => requests.add(request.url()));
        page.on("websocket", (socket) => requests.add(socket.url()));
      }
      const everywhere = async () => {
        for (const [page, other] of [[ada, "Bo"], [bo, "Ada"]] as const) {
          await untilTiles(page, 2);
          await shown(page, other).waitFor();
          await untilMoving(page, other);
        }
      };

      await t.step("two who join see each other move, by name", async () => {
        await join(ada, "Ada");
        await ada.getByText("You are the only one here").waitFor();
        await join(bo, "Bo");
        await everywhere();
      });

      await t.step("no request leaves the app's own origin", () => {
        const { host } = new URL(app.origin);
        const foreign = [...requests].filter((url) => {
          const { protocol, host: asked } = new URL(url);
          return !["blob:", "data:"].includes(protocol) && asked !== host;
        });
        assert.deepEqual(foreign, []);
        const asked = [...requests].map((url) => new URL(url).pathname);
        assert.ok(asked.some((path) => path.startsWith("/emulator/anvil.opentok.com/session/")));
      });

      await t.step("mute and camera show at the others, by button and by key", async () => {
        await button(ada, "Mute microphone").click();
        await tile(bo, "Muted:").filter({ hasText: "Ada" }).waitFor();
        await ada.keyboard.press("m");
        await button(ada, "Mute microphone").waitFor();
        await tile(bo, "Muted:").waitFor({ state: "detached" });
        await ada.keyboard.press("v");
        await button(ada, "Turn camera on").waitFor();
        await hidden(bo, "Ada").waitFor();
        await button(ada, "Turn camera on").click();
        await shown(bo, "Ada").waitFor();
        await untilMoving(bo, "Ada");
      });

      await t.step("a participant who makes a sound is marked as speaking", async () => {
        await bo.locator("li.speaking").filter({ hasText: "Ada" }).waitFor();
      });

      await t.step("devices can be changed without leaving", async () => {
        await button(ada, "Devices").click();
        await ada.getByRole("combobox", { name: "Camera" }).selectOption("none");
        await hidden(bo, "Ada").waitFor();
        await ada.getByRole("combobox", { name: "Camera" }).selectOption({ index: 0 });
        await shown(bo, "Ada").waitFor();
        await untilMoving(bo, "Ada");
        await button(ada, "Done").click();
        await untilTiles(bo, 2);
      });

      await t.step("a connection that is cut comes back; media goes on meanwhile", async () => {
        for (const page of [ada, bo]) await markTiles(page);
        proxy.fault({ match: /SOCKET .*messaging/, mode: "latency", ms: 1_000, times: 2 });
        const noticed = Promise.all([ada, bo].map((page) => alert(page, "Reconnecting").waitFor()));
        proxy.sockets("drop", MESSAGING);
        await noticed;
        await untilMoving(ada, "Bo");
        for (const page of [ada, bo]) {
          await alert(page, "Reconnecting").waitFor({ state: "detached" });
          await assertTilesKept(page, 2);
        }
        await everywhere();
      });

      await t.step("a network that lets nothing through is survived", async () => {
        for (const page of [ada, bo]) await markTiles(page);
        proxy.fault({ match: /SOCKET .*messaging/, mode: "hang", times: 100 });
        proxy.sockets("blackhole", MESSAGING);
        await alert(ada, "Reconnecting").waitFor();
        await alert(bo, "Reconnecting").waitFor();
        await untilMoving(bo, "Ada");
        proxy.heal();
        for (const page of [ada, bo]) {
          await alert(page, "Reconnecting").waitFor({ state: "detached" });
          await assertTilesKept(page, 2);
        }
        proxy.sockets("restore");
        await everywhere();
      });

      await t.step("a restart of the server is survived", async () => {
        for (const page of [ada, bo]) await markTiles(page);
        await server.stop();
        for (const page of [ada, bo]) await alert(page, "Reconnecting").waitFor();
        await untilMoving(bo, "Ada");
        const live = ada.waitForResponse((answer) =>
          answer.url().endsWith("/events") && answer.ok()
        );
        await server.restart();
        for (const page of [ada, bo]) {
          await alert(page, "Reconnecting").waitFor({ state: "detached" });
          await assertTilesKept(page, 2);
        }
        await button(ada, "Mute microphone").click();
        await tile(bo, "Muted:").filter({ hasText: "Ada" }).waitFor();
        await button(ada, "Unmute microphone").click();
        await everywhere();
        await live; // a page asks again for the stream of its room after a while
      });

      await t.step("a participant who leaves is gone, and may join again", async () => {
        await button(bo, "Leave").click();
        await bo.getByText("You left the call").waitFor();
        await untilTiles(ada, 1);
        await button(bo, "Join again").click();
        await everywhere();
      });

      await t.step("a reload leaves no second participant, and the name is kept", async () => {
        await bo.reload();
        await untilTiles(ada, 1);
        await button(bo, "Join").click();
        await everywhere();
      });

      await t.step("the host starts, hands over and stops; everyone sees it", async () => {
        assert.equal(await button(ada, "Stop archive").isDisabled(), true);
        await button(ada, "Start archive").click();
        await alert(ada, "Give the archive a name").waitFor();
        await ada.getByRole("textbox", { name: "Archive name" }).fill("Hearing");
        await button(ada, "Start archive").click();
        await recording(ada).waitFor();
        await recording(bo).waitFor();
        assert.equal(await button(ada, "Start archive").isDisabled(), true);
        const late = await open(browser, app);
        await recording(late).waitFor();
        const prompts = await countPrompts(bo);
        await enabled(ada, "Restart archive").click();
        await ada.getByText("Both archives run: overlapping").first().waitFor();
        await ada.getByText("2 seams").waitFor();
        await enabled(ada, "Restart archive").waitFor();
        assert.equal(await prompts(), 0, "no second prompt for the camera");
        await recording(bo).waitFor();
        await untilMoving(bo, "Ada");
        await enabled(ada, "Stop archive").click();
        for (const page of [ada, bo, late]) await recording(page).waitFor({ state: "detached" });
        await ada.getByRole("link", { name: "Watch “Hearing”" }).waitFor();
        await enabled(ada, "Start archive").waitFor();
        assert.equal(
          await ada.getByRole("textbox", { name: "Archive name" }).inputValue(),
          "Hearing",
        );
        await late.context().close();
      });

      await t.step(
        "a participant without permission is told the way out, and may join",
        async () => {
          const strict = await launchChromium({ allowCamera: false });
          try {
            const cy = await open(strict, app);
            await alert(cy, "does not let this page").waitFor();
            await join(cy, "Cy");
            await untilMoving(cy, "Ada");
            await tile(ada, "Cy").filter({ hasText: "Muted:" }).waitFor();
            assert.equal(await button(cy, "Mute microphone").isDisabled(), true);
            await leave(cy);
          } finally {
            await strict.close();
          }
        },
      );

      await t.step("on a phone everything fits, with targets for a thumb", async () => {
        const phone = await open(browser, app, "/", PHONE);
        const fits = () => phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
        assert.equal(await fits(), true, "the lobby fits");
        await join(phone, "Cy");
        assert.equal(await fits(), true, "the call fits");
        for (const name of ["Mute microphone", "Turn camera off", "Devices", "Leave"]) {
          const box = await button(phone, name).boundingBox();
          assert.ok(box && box.width >= 44 && box.height >= 44, name);
        }
        await leave(phone);
        await phone.context().close();
      });

      await t.step("one event stream serves a page; without it the page polls", async () => {
        const page = await ada.context().newPage();
        let streams = 0;
        page.on("request", (request) => {
          if (request.url().endsWith("/events")) streams++;
        });
        await page.goto(`${app.origin}/host`);
        await page.getByText("Idle").waitFor();
        assert.equal(streams, 1);
        await page.route("**/events", (route) => route.abort());
        await page.reload();
        await page.getByText("Live updates do not get through").waitFor();
        await page.getByText("Idle").waitFor();
        await page.close();
      });
      for (const page of [ada, bo]) {
        await leave(page);
        await page.context().close();
      }

      await t.step("over plain http from another address one joins without camera", async () => {
        await joinInsecurely(browser, server);
      });
    } finally {
      await browser.close();
      await server.stop();
      await Deno.remove(server.dataDir, { recursive: true });
    }
  },
});

/** Refused starts, a header that only https may carry, and what the SDK says without a TURN server. */
const EXPECTED_ERRORS =
  /the server responded with|Cross-Origin-Opener-Policy|No ice servers present/;

/** An address of this machine that a browser does not take for a secure context. */
function ownAddress(): string | undefined {
  return Object.values(networkInterfaces()).flatMap((all) => all ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal)?.address;
}

async function joinInsecurely(browser: Browser, server: App): Promise<void> {
  const address = ownAddress();
  if (!address) return console.log("This machine has no address but localhost");
  const origin = `http://${address}:${new URL(server.origin).port}`;
  const context = await browser.newContext();
  const errors: string[] = [];
  context.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  context.on("weberror", (error) => errors.push(String(error.error())));
  const host = await context.newPage();
  await host.goto(`${origin}/host`);
  await host.getByRole("textbox", { name: "Password" }).fill(server.password);
  await button(host, "Sign in").click();
  await host.waitForURL("**/host");
  assert.equal(await host.evaluate(() => isSecureContext), false);
  await alert(host, "Browsers give camera and microphone only to pages over https").filter({
    hasText: "https",
  })
    .waitFor();
  await join(host, "Ada");
  const guest = await context.newPage();
  await guest.goto(origin);
  await join(guest, "Bo");
  await tile(host, "Bo").waitFor();
  await button(guest, "Leave").click();
  await button(host, "Copy invitation link").click();
  await host.getByText("Copy the address of this page instead").waitFor();
  await host.getByRole("textbox", { name: "Archive name" }).fill("Insecure");
  await button(host, "Start archive").click();
  await alert(host, "Nobody is publishing in the call").first().waitFor();
  const firefox = await (await browser.newContext()).newPage();
  await firefox.addInitScript(() =>
    Reflect.deleteProperty(globalThis, "MediaStreamTrackProcessor")
  );
  await firefox.goto(server.origin);
  await join(firefox, "Cy");
  await shown(host, "Cy").waitFor();
  await enabled(host, "Start archive").click();
  await alert(host, "Record from Chrome or Edge on localhost or https").first().waitFor();
  await leave(firefox);
  await firefox.context().close();
  // A page that can record does so, wherever the host is.
  const local = await open(browser, server);
  await join(local, "Dee");
  await shown(host, "Dee").waitFor();
  await enabled(host, "Start archive").click();
  await recording(host).waitFor();
  await untilRoom(host, { ...server, origin }, (view) => view.chain?.state === "recording");
  await enabled(host, "Stop archive").click();
  await recording(host).waitFor({ state: "detached" });
  assert.deepEqual(errors.filter((text) => !EXPECTED_ERRORS.test(text)), []);
  await leave(local);
  await local.context().close();
  await context.close();
}
