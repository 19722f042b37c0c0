/**
 * What a participant sees when the platform does not answer: a message and `Retry`, which does the same
 * again. The SDK itself would wait for ever.
 */
import assert from "node:assert/strict";
import type { Locator, Page } from "playwright-core";
import { startApp } from "../support/app.ts";
import { launchChromium } from "../support/chromium.ts";
import { FaultProxy } from "../support/fault_proxy.ts";
import { join, openHost } from "../support/people.ts";

const MESSAGING = /SOCKET .*messaging/;

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const enabled = (page: Page, name: string) => button(page, name).and(page.locator(":enabled"));
const alert = (page: Page, text: string) => page.getByRole("alert").filter({ hasText: text });
const tile = (page: Page, name: string) =>
  page.getByRole("list", { name: "People in the call" }).locator("li").filter({ hasText: name });
const shown = (page: Page, name: string) => tile(page, name).locator("[data-shown=true]");

/** Sets a page's clock forward, bit by bit, until it shows what is expected: no test waits for a deadline. */
async function passTime(page: Page, expected: Locator): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!await expected.isVisible()) {
    assert.ok(Date.now() < deadline, `Waited in vain for ${expected}`);
    await page.clock.fastForward(1_000);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

Deno.test({
  name: "what the platform leaves unanswered is reported, and done again by Retry",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async (t) => {
    const app = await startApp({
      SESSION_JOIN_DELAY: "60",
      SESSION_STOP_DELAY_PRIMARY: "0",
      SESSION_STOP_DELAY_SECONDARY: "0",
    });
    const browser = await launchChromium({ fps: 5 });
    // The host's page is not behind it.
    await using proxy = await FaultProxy.start(() => app.origin);
    const hang = (match: RegExp) => proxy.fault({ match, mode: "hang", times: 100 });
    try {
      const host = await openHost(browser, app);
      await join(host, "Ada");
      const guest = await (await browser.newContext()).newPage();
      await guest.clock.install();
      await guest.goto(`${proxy.origin}/`);

      await t.step("the program of the call", async () => {
        const chunks = `${proxy.origin}/**/*.js`;
        await guest.route(chunks, (route) => route.abort());
        await guest.getByRole("textbox", { name: "Your name" }).fill("Bo");
        await button(guest, "Join").click();
        await alert(guest, "The program of the call could not be loaded").waitFor();
        await guest.unroute(chunks);
        await button(guest, "Retry").click();
        await alert(guest, "The program of the call").waitFor({ state: "detached" });
      });

      await t.step("joining", async () => {
        hang(MESSAGING);
        await enabled(guest, "Join").click();
        await passTime(guest, alert(guest, "Joining the call took longer than"));
        proxy.heal();
      });

      await t.step("sending audio and video", async () => {
        hang(/^create stream$/);
        await button(guest, "Retry").click();
        // The SDK gives up by itself, just before we do.
        await passTime(guest, alert(guest, "The video platform took too long to answer"));
        proxy.heal();
        await button(guest, "Retry").click();
        await button(guest, "Leave").waitFor();
        await shown(host, "Bo").waitFor();
      });

      await t.step("receiving a participant", async () => {
        await button(guest, "Leave").click();
        await shown(host, "Bo").waitFor({ state: "detached" });
        hang(/^create stream\/subscriber$/);
        await button(guest, "Join again").click();
        await passTime(guest, tile(guest, "Ada").getByText('Showing "Ada" took longer than'));
        proxy.heal();
        await tile(guest, "Ada").getByRole("button", { name: "Retry" }).click();
        await shown(guest, "Ada").waitFor();
        assert.equal(await tile(guest, "Ada").getByRole("button", { name: "Retry" }).count(), 0);
      });

      await t.step("the secondary session, during a handover", async () => {
        await host.getByRole("textbox", { name: "Archive name" }).fill("Hearing");
        await button(host, "Start archive").click();
        await enabled(host, "Restart archive").waitFor();
        hang(MESSAGING);
        await button(host, "Restart archive").click();
        const missing = alert(guest, "The recording changes over");
        await passTime(guest, missing);
        proxy.heal();
        await missing.getByRole("button", { name: "Retry" }).click();
        await missing.waitFor({ state: "detached" });
        await host.getByText("2 seams").waitFor({ timeout: 60_000 });
      });
    } finally {
      await browser.close();
      await app.stop();
      await Deno.remove(app.dataDir, { recursive: true });
    }
  },
});
