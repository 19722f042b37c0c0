/**
 * The whole app with the platform's own SDKs, server and browser, against whatever stands for the
 * platform: a call of two, a handover, what is left of it, and a page written for a sample.
 */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { Browser, Page } from "playwright-core";
import { type App, startApp } from "../support/app.ts";
import { launchChromium } from "../support/chromium.ts";
import { heard, openDualSample } from "../support/dual_sample.ts";
import { OPENTOK_DOUBLE, OpenTokDouble } from "../support/opentok_double.ts";
import { join, openHost } from "../support/people.ts";
import { platformTraces } from "../support/platform_traces.ts";

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const enabled = (page: Page, name: string) => button(page, name).and(page.locator(":enabled"));
const people = (page: Page) => page.getByRole("list", { name: "People in the call" }).locator("li");
const shown = (page: Page, name: string) =>
  people(page).filter({ hasText: name }).locator("[data-shown=true]");
const recording = (page: Page) => page.getByRole("status").filter({ hasText: "Recording" });

async function newPage(browser: Browser): Promise<Page> {
  return await (await browser.newContext()).newPage();
}

/** Counts what the platform tells this page of archives, on any of its sockets. */
function archiveNews(page: Page): { started: number; stopped: number } {
  const news = { started: 0, stopped: 0 };
  page.on("websocket", (socket) =>
    socket.on("framereceived", ({ payload }) => {
      const text = String(payload);
      if (!/"uri":"[^"]*\/archive\//.test(text)) return;
      if (text.includes('"method":"created"')) news.started++;
      if (text.includes('"status":"stopped"')) news.stopped++;
    }));
  return news;
}

/** Asks again and again until `done`; it takes part in no measurement. */
async function until(what: string, done: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!await done()) {
    assert.ok(Date.now() < deadline, `Waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Hides the server from a page's call: it learns what it does from the platform alone. */
async function hideRoomState(page: Page, app: App): Promise<void> {
  for (const path of ["/api/rooms/main", "/api/rooms/main/events"]) {
    await page.route(app.origin + path, (route) => route.abort());
  }
}

/** What happened in the secondary session: streams that came and connections that went. */
async function inSecondary(double: OpenTokDouble, sessionId: string) {
  const events = (await double.journal()).filter((entry) => entry.session === sessionId);
  const count = (event: string) => events.filter((entry) => entry.event === event).length;
  return { published: count("streamCreated"), left: count("connectionDestroyed") };
}

Deno.test({
  name: "a call on the platform's own SDKs is joined, handed over, kept, listed and played",
  ignore: !OPENTOK_DOUBLE,
  fn: async (t) => {
    await using double = await OpenTokDouble.start();
    const app = await startApp({
      ...double.env,
      ACCESS: "open",
      SESSION_STOP_DELAY_PRIMARY: "2",
      SESSION_STOP_DELAY_SECONDARY: "2",
      PLAYER_OFFSET_PRIMARY: "0.5",
      PLAYER_OFFSET_SECONDARY: "0.25",
    });
    const browser = await launchChromium({ args: [...double.chromiumFlags] });
    try {
      const refused: string[] = [];
      const host = await openHost(browser, app);
      const guest = await newPage(browser);
      const news = { host: archiveNews(host), guest: archiveNews(guest) };
      for (const page of [host, guest]) {
        page.on("console", (message) => {
          if (message.text().includes("Content Security Policy")) refused.push(message.text());
        });
      }
      const untilTold = (expected: typeof news.host) =>
        until(
          "archive events on both pages",
          () => isDeepStrictEqual(news, { host: expected, guest: expected }),
        );
      const sessionIds = async (): Promise<{ primary: string; secondary: string }> =>
        await (await host.request.get(`${app.origin}/sessionIds`)).json();

      await t.step("the SDK is loaded, and its servers are asked, only after Join", async () => {
        assert.deepEqual(await platformTraces(host), []);
        await join(host, "Ada");
        const traces = await platformTraces(host);
        assert.ok(traces.includes("the SDK"), traces.join());
        assert.ok(traces.some((trace) => trace.endsWith(".opentok.com")), traces.join());
      });

      await t.step("a first connection that gets no answer is made anew", async () => {
        // The SDK would wait for ever.
        await double.fault({ endpoint: "messaging", mode: "hang", times: 1 });
        await hideRoomState(guest, app);
        await guest.goto(`${app.origin}/`);
        await join(guest, "Bo");
        await shown(host, "Bo").waitFor();
        await shown(guest, "Ada").waitFor();
      });

      await t.step("a start is seen by both, by what the platform says", async () => {
        await host.getByRole("textbox", { name: "Archive name" }).fill("Hearing");
        await button(host, "Start archive").click();
        await recording(host).waitFor();
        // Its page sees nothing of the server: this is the platform's event.
        await recording(guest).waitFor();
        await untilTold({ started: 1, stopped: 0 });
      });

      await t.step("connections that are cut come back, and the recording goes on", async () => {
        const { primary } = await sessionIds();
        const reconnecting = [host, guest].map((page) =>
          page.getByRole("alert").filter({ hasText: "Reconnecting" })
        );
        // Coming back takes long enough to be seen.
        await double.fault({ endpoint: "messaging", mode: "latency", ms: 1_000, times: 2 });
        const noticed = Promise.all(reconnecting.map((notice) => notice.waitFor()));
        await double.dropClients(primary);
        await noticed;
        await Promise.all(reconnecting.map((notice) => notice.waitFor({ state: "detached" })));
        await shown(host, "Bo").waitFor();
        await shown(guest, "Ada").waitFor();
        const running = (await double.state()).archives.filter((a) => a.status === "started");
        assert.equal(running.length, 1);
      });

      await t.step("a restart takes everybody to the secondary session and back", async () => {
        const { secondary } = await sessionIds();
        await enabled(host, "Restart archive").click();
        await host.getByText("2 seams").waitFor();
        await enabled(host, "Restart archive").waitFor();
        await until(
          "everybody's leaving of the secondary session",
          async () => (await inSecondary(double, secondary)).left === 2,
        );
        assert.equal((await inSecondary(double, secondary)).published, 2);
        const { sessions, archives } = await double.state();
        assert.deepEqual(sessions.find(({ id }) => id === secondary)?.connections, []);
        assert.deepEqual(
          archives.map(({ sessionId, status }) => [sessionId === secondary, status === "started"])
            .sort(),
          [[false, false], [false, true], [true, false]],
        );
        await recording(guest).waitFor();
      });

      await t.step("a stop is seen by both", async () => {
        await button(host, "Stop archive").click();
        await recording(host).waitFor({ state: "detached" });
        await recording(guest).waitFor({ state: "detached" });
        // Two on the primary session, one on the secondary.
        await untilTold({ started: 3, stopped: 3 });
      });

      await t.step("the history lists its archives, and their files can be had", async () => {
        const page = await host.context().newPage();
        await page.goto(`${app.origin}/history`);
        const files = page.getByRole("row").getByRole("link", { name: "Hearing" });
        await until("the files of three archives", async () => {
          await page.reload();
          return await files.count() === 3;
        });
        assert.equal(await button(page, "Delete").count(), 3);
        const file = await page.request.get(
          `${app.origin}${await files.first().getAttribute("href")}`,
        );
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
        assert.deepEqual(await heard(page, "key"), { apiKey: double.apiKey });
        const sessions = await heard(page, "sessions");
        assert.deepEqual(sessions, await sessionIds());
        assert.deepEqual(Object.keys(await heard(page, "tokens")), ["primary", "secondary"]);

        await page.getByLabel("Archive name").fill("Talk");
        await button(page, "Start Archive").click();
        const first = await heard(page, "started");
        assert.deepEqual([first.name, first.status, first.sessionId], [
          "Talk",
          "started",
          sessions.primary,
        ]);
        await button(page, "Restart Archive").click();
        const next = await heard(page, "restarted");
        assert.deepEqual([next.status, next.sessionId], ["started", sessions.primary]);
        assert.notEqual(next.id, first.id);
        await button(page, "Stop Archive").click();
        assert.equal((await heard(page, "stopped")).id, next.id);

        await until("the files of three archives", async () => {
          const { archives } = await double.state();
          return archives.filter(({ name, url }) => name === "Talk" && url !== null).length === 3;
        });
        await button(page, "Get Archive").click();
        assert.equal(await heard(page, "played"), 3);
        const archives: { sessionId: string }[] = await heard(page, "archives");
        const { primary, secondary } = sessions;
        assert.deepEqual(archives.map((a) => a.sessionId), [primary, secondary, primary]);
        assert.deepEqual(await heard(page, "offsets"), { primary: 0.5, secondary: 0.25 });
        assert.deepEqual(await heard(page, "own offsets"), { primary: 0.5, secondary: 0.25 });
        assert.ok((await heard(page, "playing")).from >= 0.5);
        await page.close();
      });

      await t.step("whoever leaves and joins again is there once", async () => {
        await button(guest, "Leave").click();
        await people(host).nth(1).waitFor({ state: "detached" });
        await button(guest, "Join again").click();
        await shown(host, "Bo").waitFor();
        await shown(guest, "Ada").waitFor();
        assert.deepEqual([await people(host).count(), await people(guest).count()], [2, 2]);
      });
      assert.deepEqual(refused, []);
    } finally {
      await browser.close();
      await app.stop();
      await Deno.remove(app.dataDir, { recursive: true });
    }
  },
});
