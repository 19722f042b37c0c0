/** The camera and microphone files that Chromium plays: numbered frames, time-coded audio. */
import { existsSync, statfsSync } from "node:fs";
import { type Colour, COLOURS, drawCells, drawFrame } from "./frame_code.ts";
import { type Band, encodeWav, makeTones } from "./tone_code.ts";

/** Frame rate of the camera. */
export const CAMERA_FPS = 30;
/**
 * Frames in the camera's loop; numbers count from 0. A reader that unwraps the numbers has to know the
 * time to within half a loop.
 */
export const LOOP_FRAMES = 30 * CAMERA_FPS;
/** Length of the audio's loop: a multiple of the 80 ms of a tone. */
export const LOOP_SECONDS = 120;

const WIDTH = 640;
const HEIGHT = 480;
/** I420: a full luma plane and two chroma planes of a quarter of its size. */
const FRAME_BYTES = WIDTH * HEIGHT * 1.5;
/** Free space for the files of two cameras (830 MB), and some for Chromium's shared memory. */
const MIN_FREE_BYTES = 2 * LOOP_FRAMES * FRAME_BYTES + 2 ** 28;

/** In memory. */
const MEMORY_FOLDER = "/dev/shm/gapless-media/";
/**
 * In memory where there is room: Chromium reads 14 MB a second of a camera's file, frame by frame, and a
 * frame that is read from a disk arrives late.
 */
const FOLDER = fitsInMemory()
  ? MEMORY_FOLDER
  : new URL("../../.cache/media/", import.meta.url).pathname;

function fitsInMemory(): boolean {
  if (!existsSync("/dev/shm")) return false;
  if (["magenta", "green"].every((colour) => existsSync(MEMORY_FOLDER + cameraName(colour)))) {
    return true;
  }
  const { bavail, bsize } = statfsSync("/dev/shm");
  return bavail * bsize > MIN_FREE_BYTES;
}

function cameraName(colour: string): string {
  return `camera-${colour}-${WIDTH}x${HEIGHT}-${CAMERA_FPS}-${LOOP_FRAMES}.y4m`;
}

/** Path of a 640x480 YUV4MPEG2 file of {@link LOOP_FRAMES} numbered frames; made once, then kept. */
export async function cameraFile(colour: Colour): Promise<string> {
  return await keep(cameraName(colour), () => cameraChunks(colour));
}

/** Path of a WAV file of {@link LOOP_SECONDS} of time-coded audio; made once, then kept. */
export async function microphoneFile(band: Band): Promise<string> {
  return await keep(
    `microphone-${band}.wav`,
    () => [encodeWav(makeTones(band, LOOP_SECONDS, 48_000), 48_000)],
  );
}

/**
 * The file's bytes: https://wiki.multimedia.cx/index.php/YUV4MPEG2. Every frame is in the same buffer,
 * where only the cells that differ from the previous number are drawn: the whole file takes a second.
 */
function* cameraChunks(colour: Colour): Generator<Uint8Array> {
  yield new TextEncoder().encode(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${CAMERA_FPS}:1 Ip A1:1\n`);
  const header = new TextEncoder().encode("FRAME\n");
  const chunk = new Uint8Array(header.length + FRAME_BYTES);
  chunk.set(header);
  const context = new I420Context(chunk.subarray(header.length));
  drawFrame(context, WIDTH, HEIGHT, 0, colour);
  yield chunk;
  for (let number = 1; number < LOOP_FRAMES; number++) {
    drawCells(context, WIDTH, HEIGHT, number, number - 1);
    yield chunk;
  }
}

/** The part of a 2d canvas context that the frame code needs, drawing into an I420 frame. */
class I420Context {
  fillStyle = "";
  constructor(readonly data: Uint8Array) {}

  fillRect(x: number, y: number, width: number, height: number): void {
    const [luma, blue, red] = toYuv(this.fillStyle);
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
function toYuv(style: string): [number, number, number] {
  const colour = Object.values(COLOURS).find((rgb) => style === `rgb(${rgb.join(",")})`);
  const [r, g, b] = colour ?? (style === "#fff" ? [255, 255, 255] : [0, 0, 0]);
  return [
    16 + 0.257 * r + 0.504 * g + 0.098 * b,
    128 - 0.148 * r - 0.291 * g + 0.439 * b,
    128 + 0.439 * r - 0.368 * g - 0.071 * b,
  ];
}

/**
 * Writes a file unless it exists, and returns its path. It is written under another name and renamed, so
 * that no process reads an incomplete file. A chunk's buffer may be reused for the next chunk.
 */
async function keep(name: string, chunks: () => Iterable<Uint8Array>): Promise<string> {
  const path = FOLDER + name;
  if (existsSync(path)) return path;
  await Deno.mkdir(FOLDER, { recursive: true });
  const draft = `${path}.${crypto.randomUUID()}`;
  try {
    using file = await Deno.open(draft, { write: true, createNew: true });
    for (const chunk of chunks()) {
      for (let at = 0; at < chunk.length;) at += await file.write(chunk.subarray(at));
    }
    await Deno.rename(draft, path);
  } catch (error) {
    await Deno.remove(draft).catch(() => {});
    throw error;
  }
  return path;
}
