/** Composes the frames of several streams into one. */
import { layout, type Rect, type Size } from "./layout.ts";

/** Streams shown at most, as in the platform's composed archives. */
const MAX_TILES = 16;
/** Shape of the placeholder of a stream without video. */
const PLACEHOLDER: Size = { width: 640, height: 480 };

/** What a tile shows: the stream's frame, or the participant's name. */
export interface Tile {
  name: string;
  frame: VideoFrame | null;
}

/** Composes frames of one size. Recordings that show the same share the work. */
export class Compositor {
  readonly #canvas: OffscreenCanvas;
  readonly #context: OffscreenCanvasRenderingContext2D;
  #shown: { content: VideoFrame | string; rect: Rect }[] = [];

  /** @param size even numbers of pixels */
  constructor({ width, height }: Size) {
    this.#canvas = new OffscreenCanvas(width, height);
    const context = this.#canvas.getContext("2d", { alpha: false });
    if (context === null) throw new Error("Cannot compose frames: the browser has no 2d canvas");
    this.#context = context;
  }

  /** Composes a frame of these tiles. Only what has changed since the last call is drawn. */
  compose(tiles: readonly Tile[]): VideoFrame {
    const visible = tiles.slice(0, MAX_TILES);
    const rects = layout(
      visible.map(({ frame }) => frame ? sizeOf(frame) : PLACEHOLDER),
      this.#canvas,
    );
    const isSameLayout = JSON.stringify(rects) === JSON.stringify(this.#shown.map((s) => s.rect));
    if (!isSameLayout) {
      this.#context.fillStyle = "black";
      this.#context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
      this.#shown = [];
    }
    this.#shown = rects.map((rect, i) => {
      const { name = "", frame = null } = visible[i] ?? {};
      const content = frame ?? name;
      if (this.#shown[i]?.content !== content) {
        if (frame) this.#context.drawImage(frame, rect.x, rect.y, rect.width, rect.height);
        else this.#drawPlaceholder(name, rect);
      }
      return { content, rect };
    });
    return new VideoFrame(this.#canvas, { timestamp: 0, alpha: "discard" });
  }

  #drawPlaceholder(name: string, { x, y, width, height }: Rect): void {
    const context = this.#context;
    context.fillStyle = "#2a2d34";
    context.fillRect(x + 1, y + 1, width - 2, height - 2);
    context.fillStyle = "#e8eaed";
    context.font = `${Math.max(12, Math.round(height / 12))}px sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(name, x + width / 2, y + height / 2, width * 0.9);
  }
}

function sizeOf({ displayWidth: width, displayHeight: height }: VideoFrame): Size {
  return { width, height };
}

/** Has the browser compile this code, which would cost a recording one of its first frames. */
export function warmUp(): void {
  const compositor = new Compositor({ width: 320, height: 240 });
  for (let i = 0; i < 10; i++) compositor.compose([{ name: String(i), frame: null }]).close();
}
