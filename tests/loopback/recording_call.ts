/** Two people in a call without the app, one of whose pages records. */
import type { Browser, Page } from "playwright-core";
import type { ArchiveOptions } from "../../lib/recording/model.ts";
import { decodeFiles } from "../support/decode.ts";
import type { MediaReport } from "../support/in_page.ts";
import { type CallSite, capture, launchCaller, openCallSite } from "./browser_support.ts";

/** Sound and picture of everybody in one file. */
export const both: ArchiveOptions = { hasAudio: true, hasVideo: true, outputMode: "composed" };

/** A call that runs; its pages and browsers end with it. */
export interface Call extends AsyncDisposable {
  site: CallSite;
  browser: Browser;
  /** The page that records. */
  ada: Page;
  bob: Page;
  primary: string;
  secondary: string;
  reports(paths: string[]): Promise<MediaReport[]>;
}

/** Ada (magenta, low) and, unless she is alone, Bob (green, high), on primary. */
export async function openCall(
  { alone = false, hideable = false }: { alone?: boolean; hideable?: boolean },
): Promise<Call> {
  const site = await openCallSite();
  const primary = await site.platform.createSession();
  const secondary = await site.platform.createSession();
  const browser = await launchCaller("magenta", "low", { hideable });
  const other = alone ? browser : await launchCaller("green", "high");
  const enter = async (from: Browser, name: string) => {
    const page = await site.open(from);
    await page.evaluate((constraints) => call.open(constraints), capture);
    const data = crypto.randomUUID();
    for (const [lane, session] of [["primary", primary], ["secondary", secondary]] as const) {
      await page.evaluate(
        ([lane, session, token]) => call.connect(lane, session, token),
        [lane, session, site.token(session, data)] as const,
      );
    }
    await page.evaluate(() => call.subscribeAll("primary"));
    await page.evaluate((name) => call.publish("primary", name), name);
    return page;
  };
  const ada = await enter(browser, "Ada");
  const bob = alone ? ada : await enter(other, "Bob");
  if (!alone) {
    await ada.evaluate(() => call.heard("primary subscribed Bob ok"));
    await bob.evaluate(() => call.heard("primary subscribed Ada ok"));
  }
  return {
    site,
    browser,
    ada,
    bob,
    primary,
    secondary,
    async reports(paths) {
      if (!alone) await other.close();
      await ada.close();
      return await decodeFiles(browser, paths, {
        colours: ["magenta", "green"],
        bands: ["low", "high"],
      });
    },
    async [Symbol.asyncDispose]() {
      await browser.close();
      if (!alone) await other.close();
      await site[Symbol.asyncDispose]();
    },
  };
}
