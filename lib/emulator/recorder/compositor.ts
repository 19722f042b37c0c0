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
  /** The composed frame, until the next {@link draw}. */
  frame: I420Frame;
  #places = "";
  /** What each place shows. */
  #shown: (I420Frame | string)[] = [];

  constructor(private readonly size: Size) {
    this.frame = blackFrame(size);
  }

  /** Draws what has changed in these tiles; returns whether anything has. */
  draw(tiles: readonly Tile[]): boolean {
    const visible = tiles.slice(0, MAX_TILES);
    const rects = layout(visible.map(({ frame }) => frame ?? PLACEHOLDER), this.size);
    const places = JSON.stringify(rects);
    let hasChanged = places !== this.#places;
    if (hasChanged) {
      this.frame = blackFrame(this.size);
      this.#places = places;
      this.#shown = [];
    }
    for (const [i, { name, frame }] of visible.entries()) {
      const rect = rects[i];
      const content = frame ?? name;
      if (rect === undefined || this.#shown[i] === content) continue;
      hasChanged = true;
      this.#shown[i] = content;
      scaleInto(this.frame, frame ?? placeholder(name, rect), rect);
    }
    return hasChanged;
  }
}

/** Has the browser compile this code, which would cost a recording one of its first frames. */
export function warmUp(): void {
  const compositor = new Compositor({ width: 320, height: 240 });
  for (let i = 0; i < 10; i++) compositor.draw([{ name: "", frame: blackFrame(PLACEHOLDER) }]);
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
  const count = streams.length;
  // Most columns first: they are preferred where rows are as good.
  const grids = streams.map((_, i) => {
    const columns = count - i;
    const cell = { width: width / columns, height: height / Math.ceil(count / columns) };
    return streams.map((stream, i): Rect => {
      const row = Math.floor(i / columns);
      // The last row may have fewer tiles: they are centred.
      const inRow = Math.min(columns, count - row * columns);
      const scale = Math.min(cell.width / stream.width, cell.height / stream.height);
      const size = { width: even(stream.width * scale), height: even(stream.height * scale) };
      const left = width / 2 + (i % columns - inRow / 2 + 0.5) * cell.width - size.width / 2;
      const top = (row + 0.5) * cell.height - size.height / 2;
      return { x: even(left), y: even(top), ...size };
    });
  });
  const area = (rects: Rect[]) => rects.reduce((sum, { width, height }) => sum + width * height, 0);
  return grids.toSorted((a, b) => area(b) - area(a))[0] ?? [];
}

/** The largest even number that is not above `pixels`. */
export function even(pixels: number): number {
  return Math.max(0, 2 * Math.floor(pixels / 2 + 1e-6));
}
