/** What each page of the build makes a browser load, and what a call adds to it. */
import type { Browser, Page, Response } from "playwright-core";
import type { App } from "../support/app.ts";
import { join, letRun, openHost } from "../support/people.ts";

interface Scripts {
  files: number;
  kilobytes: number;
}

/** Counts the scripts (workers too) that a page loads while `act` runs. */
async function scriptsDuring(page: Page, act: () => Promise<unknown>): Promise<Scripts> {
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

/** Visits every page; `others` are pages that only this server has. */
export async function scriptsByPage(
  browser: Browser,
  app: App,
  others: string[],
): Promise<Record<string, Scripts>> {
  const host = await openHost(browser, app);
  const rows: Record<string, Scripts> = {};
  const paths = ["/", "/host", "/rooms", "/history", "/player", "/links", "/api/docs", ...others];
  for (const path of paths) {
    rows[path] = await scriptsDuring(host, () => host.goto(app.origin + path));
  }
  await host.goto(`${app.origin}/host`);
  rows["/host, joining"] = await scriptsDuring(host, () => join(host, "Ada"));
  await host.context().close();
  return rows;
}
