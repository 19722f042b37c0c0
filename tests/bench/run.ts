/**
 * `deno task bench`: how seams look and sound beside the sample's way, how a call recorded just now
 * plays, how soon the first picture comes, and what each page makes a browser load.
 */
import { startApp } from "../support/app.ts";
import { cameraFile, microphoneFile } from "../support/camera.ts";
import { launchChromium } from "../support/chromium.ts";
import { benchLive } from "./live.ts";
import { scriptsByPage } from "./pages.ts";
import { benchSeams } from "./seams.ts";

await benchSeams();
const app = await startApp();
const browser = await launchChromium({
  camera: await cameraFile("magenta"),
  microphone: await microphoneFile("low"),
});
try {
  const filmPath = await benchLive(browser, app);
  console.log("\nJavaScript by page, minified, not compressed:");
  console.table(await scriptsByPage(browser, app, [filmPath]));
} finally {
  await browser.close();
  await app.stop();
  await Deno.remove(app.dataDir, { recursive: true });
}
