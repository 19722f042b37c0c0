/**
 * `deno task bench`: how seams look and sound compared with the sample's way, how a call recorded just
 * now plays, how soon the first frame is shown, and what each page makes a browser load.
 * `--against DIR` compares only the CPU time of a recorded call with the checkout in DIR; `--busy N` runs
 * N busy loops meanwhile.
 */
import { parseArgs } from "node:util";
import { startApp } from "../support/app.ts";
import { cameraFile, microphoneFile } from "../support/camera.ts";
import { launchChromium } from "../support/chromium.ts";
import { compareCallCost } from "./call_cost.ts";
import { benchLive } from "./live.ts";
import { scriptsByPage } from "./pages.ts";
import { benchSeams } from "./seams.ts";

const { values } = parseArgs({
  options: { against: { type: "string" }, busy: { type: "string", default: "0" } },
});
const busyLoops = Number(values.busy);
if (!(Number.isInteger(busyLoops) && busyLoops >= 0 && busyLoops <= 16)) {
  console.error(`Cannot run "${values.busy}" busy loops: give 0 to 16`);
  Deno.exit(2);
}
if (values.against) await compareCallCost(await Deno.realPath(values.against), busyLoops);
else await benchPlayback();

async function benchPlayback(): Promise<void> {
  await benchSeams();
  const app = await startApp();
  const browser = await launchChromium({
    camera: await cameraFile("magenta"),
    microphone: await microphoneFile("low"),
  });
  const guests = await launchChromium({
    camera: await cameraFile("green"),
    microphone: await microphoneFile("high"),
  });
  try {
    const filmPaths = await benchLive(browser, guests, app).then((path) => [path], (error) => {
      console.log("\nA call recorded just now could not be measured:", error);
      return [];
    });
    console.log("\nJavaScript by page, minified, not compressed:");
    console.table(await scriptsByPage(guests, app, filmPaths));
  } finally {
    await guests.close();
    await browser.close();
    await app.stop();
    await Deno.remove(app.dataDir, { recursive: true });
  }
}
