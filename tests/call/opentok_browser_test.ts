/** The call with the platform's own browser SDK, against whatever stands for the platform. */
import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { type App, startApp } from "../support/app.ts";
import { launchChromium } from "../support/chromium.ts";
import { OPENTOK_DOUBLE, OpenTokDouble } from "../support/opentok_double.ts";
import { join, openHost } from "../support/people.ts";

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const people = (page: Page) => page.getByRole("list", { name: "People in the call" }).locator("li");
const recording = (page: Page) => page.getByRole("status").filter({ hasText: "Recording" });

async function openGuest(browser: Browser, app: App): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${app.origin}/`);
  return page;
}

Deno.test({
  name:
    "a call through the platform's own SDK joins, hands over, and survives a silent first answer",
  ignore: !OPENTOK_DOUBLE,
  fn: async () => {
    await using double = await OpenTokDouble.start();
    const app = await startApp({
      API_KEY: double.apiKey,
      API_SECRET: double.apiSecret,
      OPENTOK_API_URL: double.httpOrigin,
      ACCESS: "open",
      SESSION_STOP_DELAY_PRIMARY: "2",
      SESSION_STOP_DELAY_SECONDARY: "2",
    });
    const browser = await launchChromium({ args: [...double.chromiumFlags] });
    try {
      const host = await openHost(browser, app);
      const refused: string[] = [];
      host.on("console", (message) => {
        if (message.text().includes("Content Security Policy")) refused.push(message.text());
      });
      await join(host, "Ada");

      // The SDK would wait for ever; the call breaks it off and connects anew.
      await double.fault({ endpoint: "messaging", mode: "hang", times: 1 });
      const guest = await openGuest(browser, app);
      await join(guest, "Bo");
      await people(host).filter({ hasText: "Bo" }).locator("[data-shown=true]").waitFor();
      await people(guest).filter({ hasText: "Ada" }).locator("[data-shown=true]").waitFor();

      await host.getByRole("textbox", { name: "Archive name" }).fill("Hearing");
      await button(host, "Start archive").click();
      await recording(guest).waitFor();
      await button(host, "Restart archive").click();
      await host.getByText("2 seams").waitFor();
      const secondary = (await double.state()).sessions.find((session) =>
        session.connections.length === 0
      );
      assert.ok(secondary, "everybody left the secondary session");
      await recording(guest).waitFor();
      await button(host, "Restart archive").and(host.locator(":enabled")).waitFor();
      await button(host, "Stop archive").click();
      await recording(guest).waitFor({ state: "detached" });

      await button(guest, "Leave").click();
      await people(host).nth(1).waitFor({ state: "detached" });
      assert.deepEqual(refused, []);
    } finally {
      await browser.close();
      await app.stop();
      await Deno.remove(app.dataDir, { recursive: true });
    }
  },
});
