/** Where the tiles of a call go: pure arithmetic, so that every size can be tested. */

/** A grid of equal tiles, in CSS pixels. */
export interface Grid {
  columns: number;
  rows: number;
  tileWidth: number;
  tileHeight: number;
}

/** How narrow and how wide a tile may be cut, width / height. */
const NARROWEST = 3 / 4;
const WIDEST = 16 / 9;
/** What cameras send, mostly: a tile of another shape cuts some of it off. */
const CAMERA = 4 / 3;

/**
 * The grid of `count` equal tiles that shows the most picture in `width` x `height` with `gap` between
 * them. Tiles keep between 3:4 and 16:9, so that faces are not cut off. Of two grids that show about
 * the same, the one with fewer empty places wins. Zero or unusable sizes give a grid of size 0.
 */
export function bestGrid(count: number, width: number, height: number, gap = 8): Grid {
  const tiles = Math.max(1, Math.floor(count));
  let best: Grid = { columns: 1, rows: tiles, tileWidth: 0, tileHeight: 0 };
  let bestScore = 0;
  for (let columns = 1; columns <= tiles; columns++) {
    const rows = Math.ceil(tiles / columns);
    const placeWidth = (width - gap * (columns - 1)) / columns;
    const placeHeight = (height - gap * (rows - 1)) / rows;
    if (!(placeWidth > 0 && placeHeight > 0)) continue;
    const tileWidth = Math.min(placeWidth, placeHeight * WIDEST);
    const tileHeight = Math.min(placeHeight, tileWidth / NARROWEST);
    const empty = columns * rows - tiles;
    const shape = tileWidth / tileHeight;
    const seen = Math.min(shape / CAMERA, CAMERA / shape);
    const score = tileWidth * tileHeight * seen * (1 - 0.02 * empty);
    if (score > bestScore) {
      bestScore = score;
      best = {
        columns,
        rows,
        tileWidth: Math.floor(tileWidth),
        tileHeight: Math.floor(tileHeight),
      };
    }
  }
  return best;
}
