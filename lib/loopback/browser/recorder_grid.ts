/** Draws what a composed recording shows: a grid of everybody's picture. */

/** Tiles drawn at most, as in the platform's composed archives. */
const maxTiles = 16;
/** Highest composed size, pixels. */
const maxWidth = 1920;
const maxHeight = 1080;

/** What one tile shows: a frame, or the name on a plain ground. */
export interface Picture {
  name: string;
  /** Names the camera. */
  feed: string | null;
  frame: VideoFrame | null;
}

/** The composed picture of one recording. */
export class Grid {
  readonly canvas: OffscreenCanvas;
  readonly #context: OffscreenCanvasRenderingContext2D;

  constructor(width: number, height: number) {
    this.canvas = new OffscreenCanvas(
      even(Math.min(width || 640, maxWidth)),
      even(Math.min(height || 480, maxHeight)),
    );
    const context = this.canvas.getContext("2d", { alpha: false, desynchronized: true });
    if (context === null) {
      throw new Error("Record in this page: no canvas to compose the picture on");
    }
    this.#context = context;
  }

  /** Draws the pictures in their order, as large as a grid allows, none of them cut. */
  draw(pictures: Picture[]): void {
    const { width, height } = this.canvas;
    const shown = pictures.slice(0, maxTiles);
    const columns = Math.max(1, Math.ceil(Math.sqrt(shown.length)));
    const rows = Math.max(1, Math.ceil(shown.length / columns));
    const tileWidth = Math.floor(width / columns);
    const tileHeight = Math.floor(height / rows);
    this.#context.fillStyle = "#000";
    this.#context.fillRect(0, 0, width, height);
    shown.forEach((picture, index) => {
      const x = (index % columns) * tileWidth;
      const y = Math.floor(index / columns) * tileHeight;
      if (picture.frame !== null) this.#drawFrame(picture.frame, x, y, tileWidth, tileHeight);
      else this.#drawName(picture.name, x, y, tileWidth, tileHeight);
    });
  }

  #drawFrame(frame: VideoFrame, x: number, y: number, width: number, height: number): void {
    const scale = Math.min(width / frame.displayWidth, height / frame.displayHeight);
    const drawnWidth = Math.round(frame.displayWidth * scale);
    const drawnHeight = Math.round(frame.displayHeight * scale);
    this.#context.drawImage(
      frame,
      x + Math.floor((width - drawnWidth) / 2),
      y + Math.floor((height - drawnHeight) / 2),
      drawnWidth,
      drawnHeight,
    );
  }

  #drawName(name: string, x: number, y: number, width: number, height: number): void {
    this.#context.fillStyle = "#2a2d34";
    this.#context.fillRect(x + 1, y + 1, width - 2, height - 2);
    this.#context.fillStyle = "#e8eaed";
    this.#context.font = `${Math.max(12, Math.round(height / 12))}px sans-serif`;
    this.#context.textAlign = "center";
    this.#context.textBaseline = "middle";
    this.#context.fillText(name, x + width / 2, y + height / 2, width * 0.9);
  }
}

function even(pixels: number): number {
  return Math.max(2, 2 * Math.round(pixels / 2));
}
