/** Runs in Chromium: puts a frame of one colour through the recorder's grid and reads it back. */
import { Grid } from "../../lib/loopback/browser/recorder_grid.ts";
import { copyPlanes } from "../../lib/loopback/browser/recorder_planes.ts";

/** A frame of one colour, as some camera may deliver it. */
export interface Plain {
  format: "I420" | "NV12" | "RGBA";
  /** Bytes of a pixel: luma and chroma, or red, green and blue. */
  pixel: [number, number, number];
  colorSpace: VideoColorSpaceInit;
  width: number;
  height: number;
}

function frameOf({ format, pixel: [a, b, c], colorSpace, width, height }: Plain): VideoFrame {
  const size = width * height;
  const data = new Uint8Array(format === "RGBA" ? 4 * size : 1.5 * size);
  if (format === "RGBA") {
    for (let i = 0; i < size; i++) data.set([a, b, c, 255], 4 * i);
  } else {
    data.fill(a, 0, size);
    if (format === "I420") data.fill(b, size, 1.25 * size).fill(c, 1.25 * size);
    else for (let i = size; i < data.length; i += 2) data.set([b, c], i);
  }
  const init = { codedWidth: width, codedHeight: height, timestamp: 0, colorSpace };
  return new VideoFrame(data, { format, ...init });
}

/** The composed picture's pixels at these places, as RGB. */
async function composed(
  frames: Plain[],
  places: [number, number][],
): Promise<number[][]> {
  const grid = new Grid(640, 480);
  const pictures = await Promise.all(frames.map(async (plain, i) => {
    const frame = frameOf(plain);
    const planes = await copyPlanes(frame);
    frame.close();
    return { name: "", feed: String(i), planes };
  }));
  const picture = grid.compose(pictures, 0);
  const context = new OffscreenCanvas(640, 480).getContext("2d");
  if (!context) throw new Error("Cannot make a 2d canvas");
  context.drawImage(picture, 0, 0);
  picture.close();
  return places.map(([x, y]) => [...context.getImageData(x, y, 1, 1).data.subarray(0, 3)]);
}

declare global {
  var composedPixels: typeof composed;
}
globalThis.composedPixels = composed;
