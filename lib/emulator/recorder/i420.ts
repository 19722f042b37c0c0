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

/** A frame in memory; every frame is another object. */
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

/** A black frame. */
export function blackFrame({ width, height }: Size): I420Frame {
  const luma = width * height;
  const chroma = ((width + 1) >> 1) * ((height + 1) >> 1);
  const data = new Uint8Array(luma + 2 * chroma).fill(16, 0, luma).fill(128, luma);
  return { width, height, data };
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
  const copy = { width, height, data: new Uint8Array(frame.allocationSize()) };
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
  const frame = blackFrame({ width, height });
  const { data } = frame;
  const chroma = data.subarray(width * height);
  const stride = (width + 1) >> 1;
  // ITU-R BT.601, limited range, in 8-bit fixed point.
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 4 * (y * width + x);
      const r = rgba[at] ?? 0, g = rgba[at + 1] ?? 0, b = rgba[at + 2] ?? 0;
      data[y * width + x] = ((66 * r + 129 * g + 25 * b + 128) >> 8) + 16;
      if ((x | y) & 1) continue;
      const u = (y >> 1) * stride + (x >> 1);
      chroma[u] = ((-38 * r - 74 * g + 112 * b + 128) >> 8) + 128;
      chroma[chroma.length / 2 + u] = ((112 * r - 94 * g - 18 * b + 128) >> 8) + 128;
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
    scalePlane(
      { width, height, data: source.data.subarray(from, from + width * height) },
      { width: rect.width >> shift, height: rect.height >> shift, data: target.data.subarray(at) },
      stride,
    );
    from += width * height;
    to += stride * ((target.height + shift) >> shift);
  }
}

/** One plane of a frame, or a part of it. */
type Plane = Size & { data: Uint8Array };

/** Every pixel is the mean of four. `stride` bytes are from one row of the target to the next. */
function scalePlane({ data: s, ...source }: Plane, target: Plane, stride: number): void {
  const { data: t, width, height } = target;
  if (width === source.width && height === source.height) {
    for (let y = 0; y < height; y++) t.set(s.subarray(y * width, (y + 1) * width), y * stride);
    return;
  }
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
