/** `deno task bench`: what each page of the build makes a browser load, and what a call adds to it. */
import type { Page, Response } from "playwright-core";
import { startApp } from "../support/app.ts";
import { launchChromium } from "../support/chromium.ts";
import { join, letRun, openHost } from "../support/people.ts";

/** Counts the scripts (workers too) that a page loads while `act` runs. */
async function scriptsDuring(page: Page, act: () => Promise<unknown>) {
  const scripts: Promise<number>[] = [];
  const note = (response: Response) => {
    const isScript = response.headers()["content-type"]?.includes("javascript") ?? false;
    if (isScript) scripts.push(response.body().then((body) => body.length, () => 0));
  };
  page.context().on("response", note);
  await act();
  // Chunks and workers are asked for after the page has come to life.
  await letRun(2);
  page.context().off("response", note);
  const sizes = await Promise.all(scripts);
  return { files: sizes.length, kilobytes: Math.round(sizes.reduce((a, b) => a + b, 0) / 1000) };
}

const app = await startApp();
const browser = await launchChromium();
try {
  const host = await openHost(browser, app);
  const rows: Record<string, { files: number; kilobytes: number }> = {};
  for (const path of ["/", "/host", "/rooms", "/history", "/player", "/links", "/api/docs"]) {
    rows[path] = await scriptsDuring(host, () => host.goto(app.origin + path));
  }
  await host.goto(`${app.origin}/host`);
  rows["/host, joining (stand-in platform)"] = await scriptsDuring(host, () => join(host, "Ada"));
  console.log("JavaScript by page, minified, not compressed:");
  console.table(rows);
} finally {
  await browser.close();
  await app.stop();
  await Deno.remove(app.dataDir, { recursive: true });
}
