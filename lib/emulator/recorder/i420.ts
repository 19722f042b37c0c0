/**
 * Frames in I420: a plane of luma, then two of chroma at half the width and height. Cameras deliver
 * and encoders take this format. Composing in it costs a quarter of a canvas (4 against 16 ms for
 * two 640x480 frames), which converts every frame to RGB and back.
 */
import type { Rect, Size } from "./layout.ts";

/** A frame in memory. */
export interface I420Frame extends Size {
  readonly data: Uint8Array<ArrayBuffer>;
  /** Identifies the content: memory is used again. */
  readonly serial: number;
}

/** ITU-R BT.601, limited range: what cameras and WebRTC deliver. */
const COLOR_SPACE: VideoColorSpaceInit = {
  primaries: "smpte170m",
  transfer: "smpte170m",
  matrix: "smpte170m",
  fullRange: false,
};
const BLACK = { luma: 16, chroma: 128 };
/** Buffers that are kept for reuse. */
const MAX_POOLED = 12;

const pool: Uint8Array<ArrayBuffer>[] = [];
let lastSerial = 0;

function allocate(width: number, height: number): I420Frame {
  const size = width * height + 2 * half(width) * half(height);
  const at = pool.findIndex(({ length }) => length === size);
  const data = (at < 0 ? undefined : pool.splice(at, 1)[0]) ?? new Uint8Array(size);
  return { width, height, data, serial: ++lastSerial };
}

/** Gives the memory of a frame back. */
export function release({ data }: I420Frame): void {
  pool.push(data);
  if (pool.length > MAX_POOLED) pool.shift();
}

function half(pixels: number): number {
  return (pixels + 1) >> 1;
}

/** A black frame. */
export function blackFrame({ width, height }: Size): I420Frame {
  const frame = allocate(width, height);
  frame.data.fill(BLACK.luma, 0, width * height);
  frame.data.fill(BLACK.chroma, width * height);
  return frame;
}

/** Copies a frame into a `VideoFrame` for an encoder. */
export function toVideoFrame({ width, height, data }: I420Frame): VideoFrame {
  return new VideoFrame(data, {
    format: "I420",
    codedWidth: width,
    codedHeight: height,
    timestamp: 0,
    colorSpace: COLOR_SPACE,
  });
}

/** Copies a `VideoFrame`, which stays open. */
export async function copyFrame(frame: VideoFrame): Promise<I420Frame> {
  const { width, height } = frame.visibleRect ?? { width: 0, height: 0 };
  const { matrix, fullRange } = frame.colorSpace;
  const isPlain = frame.displayWidth === width && frame.displayHeight === height &&
    !Reflect.get(frame, "rotation") && fullRange !== true &&
    (matrix === null || matrix === "smpte170m" || matrix === "bt470bg");
  if (isPlain && frame.format === "I420") {
    const copy = allocate(width, height);
    await frame.copyTo(copy.data);
    return copy;
  }
  if (isPlain && frame.format === "NV12") {
    const source = new Uint8Array(frame.allocationSize());
    await frame.copyTo(source);
    return fromNv12(source, allocate(width, height));
  }
  const { displayWidth, displayHeight } = frame;
  return drawFrame(
    { width: displayWidth, height: displayHeight },
    (context) => context.drawImage(frame, 0, 0, displayWidth, displayHeight),
  );
}

function fromNv12(source: Uint8Array, frame: I420Frame): I420Frame {
  const { width, height, data } = frame;
  const luma = width * height;
  const chroma = (data.length - luma) / 2;
  data.set(source.subarray(0, luma));
  for (let i = 0; i < chroma; i++) {
    data[luma + i] = source[luma + 2 * i] ?? 0;
    data[luma + chroma + i] = source[luma + 2 * i + 1] ?? 0;
  }
  return frame;
}

/** Draws a frame on a canvas: for text, and for frames in other formats. */
export function drawFrame(
  { width, height }: Size,
  draw: (context: OffscreenCanvasRenderingContext2D) => void,
): I420Frame {
  const context = new OffscreenCanvas(width, height)
    .getContext("2d", { alpha: false, willReadFrequently: true });
  if (context === null) throw new Error("Cannot draw a frame: the browser has no 2d canvas");
  draw(context);
  const { data: rgba } = context.getImageData(0, 0, width, height);
  const frame = allocate(width, height);
  const { data } = frame;
  const u = width * height;
  const v = u + half(width) * half(height);
  // ITU-R BT.601, limited range, in 8-bit fixed point.
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 4 * (y * width + x);
      const r = rgba[at] ?? 0, g = rgba[at + 1] ?? 0, b = rgba[at + 2] ?? 0;
      data[y * width + x] = ((66 * r + 129 * g + 25 * b + 128) >> 8) + 16;
      if ((x | y) & 1) continue;
      const c = (y >> 1) * half(width) + (x >> 1);
      data[u + c] = ((-38 * r - 74 * g + 112 * b + 128) >> 8) + 128;
      data[v + c] = ((112 * r - 94 * g - 18 * b + 128) >> 8) + 128;
    }
  }
  return frame;
}

/** Scales a frame into an even rectangle of another. */
export function scaleInto(target: I420Frame, source: I420Frame, rect: Rect): void {
  let from = 0;
  let to = 0;
  for (const shift of [0, 1, 1]) {
    const width = (source.width + shift) >> shift;
    const height = (source.height + shift) >> shift;
    const stride = (target.width + shift) >> shift;
    scalePlane(
      { data: source.data.subarray(from, from + width * height), width, height },
      target.data.subarray(to + (rect.y >> shift) * stride + (rect.x >> shift)),
      { width: rect.width >> shift, height: rect.height >> shift, stride },
    );
    from += width * height;
    to += stride * ((target.height + shift) >> shift);
  }
}

/** Every pixel is the mean of four: a plain copy at full size, exact at half size. */
function scalePlane(
  { data: s, ...source }: Size & { data: Uint8Array },
  t: Uint8Array,
  { width, height, stride }: Size & { stride: number },
): void {
  if (width === source.width && height === source.height) {
    for (let y = 0; y < height; y++) t.set(s.subarray(y * width, (y + 1) * width), y * stride);
    return;
  }
  const isHalf = 2 * width === source.width && 2 * height === source.height;
  if (isHalf && source.width % 4 === 0 && s.byteOffset % 4 === 0) {
    return halvePlane(s, t, { width, height, stride });
  }
  const left = samplePoints(width, source.width, 0.25);
  const right = samplePoints(width, source.width, 0.75);
  const above = samplePoints(height, source.height, 0.25);
  const below = samplePoints(height, source.height, 0.75);
  for (let y = 0; y < height; y++) {
    const a = (above[y] ?? 0) * source.width;
    const b = (below[y] ?? 0) * source.width;
    const row = y * stride;
    for (let x = 0; x < width; x++) {
      const l = left[x] ?? 0, r = right[x] ?? 0;
      t[row + x] = ((s[a + l] ?? 0) + (s[a + r] ?? 0) + (s[b + l] ?? 0) + (s[b + r] ?? 0) + 2) >> 2;
    }
  }
}

/** Half size, the most frequent: two pixels at a time, eight times as fast. */
function halvePlane(
  source: Uint8Array,
  target: Uint8Array,
  { width, height, stride }: Size & { stride: number },
): void {
  const words = new Uint32Array(source.buffer, source.byteOffset, source.length >> 2);
  const wordsInRow = width >> 1;
  for (let y = 0; y < height; y++) {
    const row = y * stride;
    for (let i = 0; i < wordsInRow; i++) {
      const a = words[2 * y * wordsInRow + i] ?? 0;
      const b = words[(2 * y + 1) * wordsInRow + i] ?? 0;
      const sums = (a & 0xff00ff) + (a >>> 8 & 0xff00ff) + (b & 0xff00ff) + (b >>> 8 & 0xff00ff);
      target[row + 2 * i] = (sums + 2) >>> 2;
      target[row + 2 * i + 1] = (sums + 0x20002) >>> 18;
    }
  }
}

/** For every target pixel the source pixel at this share of its width. */
function samplePoints(targetLength: number, sourceLength: number, share: number): Int32Array {
  const step = sourceLength / targetLength;
  return Int32Array.from({ length: targetLength }, (_, i) => Math.floor((i + share) * step));
}
