/** Two server processes on the same data: what one began the other finishes, however the first ends. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { type App, startApp } from "../support/app.ts";
import { cameraFile, microphoneFile } from "../support/camera.ts";
import { launchChromium } from "../support/chromium.ts";
import { join, letRun, openHost, openParticipant } from "../support/people.ts";
import { assertRecorded } from "./recorded.ts";
import { askRoom, toldBy } from "./room_events.ts";

/** Asks one process for a handover, and resolves when another tells that it overlaps. */
async function inMidHandover(asking: Page, told: App): Promise<void> {
  void askRoom(asking, "restart");
  await toldBy(told.origin, ({ procedure }) => procedure?.step === "overlapping-interim");
}

Deno.test({
  name:
    "two processes share a call: when one is killed or interrupted the other finishes its handover",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const a = await startApp();
    const b = await a.startBeside();
    const browser = await launchChromium({
      camera: await cameraFile("magenta"),
      microphone: await microphoneFile("low"),
    });
    try {
      // The first to come is the one whose page records.
      const witness = await openParticipant(browser, b);
      await join(witness, "Witness Bo");
      const host = await openHost(browser, a);
      await join(host, "Judge Ada");
      // Both have the same video and voice, and two of one voice cancel each other.
      await host.getByRole("button", { name: "Turn camera off" }).click();
      await host.getByRole("button", { name: "Mute microphone" }).click();
      await host.getByText("Witness Bo").first().waitFor();
      await witness.getByText("Judge Ada").first().waitFor();
      await host.getByRole("textbox", { name: "Archive name" }).fill("Hearing 14");
      await host.getByRole("button", { name: "Start archive", exact: true }).click();
      const { chain } = await toldBy(b.origin, (view) => view.chain?.state === "recording");
      assert.ok(chain, "the other process tells what was started");
      await letRun(2);

      await inMidHandover(host, b);
      await a.stop("SIGKILL");
      const finished = await toldBy(b.origin, (view) => view.procedure === null);
      assert.deepEqual([finished.parts.length, finished.chain?.gaps], [3, []]);
      console.log("killed: the other process finished the handover");

      await a.restart();
      await toldBy(a.origin, (view) => view.streams === 2);
      await inMidHandover(witness, a);
      const interruptedMs = Date.now();
      const ended = await b.stop("SIGINT");
      const closingMs = Date.now() - interruptedMs;
      console.log(`interrupted: ended with code ${ended.code} after ${closingMs} ms`);
      assert.equal(ended.code, 0);
      assert.ok(closingMs < 5_000, `it took ${closingMs} ms to end`);
      await b.restart();
      const awayMs = Date.now() - interruptedMs;
      const again = await toldBy(a.origin, (view) => view.procedure === null);
      assert.deepEqual([again.parts.length, again.chain?.gaps], [5, []]);
      await toldBy(a.origin, (view) => view.streams === 2);
      await letRun(2);
      assert.equal(await askRoom(host, "stop"), 200);

      // A page whose server is away records on until it hears of the stop. Where that is longer than the
      // interim archive, the film leaves the archive out.
      await assertRecorded({ browser, page: host, app: a }, chain.id, {
        sharedSeconds: awayMs / 1000 + 3,
      });
    } finally {
      await browser.close();
      await Promise.all([a.stop(), b.stop()]);
      await Deno.remove(a.dataDir, { recursive: true });
    }
  },
});
