/** The server is killed at every step of a handover: a call's recording must lose nothing. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type { Step } from "../../lib/recording/views.ts";
import { type App, startApp } from "../support/app.ts";
import { cameraFile, microphoneFile } from "../support/camera.ts";
import { launchChromium } from "../support/chromium.ts";
import { join, letRun, openHost, openParticipant, startRecording } from "../support/people.ts";
import { assertRecorded } from "./recorded.ts";
import { askRoom, toldBy } from "./room_events.ts";

/** Every step of a handover over two sessions. */
const STEPS: readonly Step[] = [
  "joining",
  "starting-interim",
  "overlapping-interim",
  "stopping-previous",
  "starting-next",
  "overlapping-next",
  "stopping-interim",
  "leaving",
];

/** Has the room hand over until one of these steps is reached, and kills the server in it. */
async function killAt(app: App, host: Page, steps: ReadonlySet<Step>): Promise<Step> {
  let reached: Step | null = null;
  await toldBy(app.origin, ({ procedure }) => {
    if (!procedure) void askRoom(host, "restart");
    else if (steps.has(procedure.step)) reached = procedure.step;
    return reached !== null;
  });
  await app.stop("SIGKILL");
  assert.ok(reached);
  return reached;
}

Deno.test({
  name: "a server that is killed at every step of a handover loses nothing of the call",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const app = await startApp();
    const browser = await launchChromium({
      camera: await cameraFile("magenta"),
      microphone: await microphoneFile("low"),
    });
    try {
      const host = await openHost(browser, app);
      await join(host, "Judge Ada");
      const guest = await openParticipant(browser, app);
      await join(guest, "Witness Bo");
      // Both have the same video and voice, and two of one voice cancel each other.
      await guest.getByRole("button", { name: "Turn camera off" }).click();
      await guest.getByRole("button", { name: "Mute microphone" }).click();
      await host.getByText("Witness Bo").first().waitFor();
      const chainId = await startRecording(host, app, "Hearing 13");
      await letRun(2);

      const left = new Set(STEPS);
      while (left.size > 0) {
        const startedMs = Date.now();
        const step = await killAt(app, host, left);
        left.delete(step);
        const killedMs = Date.now();
        await app.restart();
        console.log(
          `killed at ${step} after ${killedMs - startedMs} ms, back after ${
            Date.now() - killedMs
          } ms`,
        );
      }
      const rested = await toldBy(app.origin, (view) => view.procedure === null);
      assert.equal(rested.chain?.id, chainId);
      assert.equal(rested.secondaryWanted, false);
      // Both clients are back in the call, and alone there.
      await host.getByText("Witness Bo").first().waitFor();
      assert.equal((await toldBy(app.origin, (view) => view.streams === 2)).streams, 2);
      await letRun(2);
      assert.equal(await askRoom(host, "stop"), 200);

      const film = await assertRecorded({ browser, page: host, app }, chainId);
      const listed = await host.evaluate(() =>
        fetch("/api/archives?limit=50").then((r) => r.json())
      );
      assert.deepEqual(
        listed.items.map(({ id }: { id: string }) => id).sort(),
        film.parts.map(({ archiveId }) => archiveId).sort(),
        "the platform has exactly the archives of the chain",
      );
    } finally {
      await browser.close();
      await app.stop();
      await Deno.remove(app.dataDir, { recursive: true });
    }
  },
});
