/**
 * What a person sees when the platform never answers: a message and `Retry`, which does the same again.
 * The platform's own SDK, which would wait for ever, against a double that hangs.
 */
import assert from "node:assert/strict";
import type { Browser, Locator, Page } from "playwright-core";
import { type App, startApp } from "../support/app.ts";
import { launchChromium } from "../support/chromium.ts";
import { OPENTOK_DOUBLE, OpenTokDouble } from "../support/opentok_double.ts";
import { join, openHost } from "../support/people.ts";

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const alert = (page: Page, text: string) => page.getByRole("alert").filter({ hasText: text });
const shown = (page: Page, name: string) => tile(page, name).locator("[data-shown=true]");
const tile = (page: Page, name: string) =>
  page.getByRole("list", { name: "People in the call" }).locator("li").filter({ hasText: name });

/** A page whose clock the test may set forward: nobody waits for a deadline. */
async function openGuest(browser: Browser, app: App): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.clock.install();
  await page.goto(`${app.origin}/`);
  return page;
}

/** Joins as somebody whose page may not get in at the first go. */
async function tryToJoin(page: Page, name: string): Promise<void> {
  await page.getByRole("textbox", { name: "Your name" }).fill(name);
  await button(page, "Join").click();
}

/** Sets a page's clock forward, bit by bit, until it shows what is awaited. */
async function passTime(page: Page, awaited: Locator): Promise<void> {
  for (let tries = 0; !await awaited.isVisible(); tries++) {
    assert.ok(tries < 60, `Waited in vain for ${awaited}`);
    await page.clock.fastForward(1_000);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

Deno.test({
  name: "what the platform leaves unanswered is said, and done again by Retry",
  ignore: !OPENTOK_DOUBLE,
  fn: async (t) => {
    await using double = await OpenTokDouble.start();
    await double.configure({ archiveDelayMs: 100 });
    const app = await startApp({
      ...double.env,
      ACCESS: "open",
      SESSION_JOIN_DELAY: "60",
      SESSION_STOP_DELAY_PRIMARY: "0",
      SESSION_STOP_DELAY_SECONDARY: "0",
    });
    const browser = await launchChromium({ args: [...double.chromiumFlags] });
    const hang = (endpoint: string) => double.fault({ endpoint, mode: "hang", times: 20 });
    try {
      const host = await openHost(browser, app);
      await join(host, "Ada");

      const guest = await openGuest(browser, app);

      await t.step("the program of the call", async () => {
        const chunks = `${app.origin}/**/*.js`;
        await guest.route(chunks, (route) => route.abort());
        await tryToJoin(guest, "Bo");
        await alert(guest, "The program of the call could not be loaded").waitFor();
        await guest.unroute(chunks);
      });

      await t.step("joining", async () => {
        await hang("messaging");
        await button(guest, "Retry").click();
        await passTime(guest, alert(guest, "Joining the call took longer than"));
        await double.heal();
      });

      await t.step("sending sound and picture", async () => {
        await hang("rumor.stream.create");
        await button(guest, "Retry").click();
        // The SDK gives up by itself, just before we do.
        await passTime(guest, alert(guest, "The video platform took too long to answer"));
        await double.heal();
        await button(guest, "Retry").click();
        await button(guest, "Leave").waitFor();
        await shown(host, "Bo").waitFor();
      });

      await t.step("receiving somebody", async () => {
        await button(guest, "Leave").click();
        await shown(host, "Bo").waitFor({ state: "detached" });
        await hang("rumor.stream.subscriber.create");
        await button(guest, "Join again").click();
        await passTime(guest, tile(guest, "Ada").getByText('Showing "Ada" took longer than'));
        await double.heal();
        await tile(guest, "Ada").getByRole("button", { name: "Retry" }).click();
        await shown(guest, "Ada").waitFor();
        assert.equal(await tile(guest, "Ada").getByRole("button", { name: "Retry" }).count(), 0);
      });

      await t.step("the second session, while the recording changes over", async () => {
        await host.getByRole("textbox", { name: "Archive name" }).fill("Hearing");
        await button(host, "Start archive").click();
        const restart = button(host, "Restart archive").and(host.locator(":enabled"));
        await restart.waitFor();
        await hang("messaging");
        await restart.click();
        const missing = alert(guest, "The recording changes over");
        await passTime(guest, missing);
        await double.heal();
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
