/**
 * How little is missing when the page that records goes: limits in real time, which another test's load
 * would break.
 */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type { ArchiveOptions } from "../../lib/recording/model.ts";
import { eventually, joinCall, openCallSite, until } from "../call/call_site.ts";
import { launchChromium } from "../support/chromium.ts";
import { decodeFiles } from "../support/decode.ts";
import { letRun } from "../support/people.ts";
import { factsOf, timesShown } from "./recorded_file.ts";

const composed: ArchiveOptions = { hasAudio: true, hasVideo: true, outputMode: "composed" };
/** A longer time between two frames of a file is a pause, ms: there are ten frames a second or more. */
const PAUSE_MS = 500;
/** Frames of a camera that show that it is in a file, however busy the machine is. */
const FEW = 3;

Deno.test({
  name: "another page records on when the recording one leaves, closes its tab or dies",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using site = await openCallSite();
    await using browser = await launchChromium();

    const eve = await site.open(browser, {
      name: "Eve",
      camera: { colour: "green" },
      records: false,
    });
    await joinCall(eve);
    const recorders = await Promise.all(
      ["Ada", "Bo", "Cy", "Dee"].map((name) => site.open(browser, { name, sends: false })),
    );
    // One after the other: in this order they record.
    for (const page of recorders) await joinCall(page);
    for (const page of recorders) {
      await until(page, ({ participants: [eve] }) => eve?.hasElement === true);
      await page.evaluate(() => callPage.moving("Eve"));
    }
    const [ada, bo, cy, dee] = recorders;
    assert.ok(ada && bo && cy && dee);
    const archive = await site.startArchive(site.primary, { name: "One", ...composed });
    const segments = async () => (await site.records.archive(archive.id))?.segments ?? [];
    const endings = [
      { how: "leaves", atMs: 0, limitMs: 1_000, end: () => ada.evaluate(() => callPage.leave()) },
      {
        how: "closes its tab",
        atMs: 0,
        limitMs: 1_000,
        end: () => bo.close({ runBeforeUnload: true }),
      },
      { how: "dies", atMs: 0, limitMs: 5_000, end: () => crash(cy) },
    ];
    for (const [i, ending] of endings.entries()) {
      await letRun(1);
      ending.atMs = Date.now();
      await ending.end();
      await eventually(segments, ({ length }) => length === i + 2);
    }
    await dee.evaluate(() => callPage.moving("Eve", 10));
    await letRun(1);
    await site.platform.stopArchive(archive.id);
    const path = await site.download(archive);
    const ids = new Set((await segments()).map(({ recorderId }) => recorderId));
    await Promise.all([eve.close(), dee.close()]);
    const [report] = await decodeFiles(browser, [path], { colours: ["green"], bands: [] });
    const facts = await factsOf(site, archive);
    assert.ok(report);
    assert.equal(ids.size, 4, "every page recorded once");

    for (const [i, { how, atMs, limitMs }] of endings.entries()) {
      await t.step(`it ${how}: at most ${limitMs / 1000} s are missing`, () => {
        const untilMs = endings[i + 1]?.atMs ?? Infinity;
        const missingMs = facts.gaps.filter(({ toMs }) => atMs < toMs && toMs < untilMs)
          .reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
        console.log(`${missingMs.toFixed(0)} ms are missing`);
        assert.ok(missingMs <= limitMs, `${missingMs} ms are missing`);
      });
    }
    await t.step("the file is one, and its facts name every pause in it", () => {
      const times = report.frames.map(({ seconds }) => facts.epochMs + seconds * 1000);
      const pauses = times.slice(1).flatMap((toMs, i) => {
        const fromMs = times[i] ?? toMs;
        return toMs - fromMs > PAUSE_MS ? [{ fromMs, toMs }] : [];
      });
      const named = (pause: { fromMs: number; toMs: number }) =>
        facts.gaps.some(({ fromMs, toMs }) =>
          fromMs < pause.fromMs + PAUSE_MS && pause.toMs < toMs + PAUSE_MS
        );
      assert.deepEqual(pauses.filter((pause) => !named(pause)), [], "pauses without a gap");
      assert.ok(timesShown(report, facts, "green").length > FEW);
    });
  },
});

/** Ends a page's renderer process without warning. */
async function crash(page: Page): Promise<void> {
  const cdp = await page.context().newCDPSession(page);
  await Promise.race([
    cdp.send("Page.crash").catch(() => {}),
    new Promise((resolve) => page.once("crash", resolve)),
  ]);
}
