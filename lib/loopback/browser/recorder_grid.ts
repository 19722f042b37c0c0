/** Composes what a recording shows: a grid of everybody's picture. */
import { blackPlanes, drawnPlanes, type Planes, scaleInto, toFrame } from "./recorder_planes.ts";

/** Tiles shown at most, as in the platform's composed archives. */
const maxTiles = 16;
/** Highest composed size, pixels. */
const maxWidth = 1920;
const maxHeight = 1080;

/** What one tile shows: a picture, or the name on a plain ground. */
export interface Picture {
  name: string;
  /** Names the camera. */
  feed: string | null;
  planes: Planes | null;
}

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The composed picture of one recording. */
export class Grid {
  #composed: Planes;
  /** What each tile holds: drawn again only when it changes. */
  #shown: { name: string; serial: number | null; box: Box }[] = [];

  constructor(width: number, height: number) {
    this.#composed = blackPlanes(
      even(Math.min(width || 640, maxWidth)),
      even(Math.min(height || 480, maxHeight)),
    );
  }

  /** Width of the composed picture, pixels. */
  get width(): number {
    return this.#composed.width;
  }

  /** Height of the composed picture, pixels. */
  get height(): number {
    return this.#composed.height;
  }

  /** Composes the pictures in their order, as large as a grid allows, none of them cut. */
  compose(pictures: Picture[], atMs: number): VideoFrame {
    const { width, height } = this.#composed;
    const visible = pictures.slice(0, maxTiles);
    const columns = Math.max(1, Math.ceil(Math.sqrt(visible.length)));
    const rows = Math.max(1, Math.ceil(visible.length / columns));
    const tile = { width: evenBelow(width / columns), height: evenBelow(height / rows) };
    const wanted = visible.map(({ name, planes }, index) => ({
      name,
      serial: planes?.serial ?? null,
      box: within(planes ?? tile, {
        x: (index % columns) * tile.width,
        y: Math.floor(index / columns) * tile.height,
        ...tile,
      }),
    }));
    const sameBoxes = wanted.length === this.#shown.length &&
      wanted.every(({ box }, i) => isSameBox(box, this.#shown[i]?.box));
    if (!sameBoxes) {
      this.#composed = blackPlanes(width, height);
      this.#shown = [];
    }
    for (const [i, { name, planes }] of visible.entries()) {
      const next = wanted[i];
      const before = this.#shown[i];
      if (next === undefined) continue;
      if (before?.serial === next.serial && before.name === name) continue;
      scaleInto(this.#composed, planes ?? nameTile(name, next.box), next.box);
    }
    this.#shown = wanted;
    return toFrame(this.#composed, atMs);
  }
}

/** The largest box of a picture's shape inside a tile, in its middle. */
function within(picture: { width: number; height: number }, tile: Box): Box {
  const scale = Math.min(tile.width / picture.width, tile.height / picture.height);
  const width = evenBelow(picture.width * scale);
  const height = evenBelow(picture.height * scale);
  return {
    x: tile.x + evenBelow((tile.width - width) / 2),
    y: tile.y + evenBelow((tile.height - height) / 2),
    width,
    height,
  };
}

function isSameBox(a: Box, b: Box | undefined): boolean {
  return a.x === b?.x && a.y === b.y && a.width === b.width && a.height === b.height;
}

function nameTile(name: string, { width, height }: Box): Planes {
  return drawnPlanes(width, height, (context) => {
    context.fillStyle = "#2a2d34";
    context.fillRect(1, 1, width - 2, height - 2);
    context.fillStyle = "#e8eaed";
    context.font = `${Math.max(12, Math.round(height / 12))}px sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(name, width / 2, height / 2, width * 0.9);
  });
}

function even(pixels: number): number {
  return Math.max(2, 2 * Math.round(pixels / 2));
}

function evenBelow(pixels: number): number {
  return Math.max(0, 2 * Math.floor(pixels / 2 + 1e-6));
}
