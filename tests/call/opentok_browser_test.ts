/**
 * The app with credentials: both SDKs ask the cloud's interfaces, behind which an emulator runs. The
 * server SDK reaches it by `OPENTOK_API_URL`; the browser SDK asks the cloud's hosts. A page of another
 * site does what the cloud's media servers do: it records.
 */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { type App, startApp } from "../support/app.ts";
import { launchChromium } from "../support/chromium.ts";
import { serveCloudHosts } from "../support/cloud_hosts.ts";
import { heard, openDualSample } from "../support/dual_sample.ts";
import { join, openHost } from "../support/people.ts";
import { platformTraces } from "../support/platform_traces.ts";
import { eventually, joinCall, openCallSite, until } from "./call_site.ts";

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const enabled = (page: Page, name: string) => button(page, name).and(page.locator(":enabled"));
const tile = (page: Page, name: string) =>
  page.getByRole("list", { name: "People in the call" }).locator("li").filter({ hasText: name });
const shown = (page: Page, name: string) => tile(page, name).locator("[data-shown=true]");
const recording = (page: Page) => page.getByRole("status").filter({ hasText: "Recording" });

/** Hides the server from a page's call: it learns only what the platform tells it. */
async function hideRoomState(page: Page, app: App): Promise<void> {
  for (const path of ["/api/rooms/main", "/api/rooms/main/events"]) {
    await page.route(app.origin + path, (route) => route.abort());
  }
}

Deno.test({
  name: "with credentials a call is joined, handed over, listed and played",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async (t) => {
    await using site = await openCallSite();
    const app = await startApp({
      ...site.env,
      ACCESS: "open",
      SESSION_STOP_DELAY_PRIMARY: "1",
      SESSION_STOP_DELAY_SECONDARY: "1",
      PLAYER_OFFSET_PRIMARY: "0.5",
      PLAYER_OFFSET_SECONDARY: "0.25",
    });
    const browser = await launchChromium({ fps: 10 });
    try {
      const host = await openHost(browser, app);
      const hosted = await serveCloudHosts(host.context(), site.origin);
      const guest = await (await browser.newContext()).newPage();
      const seen = await serveCloudHosts(guest.context(), site.origin);
      const refused: string[] = [];
      for (const page of [host, guest]) {
        page.on("console", (message) => {
          if (message.text().includes("Content Security Policy")) refused.push(message.text());
        });
      }
      const recorders: string[] = [];
      host.on("request", (request) => {
        if (/recorder/.test(request.url())) recorders.push(request.url());
      });
      // In a context of its own: what it asks of the emulator is not the cloud's.
      const media = await launchChromium();
      const mediaServer = await site.open(media, { name: "Media server", sends: false });

      try {
        await t.step("the SDK is loaded, and the cloud is asked, only after Join", async () => {
          assert.deepEqual(await platformTraces(host), []);
          assert.deepEqual([...hosted.hosts], []);
          await join(host, "Ada");
          assert.ok((await platformTraces(host)).includes("the SDK"));
          assert.ok(hosted.hosts.has("anvil.opentok.com"), [...hosted.hosts].join());
          assert.deepEqual(recorders, [], "the page itself records nothing");
        });

        await t.step("two who join see each other", async () => {
          await mediaServer.evaluate(() => callPage.want(null));
          await joinCall(mediaServer);
          await hideRoomState(guest, app);
          await guest.goto(`${app.origin}/`);
          await join(guest, "Bo");
          await shown(host, "Bo").waitFor();
          await shown(guest, "Ada").waitFor();
          await until(
            mediaServer,
            ({ participants }) => participants.filter((one) => one.hasElement).length === 2,
          );
        });

        await t.step("a start is seen by both, by what the platform reports", async () => {
          await host.getByRole("textbox", { name: "Archive name" }).fill("Hearing");
          await button(host, "Start archive").click();
          await recording(host).waitFor();
          await recording(guest).waitFor();
          await eventually(() => seen.archiveEvents, (events) => events.join() === "started");
        });

        await t.step("a restart takes everyone to the secondary session and back", async () => {
          await enabled(host, "Restart archive").click();
          await eventually(
            async () => (await site.published(site.secondary)).map(({ name }) => name).sort(),
            (names) => names.join() === "Ada,Bo",
          );
          await host.getByText("2 seams").waitFor();
          await enabled(host, "Restart archive").waitFor();
          await eventually(
            () => site.published(site.secondary),
            ({ length }) => length === 0,
          );
          const { archives } = await site.platform.listArchives({});
          assert.deepEqual(
            archives.map(({ sessionId, status }) => [
              sessionId === site.secondary,
              status === "started",
            ]).sort(),
            [[false, false], [false, true], [true, false]],
          );
          await recording(guest).waitFor();
        });

        await t.step("a stop is seen by both", async () => {
          await button(host, "Stop archive").click();
          await recording(host).waitFor({ state: "detached" });
          await recording(guest).waitFor({ state: "detached" });
          for (const { archiveEvents } of [hosted, seen]) {
            await eventually(() => archiveEvents.toSorted(), ({ length }) => length === 6);
          }
        });

        await t.step("the history lists its archives, and their files can be had", async () => {
          const page = await host.context().newPage();
          await page.goto(`${app.origin}/history`);
          const files = page.getByRole("row").getByRole("link", { name: "Hearing" });
          await eventually(async () => {
            await page.reload();
            return await files.count();
          }, (count) => count === 3);
          assert.equal(await button(page, "Delete").count(), 3);
          const href = await files.first().getAttribute("href");
          const file = await page.request.get(`${app.origin}${href}`);
          assert.equal(file.headers()["content-type"], "video/mp4");
          await page.close();
        });

        await t.step("the player finds the recording by its name and plays it", async () => {
          const page = await host.context().newPage();
          await page.goto(`${app.origin}/player`);
          await page.getByRole("textbox", { name: "Archive name" }).fill("Hearing");
          await button(page, "Get archive").click();
          await page.waitForURL(/\/player\/.+/);
          await button(page, "Play").click();
          await page.waitForFunction(() =>
            (document.querySelector<HTMLMediaElement>("gapless-video")?.currentTime ?? 0) > 0.5
          );
          await page.close();
        });

        await t.step("a page written for the dual-session sample records and plays", async () => {
          const page = await host.context().newPage();
          await openDualSample(page, app.origin);
          const { primary, secondary } = site;
          assert.deepEqual(await heard(page, "key"), { apiKey: site.platform.apiKey });
          assert.deepEqual(await heard(page, "sessions"), { primary, secondary });
          assert.deepEqual(Object.keys(await heard(page, "tokens")), ["primary", "secondary"]);
          await page.getByLabel("Archive name").fill("Talk");
          await button(page, "Start Archive").click();
          const first = await heard(page, "started");
          assert.deepEqual([first.name, first.status, first.sessionId], [
            "Talk",
            "started",
            primary,
          ]);
          await button(page, "Restart Archive").click();
          const next = await heard(page, "restarted");
          assert.deepEqual([next.status, next.sessionId], ["started", primary]);
          assert.notEqual(next.id, first.id);
          await button(page, "Stop Archive").click();
          assert.equal((await heard(page, "stopped")).id, next.id);
          await eventually(
            async () => (await site.platform.listArchives({})).archives,
            (archives) =>
              archives.filter(({ name, url }) => name === "Talk" && url !== null).length === 3,
          );
          await button(page, "Get Archive").click();
          assert.equal(await heard(page, "played"), 3);
          const archives: { sessionId: string }[] = await heard(page, "archives");
          assert.deepEqual(archives.map((a) => a.sessionId), [primary, secondary, primary]);
          assert.deepEqual(await heard(page, "offsets"), { primary: 0.5, secondary: 0.25 });
          assert.deepEqual(await heard(page, "own offsets"), { primary: 0.5, secondary: 0.25 });
          assert.ok((await heard(page, "playing")).from >= 0.5);
          await page.close();
        });
        assert.deepEqual(refused, []);
      } finally {
        await media.close();
      }
    } finally {
      await browser.close();
      await app.stop();
      await Deno.remove(app.dataDir, { recursive: true });
    }
  },
});
