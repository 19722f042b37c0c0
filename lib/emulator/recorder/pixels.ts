/**
 * Frames as plain pixels. The browser converts what cameras and WebRTC deliver, in whatever format, and
 * encoders convert it back; that and composing cost less than a canvas, which waits for the page.
 */

/** Width and height, pixels. */
export interface Size {
  width: number;
  height: number;
}

/** A rectangle of a frame. */
export interface Rect extends Size {
  x: number;
  y: number;
}

/** A frame in memory: every frame is another object. */
export interface Pixels extends Size {
  /** A word for each pixel: the bytes red, green, blue, and one that does not count. */
  readonly data: Uint32Array<ArrayBuffer>;
}

/** A black frame. */
export function blackFrame({ width, height }: Size): Pixels {
  return { width, height, data: new Uint32Array(width * height) };
}

/** Copies a frame into a `VideoFrame` for an encoder. */
export function toVideoFrame({ width, height, data }: Pixels): VideoFrame {
  const size = { codedWidth: width, codedHeight: height };
  return new VideoFrame(data, { ...size, format: "RGBX", timestamp: 0 });
}

/** Copies a `VideoFrame`, which stays open. */
export async function copyFrame(frame: VideoFrame): Promise<Pixels> {
  const { displayWidth: width, displayHeight: height, visibleRect } = frame;
  const isScaled = visibleRect?.width !== width || visibleRect.height !== height;
  if (isScaled || Reflect.get(frame, "rotation")) {
    return drawFrame({ width, height }, (context) => context.drawImage(frame, 0, 0, width, height));
  }
  const copy = blackFrame({ width, height });
  await frame.copyTo(copy.data, { format: "RGBX" });
  return copy;
}

/** Draws a frame on a canvas: for text, and for frames that are not shown as they are stored. */
export function drawFrame(
  { width, height }: Size,
  draw: (context: OffscreenCanvasRenderingContext2D) => void,
): Pixels {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  if (context === null) throw new Error("Cannot draw a frame: the browser has no 2d canvas");
  draw(context);
  const { data } = context.getImageData(0, 0, width, height);
  return { width, height, data: new Uint32Array(data.buffer) };
}

/** The bytes 0 and 2 of a word, and what rounds the quotient of two such sums. */
const EVEN = 0xff00ff;
const ROUNDING = 0x020002;

/** Scales a frame into a rectangle of another. Every pixel is the mean of four. */
export function scaleInto(target: Pixels, source: Pixels, { x, y, width, height }: Rect): void {
  const { data: s } = source;
  const { data: t } = target;
  if (width === source.width && height === source.height) {
    for (let row = 0; row < height; row++) {
      t.set(s.subarray(row * width, (row + 1) * width), (y + row) * target.width + x);
    }
    return;
  }
  const scaleX = source.width / width;
  const scaleY = source.height / height;
  const left = Int32Array.from({ length: width }, (_, i) => Math.floor((i + 0.25) * scaleX));
  const right = Int32Array.from({ length: width }, (_, i) => Math.floor((i + 0.75) * scaleX));
  for (let row = 0; row < height; row++) {
    const a = Math.floor((row + 0.25) * scaleY) * source.width;
    const b = Math.floor((row + 0.75) * scaleY) * source.width;
    const at = (y + row) * target.width + x;
    for (let i = 0; i < width; i++) {
      const l = left[i] ?? 0, r = right[i] ?? 0;
      const p = s[a + l] ?? 0, q = s[a + r] ?? 0, u = s[b + l] ?? 0, v = s[b + r] ?? 0;
      // Every other byte of a word has room for a sum of four.
      const even = (p & EVEN) + (q & EVEN) + (u & EVEN) + (v & EVEN);
      const odd = (p >>> 8 & EVEN) + (q >>> 8 & EVEN) + (u >>> 8 & EVEN) + (v >>> 8 & EVEN);
      t[at + i] = (even + ROUNDING >>> 2 & EVEN) | (odd + ROUNDING >>> 2 & EVEN) << 8;
    }
  }
}
