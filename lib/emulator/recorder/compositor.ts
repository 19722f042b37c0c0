/** Composes the frames of several streams into one. */
import { blackFrame, drawFrame, type I420Frame, type Rect, scaleInto, type Size } from "./i420.ts";

/** Streams shown at most, as in the platform's composed archives. */
const MAX_TILES = 16;
/** Size of a stream without video. */
export const PLACEHOLDER: Size = { width: 640, height: 480 };

/** What a tile shows: the stream's frame, or the participant's name. */
export interface Tile {
  name: string;
  frame: I420Frame | null;
}

/** Composes frames of one size, even numbers of pixels. */
export class Compositor {
  #composed: I420Frame;
  #places = "";
  /** What each place shows. */
  #shown: (I420Frame | string)[] = [];

  constructor(private readonly size: Size) {
    this.#composed = blackFrame(size);
  }

  /** The frame of these tiles, until the next call. Only what has changed since the last is drawn. */
  compose(tiles: readonly Tile[]): I420Frame {
    const visible = tiles.slice(0, MAX_TILES);
    const rects = layout(visible.map(({ frame }) => frame ?? PLACEHOLDER), this.size);
    const places = JSON.stringify(rects);
    if (places !== this.#places) {
      this.#composed = blackFrame(this.size);
      this.#places = places;
      this.#shown = [];
    }
    for (const [i, { name, frame }] of visible.entries()) {
      const rect = rects[i];
      const content = frame ?? name;
      if (rect === undefined || this.#shown[i] === content) continue;
      this.#shown[i] = content;
      scaleInto(this.#composed, frame ?? placeholder(name, rect), rect);
    }
    return this.#composed;
  }
}

/** Has the browser compile this code, which would cost a recording one of its first frames. */
export function warmUp(): void {
  const compositor = new Compositor({ width: 320, height: 240 });
  for (let i = 0; i < 10; i++) compositor.compose([{ name: "", frame: blackFrame(PLACEHOLDER) }]);
}

function placeholder(name: string, { width, height }: Rect): I420Frame {
  return drawFrame({ width, height }, (context) => {
    context.fillStyle = "#2a2d34";
    context.fillRect(1, 1, width - 2, height - 2);
    context.fillStyle = "#e8eaed";
    context.font = `${Math.max(12, Math.round(height / 12))}px sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(name, width / 2, height / 2, width * 0.9);
  });
}

/**
 * "Best fit": as many columns and rows as make the tiles largest, spaced evenly; every stream is
 * fitted into the middle of its tile and never cut.
 */
export function layout(streams: readonly Size[], { width, height }: Size): Rect[] {
  const grids = streams.map((_, i) => {
    const columns = i + 1;
    const rows = Math.ceil(streams.length / columns);
    const sizes = streams.map((stream): Size => {
      const scale = Math.min(width / columns / stream.width, height / rows / stream.height);
      return { width: even(stream.width * scale), height: even(stream.height * scale) };
    });
    const area = sizes.reduce((sum, size) => sum + size.width * size.height, 0);
    return { columns, rows, sizes, area };
  });
  const [{ columns, rows, sizes } = { columns: 1, rows: 1, sizes: [] }] = grids
    .toSorted((a, b) => b.area - a.area || b.columns - a.columns);
  return sizes.map((size, i) => {
    const row = Math.floor(i / columns);
    // The last row may have fewer tiles: they are centred.
    const inRow = Math.min(columns, streams.length - row * columns);
    const left = (width - inRow * width / columns) / 2;
    return {
      x: even(left + (i % columns + 0.5) * width / columns - size.width / 2),
      y: even((row + 0.5) * height / rows - size.height / 2),
      ...size,
    };
  });
}

/** The largest even number that is not above `pixels`. */
export function even(pixels: number): number {
  return Math.max(0, 2 * Math.floor(pixels / 2 + 1e-6));
}
