/** The export in the built app, of a call that was recorded over a handover. */
import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { cameraFile, microphoneFile } from "../support/camera.ts";
import { launchChromium } from "../support/chromium.ts";
import { decodeFiles, unwrapNumbers } from "../support/decode.ts";
import {
  downloadParts,
  handOver,
  join,
  letRun,
  openHost,
  startRecording,
  stopRecording,
  untilFilmReady,
} from "../support/people.ts";

Deno.test("a recorded call is downloaded as one file that holds every picture of its parts once", async () => {
  const app = await startApp();
  const browser = await launchChromium({
    camera: await cameraFile("magenta"),
    microphone: await microphoneFile("low"),
  });
  try {
    const page = await openHost(browser, app);
    const problems: string[] = [];
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    await join(page, "Judge Ada");
    await letRun(2);
    const chainId = await startRecording(page, app, "Hearing 12");
    await letRun(4);
    await handOver(page, app, 3);
    await letRun(3);
    await stopRecording(page, app);
    const film = await untilFilmReady(page, app, chainId);
    await page.getByRole("button", { name: "Leave" }).click();

    await page.goto(`${app.origin}/player/${chainId}`);
    // Without a dialog, which no test can press, the file is a download.
    await page.evaluate(() => Object.assign(globalThis, { showSaveFilePicker: undefined }));
    await page.getByRole("button", { name: "Export film" }).click();
    const button = page.getByRole("button", { name: "Save film" });
    await button.waitFor().catch(async (error) => {
      throw new Error(await page.getByRole("main").innerText(), { cause: error });
    });
    const shots = Deno.env.get("SHOTS");
    for (const [width, colorScheme] of shots ? [[1280, "light"], [390, "dark"]] as const : []) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      await button.scrollIntoViewIfNeeded();
      await page.screenshot({ path: `${shots}/export-${width}-${colorScheme}.png` });
    }
    const downloading = page.waitForEvent("download");
    await button.click();
    const download = await downloading;
    assert.equal(download.suggestedFilename(), "Hearing 12.webm");
    const path = `${app.dataDir}/exported.webm`;
    await download.saveAs(path);
    if (shots) await Deno.copyFile(path, `${shots}/exported.webm`);
    assert.deepEqual(problems, []);

    const parts = await downloadParts(page, app, film);
    const [whole, ...pieces] = await decodeFiles(browser, [path, ...parts], {
      colours: ["magenta"],
      bands: ["low"],
    });
    assert.ok(whole);
    const wholeNumbers = unwrapNumbers(whole.frames, "magenta");
    const [first = 0] = wholeNumbers;
    const recorded = new Set(
      pieces.flatMap((piece) => {
        const numbers = unwrapNumbers(piece.frames, "magenta");
        // A part that begins after the camera's loop has come round.
        const lapped = (numbers[0] ?? 0) < first ? 60 * 20 : 0;
        return numbers.map((number) => number + lapped);
      }),
    );
    console.log({
      pictures: wholeNumbers.length,
      filmSeconds: film.durationSeconds,
      durationSeconds: whole.durationSeconds,
      sound: whole.tones.low,
    });
    assert.deepEqual(wholeNumbers, [...new Set(wholeNumbers)].toSorted((a, b) => a - b));
    assert.deepEqual(wholeNumbers, [...recorded].toSorted((a, b) => a - b));
    assert.ok(
      Math.abs(whole.durationSeconds - film.durationSeconds) < 0.06,
      `${whole.durationSeconds} s of ${film.durationSeconds} s`,
    );
  } finally {
    await browser.close();
    await app.stop();
    await Deno.remove(app.dataDir, { recursive: true });
  }
});
