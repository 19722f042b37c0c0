/**
 * A frame that carries its own number, readable after encoding, scaling and composing into a grid: a
 * coloured border (which says whose camera it is and where its tile lies), and inside it 4 rows of 8
 * black or white cells: 16 bits of the number, then the same bits inverted.
 */

/** Border colours; each camera has one. */
export const COLOURS = { magenta: [230, 20, 230], green: [20, 220, 20] } as const;
/** Whose camera a frame comes from. */
export type Colour = keyof typeof COLOURS;

const COLUMNS = 8;
const ROWS = 4;
const BITS = 16;
/** Border thickness as a share of each side. */
const BORDER = 0.08;

type Context2d = Pick<CanvasRenderingContext2D, "fillStyle" | "fillRect">;

/** Draws frame `number` (0 to 65535) over the whole of a `width` x `height` canvas. */
export function drawFrame(
  context: Context2d,
  width: number,
  height: number,
  number: number,
  colour: Colour,
): void {
  context.fillStyle = `rgb(${COLOURS[colour].join(",")})`;
  context.fillRect(0, 0, width, height);
  drawCells(context, width, height, number);
}

/** Draws the cells of a number; only those that differ from the number already drawn, if that is given. */
export function drawCells(
  context: Context2d,
  width: number,
  height: number,
  number: number,
  drawn?: number,
): void {
  const cellWidth = width * (1 - 2 * BORDER) / COLUMNS;
  const cellHeight = height * (1 - 2 * BORDER) / ROWS;
  // Redrawn alone, a cell must cover nothing of its neighbours: whole pixels. Drawn all, they overlap.
  const whole = drawn === undefined ? (pixels: number) => pixels : Math.round;
  const more = drawn === undefined ? 1 : 0;
  const left = (column: number) => whole(width * BORDER + column * cellWidth);
  const top = (row: number) => whole(height * BORDER + row * cellHeight);
  for (let cell = 0; cell < COLUMNS * ROWS; cell++) {
    const bit = (number >> (cell % BITS)) & 1;
    if (drawn !== undefined && bit === ((drawn >> (cell % BITS)) & 1)) continue;
    const white = cell < BITS ? bit === 1 : bit === 0;
    context.fillStyle = white ? "#fff" : "#000";
    const [column, row] = [cell % COLUMNS, Math.floor(cell / COLUMNS)];
    context.fillRect(
      left(column),
      top(row),
      left(column + 1) - left(column) + more,
      top(row + 1) - top(row) + more,
    );
  }
}

/** Reads the number of the `colour` camera's tile in an RGBA frame; null where none is readable. */
export function readFrame(
  pixels: Uint8ClampedArray,
  width: number,
  height: number,
  colour: Colour,
): number | null {
  const tile = findTile(pixels, width, height, colour);
  if (!tile) return null;
  const cellWidth = tile.width * (1 - 2 * BORDER) / COLUMNS;
  const cellHeight = tile.height * (1 - 2 * BORDER) / ROWS;
  let number = 0;
  for (let cell = 0; cell < COLUMNS * ROWS; cell++) {
    const x = tile.left + tile.width * BORDER + (cell % COLUMNS + 0.5) * cellWidth;
    const y = tile.top + tile.height * BORDER + (Math.floor(cell / COLUMNS) + 0.5) * cellHeight;
    const at = (Math.floor(y) * width + Math.floor(x)) * 4;
    const luma = (pixels[at] ?? 0) + (pixels[at + 1] ?? 0) + (pixels[at + 2] ?? 0);
    const bit = luma > 384 ? 1 : 0;
    if (cell < BITS) number |= bit << cell;
    else if (((number >> (cell - BITS)) & 1) === bit) return null;
  }
  return number;
}

/** The box of all pixels of a border's colour, or null where there are too few to be a tile. */
function findTile(pixels: Uint8ClampedArray, width: number, height: number, colour: Colour) {
  const [r, g, b] = COLOURS[colour];
  const columns = new Uint32Array(width);
  const rows = new Uint32Array(height);
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2) {
      const at = (y * width + x) * 4;
      const distance = Math.abs((pixels[at] ?? 0) - r) + Math.abs((pixels[at + 1] ?? 0) - g) +
        Math.abs((pixels[at + 2] ?? 0) - b);
      if (distance > 150) continue;
      columns[x] = (columns[x] ?? 0) + 1;
      rows[y] = (rows[y] ?? 0) + 1;
    }
  }
  const span = (counts: Uint32Array) => {
    const first = counts.findIndex((count) => count > 4);
    const last = counts.findLastIndex((count) => count > 4);
    return first < 0 || last - first < 24 ? null : { first, length: last - first + 2 };
  };
  const across = span(columns);
  const down = span(rows);
  if (!across || !down) return null;
  return { left: across.first, top: down.first, width: across.length, height: down.length };
}
