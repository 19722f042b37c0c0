/**
 * Pictures as three planes (I420), the form in which cameras deliver and encoders take them. Composing
 * in it costs a third of what a canvas does, which turns every picture into RGB and back; and a
 * camera's few frames are given back as soon as they are copied.
 */

/** A picture: `width` x `height` bytes of luma, then two quarter-size planes of chroma. */
export interface Planes {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array<ArrayBuffer>;
  /** Differs for every picture, also where the memory is used again. */
  readonly serial: number;
}

/** What the planes mean: what cameras and WebRTC deliver, ITU-R BT.601 in limited range. */
const planesColorSpace: VideoColorSpaceInit = {
  primaries: "smpte170m",
  transfer: "smpte170m",
  matrix: "smpte170m",
  fullRange: false,
};
/** Black, limited range. */
const black = { luma: 16, chroma: 128 };
let lastSerial = 0;

function planes(width: number, height: number, memory?: Uint8Array<ArrayBuffer>): Planes {
  const chroma = ((width + 1) >> 1) * ((height + 1) >> 1);
  const size = width * height + 2 * chroma;
  return planesOf(width, height, memory?.length === size ? memory : new Uint8Array(size));
}

/** A picture that came from another worker. */
export function planesOf(width: number, height: number, data: Uint8Array<ArrayBuffer>): Planes {
  return { width, height, data, serial: ++lastSerial };
}

/** Pictures whose memory is kept at most. */
const maxSpare = 8;

/** Memory of pictures that are done with, to be used again. */
export class SpareMemory {
  readonly #kept: Uint8Array<ArrayBuffer>[] = [];

  /** Some of it, if there is any. */
  take(): Uint8Array<ArrayBuffer> | undefined {
    return this.#kept.pop();
  }

  /** Keeps it, if there is not plenty. */
  give(memory: Uint8Array<ArrayBuffer>): void {
    if (this.#kept.length < maxSpare) this.#kept.push(memory);
  }
}

/** A black picture; sizes in pixels. */
export function blackPlanes(width: number, height: number): Planes {
  const picture = planes(width, height);
  picture.data.fill(black.luma, 0, width * height);
  picture.data.fill(black.chroma, width * height);
  return picture;
}

/** A picture as a frame, to be encoded; it keeps nothing of the planes. */
export function toFrame({ width, height, data }: Planes, atMs: number): VideoFrame {
  return new VideoFrame(data, {
    format: "I420",
    codedWidth: width,
    codedHeight: height,
    timestamp: Math.round(atMs * 1000),
    colorSpace: planesColorSpace,
  });
}

/** Copies a frame's picture; `memory` of the right size is used again. The frame stays open. */
export async function copyPlanes(
  frame: VideoFrame,
  memory?: Uint8Array<ArrayBuffer>,
): Promise<Planes> {
  const { width, height } = frame.visibleRect ?? { width: 0, height: 0 };
  const upright = frame.displayWidth === width && frame.displayHeight === height &&
    !Reflect.get(frame, "rotation");
  const asIs = upright && isOurColorSpace(frame.colorSpace);
  if (frame.format === "I420" && asIs) {
    const picture = planes(width, height, memory);
    await frame.copyTo(picture.data);
    return picture;
  }
  if (frame.format === "NV12" && asIs) {
    const interleaved = new Uint8Array(frame.allocationSize());
    await frame.copyTo(interleaved);
    return fromNv12(interleaved, planes(width, height, memory));
  }
  return drawnPlanes(
    frame.displayWidth,
    frame.displayHeight,
    (context) => context.drawImage(frame, 0, 0),
    memory,
  );
}

function isOurColorSpace({ matrix, fullRange }: VideoColorSpace): boolean {
  return fullRange !== true && (matrix === null || matrix === "smpte170m" || matrix === "bt470bg");
}

function fromNv12(interleaved: Uint8Array, picture: Planes): Planes {
  const { width, height, data } = picture;
  const luma = width * height;
  const chroma = (data.length - luma) / 2;
  data.set(interleaved.subarray(0, luma));
  for (let i = 0; i < chroma; i++) {
    data[luma + i] = interleaved[luma + 2 * i] ?? 0;
    data[luma + chroma + i] = interleaved[luma + 2 * i + 1] ?? 0;
  }
  return picture;
}

/** A picture that is drawn: for text, and for the rare frame that is of another form or colour space. */
export function drawnPlanes(
  width: number,
  height: number,
  draw: (context: OffscreenCanvasRenderingContext2D) => void,
  memory?: Uint8Array<ArrayBuffer>,
): Planes {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  if (context === null) {
    throw new Error("Record in this page: no canvas to compose the picture on");
  }
  draw(context);
  const { data: rgba } = context.getImageData(0, 0, width, height);
  const picture = planes(width, height, memory);
  const { data } = picture;
  const chromaWidth = (width + 1) >> 1;
  const u = width * height;
  const v = u + chromaWidth * ((height + 1) >> 1);
  // ITU-R BT.601, limited range, in 8-bit fixed point.
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 4 * (y * width + x);
      const r = rgba[at] ?? 0, g = rgba[at + 1] ?? 0, b = rgba[at + 2] ?? 0;
      data[y * width + x] = ((66 * r + 129 * g + 25 * b + 128) >> 8) + 16;
      if ((x | y) & 1) continue;
      const c = (y >> 1) * chromaWidth + (x >> 1);
      data[u + c] = ((-38 * r - 74 * g + 112 * b + 128) >> 8) + 128;
      data[v + c] = ((112 * r - 94 * g - 18 * b + 128) >> 8) + 128;
    }
  }
  return picture;
}

/**
 * Scales a picture into a box of another; all of the box in even pixels. Each pixel is the mean of
 * four of the source: exact at half size, a plain copy at full size.
 */
export function scaleInto(
  target: Planes,
  source: Planes,
  box: { x: number; y: number; width: number; height: number },
): void {
  let from = 0;
  let to = 0;
  for (const halve of [0, 1, 1]) {
    const sourceWidth = (source.width + halve) >> halve;
    const sourceHeight = (source.height + halve) >> halve;
    const targetWidth = target.width >> halve;
    scalePlane(
      { data: source.data, from, width: sourceWidth, height: sourceHeight },
      { data: target.data, from: to + (box.y >> halve) * targetWidth + (box.x >> halve) },
      { stride: targetWidth, width: box.width >> halve, height: box.height >> halve },
    );
    from += sourceWidth * sourceHeight;
    to += targetWidth * (target.height >> halve);
  }
}

function scalePlane(
  source: { data: Uint8Array; from: number; width: number; height: number },
  target: { data: Uint8Array; from: number },
  box: { stride: number; width: number; height: number },
): void {
  const { data: s, width } = source;
  const { data: t } = target;
  if (box.width === width && box.height === source.height) {
    for (let y = 0; y < box.height; y++) {
      const row = source.from + y * width;
      t.set(s.subarray(row, row + width), target.from + y * box.stride);
    }
    return;
  }
  const left = samplePoints(box.width, width, 0.25);
  const right = samplePoints(box.width, width, 0.75);
  const above = samplePoints(box.height, source.height, 0.25);
  const below = samplePoints(box.height, source.height, 0.75);
  for (let y = 0; y < box.height; y++) {
    const a = source.from + (above[y] ?? 0) * width;
    const b = source.from + (below[y] ?? 0) * width;
    const row = target.from + y * box.stride;
    for (let x = 0; x < box.width; x++) {
      const l = left[x] ?? 0, r = right[x] ?? 0;
      t[row + x] = ((s[a + l] ?? 0) + (s[a + r] ?? 0) + (s[b + l] ?? 0) + (s[b + r] ?? 0) + 2) >> 2;
    }
  }
}

/** For every target pixel the source pixel at this share of its width. */
function samplePoints(targetLength: number, sourceLength: number, share: number): Int32Array {
  const step = sourceLength / targetLength;
  return Int32Array.from({ length: targetLength }, (_, i) => Math.floor((i + share) * step));
}
