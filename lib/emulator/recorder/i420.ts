/**
 * Frames in I420: a plane of luma, then two of chroma at half the width and height. Cameras deliver
 * it, encoders take it. A canvas, which converts to RGB and back, costs four times as much or more.
 */

/** Width and height, pixels. */
export interface Size {
  width: number;
  height: number;
}

/** A rectangle of a frame, even pixels. */
export interface Rect extends Size {
  x: number;
  y: number;
}

/** A frame in memory, which is used again: every frame is another object. */
export interface I420Frame extends Size {
  readonly data: Uint8Array<ArrayBuffer>;
}

/** ITU-R BT.601, limited range: what cameras and WebRTC deliver. */
const COLOR_SPACE: VideoColorSpaceInit = {
  primaries: "smpte170m",
  transfer: "smpte170m",
  matrix: "smpte170m",
  fullRange: false,
};
/** Buffers that are kept for reuse. */
const MAX_POOLED = 12;

const pool: Uint8Array<ArrayBuffer>[] = [];

function allocate(width: number, height: number): I420Frame {
  const length = width * height + 2 * half(width) * half(height);
  const at = pool.findIndex((data) => data.length === length);
  const [data = new Uint8Array(length)] = at < 0 ? [] : pool.splice(at, 1);
  return { width, height, data };
}

function half(pixels: number): number {
  return (pixels + 1) >> 1;
}

/** Gives the memory of a frame back. */
export function release({ data }: I420Frame): void {
  pool.push(data);
  if (pool.length > MAX_POOLED) pool.shift();
}

/** A black frame. */
export function blackFrame({ width, height }: Size): I420Frame {
  const frame = allocate(width, height);
  frame.data.fill(16, 0, width * height).fill(128, width * height);
  return frame;
}

/** Copies a frame into a `VideoFrame` for an encoder. */
export function toVideoFrame({ width, height, data }: I420Frame): VideoFrame {
  const size = { codedWidth: width, codedHeight: height };
  return new VideoFrame(data, { ...size, format: "I420", timestamp: 0, colorSpace: COLOR_SPACE });
}

/** Copies a `VideoFrame`, which stays open. */
export async function copyFrame(frame: VideoFrame): Promise<I420Frame> {
  const { displayWidth, displayHeight, format } = frame;
  const { width, height } = frame.visibleRect ?? { width: 0, height: 0 };
  const { matrix, fullRange } = frame.colorSpace;
  const isPlain = displayWidth === width && displayHeight === height &&
    !Reflect.get(frame, "rotation") && fullRange !== true &&
    (matrix === null || matrix === "smpte170m" || matrix === "bt470bg");
  if (!isPlain || (format !== "I420" && format !== "NV12")) {
    return drawFrame(
      { width: displayWidth, height: displayHeight },
      (context) => context.drawImage(frame, 0, 0, displayWidth, displayHeight),
    );
  }
  const copy = allocate(width, height);
  await frame.copyTo(copy.data);
  if (format === "NV12") separateChroma(copy.data.subarray(width * height));
  return copy;
}

/** NV12 differs from I420 in one thing: its two planes of chroma alternate byte by byte. */
function separateChroma(chroma: Uint8Array): void {
  const pairs = chroma.slice();
  const count = pairs.length / 2;
  for (let i = 0; i < count; i++) {
    chroma[i] = pairs[2 * i] ?? 0;
    chroma[count + i] = pairs[2 * i + 1] ?? 0;
  }
}

/** Draws a frame on a canvas: for text, and for frames in other formats. */
export function drawFrame(
  { width, height }: Size,
  draw: (context: OffscreenCanvasRenderingContext2D) => void,
): I420Frame {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
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
    const at = to + (rect.y >> shift) * stride + (rect.x >> shift);
    const size = { width: rect.width >> shift, height: rect.height >> shift };
    scalePlane(
      { data: source.data.subarray(from, from + width * height), width, height, stride: width },
      { data: target.data.subarray(at), ...size, stride },
    );
    from += width * height;
    to += stride * ((target.height + shift) >> shift);
  }
}

/** One plane of a frame, or a part of it; `stride` bytes are from one row to the next. */
interface Plane extends Size {
  data: Uint8Array;
  stride: number;
}

/** Every pixel is the mean of four: a plain copy at full size, exact at half size. */
function scalePlane({ data: s, ...source }: Plane, target: Plane): void {
  const { data: t, width, height, stride } = target;
  if (width === source.width && height === source.height) {
    for (let y = 0; y < height; y++) t.set(s.subarray(y * width, (y + 1) * width), y * stride);
    return;
  }
  const isHalf = 2 * width === source.width && 2 * height === source.height;
  if (isHalf && source.width % 4 === 0 && s.byteOffset % 4 === 0) return halvePlane(s, target);
  const scaleX = source.width / width;
  const scaleY = source.height / height;
  const left = Int32Array.from({ length: width }, (_, x) => Math.floor((x + 0.25) * scaleX));
  const right = Int32Array.from({ length: width }, (_, x) => Math.floor((x + 0.75) * scaleX));
  for (let y = 0; y < height; y++) {
    const a = Math.floor((y + 0.25) * scaleY) * source.width;
    const b = Math.floor((y + 0.75) * scaleY) * source.width;
    const row = y * stride;
    for (let x = 0; x < width; x++) {
      const l = left[x] ?? 0, r = right[x] ?? 0;
      t[row + x] = ((s[a + l] ?? 0) + (s[a + r] ?? 0) + (s[b + l] ?? 0) + (s[b + r] ?? 0) + 2) >> 2;
    }
  }
}

/** Half size, the most frequent: two pixels at a time, eight times as fast. */
function halvePlane(source: Uint8Array, { data, width, height, stride }: Plane): void {
  const words = new Uint32Array(source.buffer, source.byteOffset, source.length >> 2);
  const wordsInRow = width >> 1;
  for (let y = 0; y < height; y++) {
    const row = y * stride;
    for (let i = 0; i < wordsInRow; i++) {
      const a = words[2 * y * wordsInRow + i] ?? 0;
      const b = words[(2 * y + 1) * wordsInRow + i] ?? 0;
      const sums = (a & 0xff00ff) + (a >>> 8 & 0xff00ff) + (b & 0xff00ff) + (b >>> 8 & 0xff00ff);
      data[row + 2 * i] = (sums + 2) >>> 2;
      data[row + 2 * i + 1] = (sums + 0x20002) >>> 18;
    }
  }
}
