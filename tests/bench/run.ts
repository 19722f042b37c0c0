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
