/** The camera and microphone files that Chromium is fed: numbered pictures, time-coded sound. */
import { existsSync } from "node:fs";
import { launchChromium } from "./chromium.ts";
import type { Colour } from "./frame_code.ts";
import { addPageTools } from "./page_tools.ts";
import { type Band, encodeWav, makeTones } from "./tone_code.ts";

/** Chromium plays an MJPEG camera file at 30 pictures a second, in a loop. */
export const CAMERA_FPS = 30;
/** Length of both loops: a multiple of the sound's 80 ms. */
export const LOOP_SECONDS = 120;
/** Pictures in the camera's loop; numbers count from 0. */
export const LOOP_FRAMES = LOOP_SECONDS * CAMERA_FPS;

const CACHE = new URL("../../.cache/media/", import.meta.url).pathname;

/** Path of a 640x480 MJPEG file of {@link LOOP_FRAMES} numbered pictures; made once, then kept. */
export async function cameraFile(colour: Colour): Promise<string> {
  const path = `${CACHE}camera-${colour}.mjpeg`;
  if (existsSync(path)) return path;
  await Deno.mkdir(CACHE, { recursive: true });
  const browser = await launchChromium();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  try {
    const page = await browser.newPage();
    await addPageTools(page);
    for (let from = 0; from < LOOP_FRAMES; from += 300) {
      const pictures = await page.evaluate(
        ([from, to, colour]) => gaplessTest.cameraPictures(from, to, 640, 480, colour),
        [from, from + 300, colour] as const,
      );
      parts.push(...pictures.map((picture) => Uint8Array.fromBase64(picture)));
    }
  } finally {
    await browser.close();
  }
  await keep(path, new Blob(parts).stream());
  return path;
}

/** Path of a WAV file of {@link LOOP_SECONDS} of time-coded sound; made once, then kept. */
export async function microphoneFile(band: Band): Promise<string> {
  const path = `${CACHE}microphone-${band}.wav`;
  if (existsSync(path)) return path;
  await Deno.mkdir(CACHE, { recursive: true });
  const wav = encodeWav(makeTones(band, LOOP_SECONDS, 48_000), 48_000);
  await keep(path, new Blob([wav]).stream());
  return path;
}

/** Written beside and renamed, so that a test in parallel never reads half a file. */
async function keep(path: string, content: ReadableStream<Uint8Array>): Promise<void> {
  const beside = `${path}.${crypto.randomUUID()}`;
  await Deno.writeFile(beside, content);
  await Deno.rename(beside, path);
}
