/** Composes the frames of several streams into one. */
import { blackFrame, drawFrame, type I420Frame, scaleInto, toVideoFrame } from "./i420.ts";
import { layout, type Rect, type Size } from "./layout.ts";

/** Streams shown at most, as in the platform's composed archives. */
const MAX_TILES = 16;
/** Shape of the placeholder of a stream without video. */
const PLACEHOLDER: Size = { width: 640, height: 480 };

/** What a tile shows: the stream's frame, or the participant's name. */
export interface Tile {
  name: string;
  frame: I420Frame | null;
}

/** Composes frames of one size. Recordings that show the same share the work. */
export class Compositor {
  readonly size: Size;
  #composed: I420Frame;
  #shown: { content: string | number; rect: Rect }[] = [];

  /** @param size even numbers of pixels */
  constructor(size: Size) {
    this.size = size;
    this.#composed = blackFrame(size);
  }

  /** Composes a frame of these tiles. Only what has changed since the last call is drawn. */
  compose(tiles: readonly Tile[]): VideoFrame {
    const visible = tiles.slice(0, MAX_TILES);
    const rects = layout(visible.map(({ frame }) => frame ?? PLACEHOLDER), this.size);
    const isSameLayout = rects.length === this.#shown.length &&
      rects.every((rect, i) => isSame(rect, this.#shown[i]?.rect));
    if (!isSameLayout) {
      this.#composed = blackFrame(this.size);
      this.#shown = [];
    }
    this.#shown = rects.map((rect, i) => {
      const { name, frame } = visible[i] ?? { name: "", frame: null };
      const content = frame?.serial ?? name;
      if (this.#shown[i]?.content !== content) {
        scaleInto(this.#composed, frame ?? placeholder(name, rect), rect);
      }
      return { content, rect };
    });
    return toVideoFrame(this.#composed);
  }
}

/** Has the browser compile this code, which would cost a recording one of its first frames. */
export function warmUp(): void {
  const compositor = new Compositor({ width: 320, height: 240 });
  for (let i = 0; i < 10; i++) {
    compositor.compose([{ name: "", frame: blackFrame({ width: 640, height: 480 }) }]).close();
  }
}

function isSame(a: Rect, b: Rect | undefined): boolean {
  return a.x === b?.x && a.y === b.y && a.width === b.width && a.height === b.height;
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
