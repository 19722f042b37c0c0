/** The camera and microphone files that Chromium is fed: numbered pictures, time-coded sound. */
import { existsSync, statfsSync } from "node:fs";
import { type Colour, COLOURS, drawFrame } from "./frame_code.ts";
import { type Band, encodeWav, makeTones } from "./tone_code.ts";

/**
 * Pictures a second. Chromium's fake camera makes up for a late picture by the next one at once, which
 * no real camera does, and WebRTC sends only one of two that come together: at 20 a second there is
 * room between them also on two busy cores.
 */
export const CAMERA_FPS = 20;
/** Pictures in the camera's loop; numbers count from 0. */
export const LOOP_FRAMES = 60 * CAMERA_FPS;
/** Length of the sound's loop: a multiple of its 80 ms. */
export const LOOP_SECONDS = 120;

/** A small camera: two calls' worth of encoding fits two cores with room to spare. */
const WIDTH = 320;
const HEIGHT = 240;

/**
 * Where the files are kept: in memory where the system has a folder for that and room in it. Chromium
 * reads a camera's file as it goes, 138 MB a minute, and a picture that comes from a disk comes late.
 */
const FOLDER = hasRoom("/dev/shm")
  ? "/dev/shm/gapless-media/"
  : new URL("../../.cache/media/", import.meta.url).pathname;

function hasRoom(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize > 2 ** 30;
}

/** Path of a 320x240 YUV4MPEG2 file of {@link LOOP_FRAMES} numbered pictures; made once, then kept. */
export async function cameraFile(colour: Colour): Promise<string> {
  const path = `${FOLDER}camera-${colour}-${WIDTH}x${HEIGHT}-${CAMERA_FPS}.y4m`;
  await keep(path, ReadableStream.from(cameraPictures(colour)));
  return path;
}

/** Path of a WAV file of {@link LOOP_SECONDS} of time-coded sound; made once, then kept. */
export async function microphoneFile(band: Band): Promise<string> {
  const path = `${FOLDER}microphone-${band}.wav`;
  await keep(path, new Blob([encodeWav(makeTones(band, LOOP_SECONDS, 48_000), 48_000)]).stream());
  return path;
}

/** The file's bytes: https://wiki.multimedia.cx/index.php/YUV4MPEG2. */
function* cameraPictures(colour: Colour): Generator<Uint8Array<ArrayBuffer>> {
  yield new TextEncoder().encode(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${CAMERA_FPS}:1 Ip A1:1\n`);
  const header = new TextEncoder().encode("FRAME\n");
  for (let number = 0; number < LOOP_FRAMES; number++) {
    const frame = new Uint8Array(header.length + WIDTH * HEIGHT * 1.5);
    frame.set(header);
    const planes = new Planes(frame.subarray(header.length));
    drawFrame(planes, WIDTH, HEIGHT, number, colour);
    yield frame;
  }
}

/** As much of a canvas as the frame code needs, on a picture of three planes. */
class Planes {
  fillStyle = "";
  constructor(readonly data: Uint8Array) {}

  fillRect(x: number, y: number, width: number, height: number): void {
    const [luma, blue, red] = inPlanes(this.fillStyle);
    const size = WIDTH * HEIGHT;
    this.#fill(0, WIDTH, HEIGHT, [x, y, width, height], luma);
    const half = [x / 2, y / 2, width / 2, height / 2] as const;
    this.#fill(size, WIDTH / 2, HEIGHT / 2, half, blue);
    this.#fill(size * 1.25, WIDTH / 2, HEIGHT / 2, half, red);
  }

  #fill(
    from: number,
    stride: number,
    rows: number,
    [x, y, width, height]: readonly [number, number, number, number],
    value: number,
  ): void {
    const [left, right] = [Math.round(x), Math.min(stride, Math.round(x + width))];
    for (let row = Math.round(y); row < Math.min(rows, Math.round(y + height)); row++) {
      this.data.fill(value, from + row * stride + left, from + row * stride + right);
    }
  }
}

/** ITU-R BT.601, limited range, of the frame code's colours. */
function inPlanes(style: string): [number, number, number] {
  const colour = Object.values(COLOURS).find((rgb) => style === `rgb(${rgb.join(",")})`);
  const [r, g, b] = colour ?? (style === "#fff" ? [255, 255, 255] : [0, 0, 0]);
  return [
    16 + 0.257 * r + 0.504 * g + 0.098 * b,
    128 - 0.148 * r - 0.291 * g + 0.439 * b,
    128 + 0.439 * r - 0.368 * g - 0.071 * b,
  ];
}

/** Writes a file if it is not there; beside and renamed, so that nobody ever reads half of it. */
async function keep(path: string, content: ReadableStream<Uint8Array>): Promise<void> {
  if (existsSync(path)) return await content.cancel();
  await Deno.mkdir(FOLDER, { recursive: true });
  const beside = `${path}.${crypto.randomUUID()}`;
  await Deno.writeFile(beside, content);
  await Deno.rename(beside, path);
}
