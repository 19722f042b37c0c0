/** Where the streams of a composed recording are shown. */

/** Width and height, pixels. */
export interface Size {
  width: number;
  height: number;
}
/** A rectangle of the composed frame, even pixels. */
export interface Rect extends Size {
  x: number;
  y: number;
}

/**
 * "Best fit": as many columns and rows as make the tiles largest, spaced evenly; every stream is
 * fitted into the middle of its tile and never cut.
 */
export function layout(streams: readonly Size[], { width, height }: Size): Rect[] {
  const fit = ({ width: w, height: h }: Size, columns: number, rows: number): Size => {
    const scale = Math.min(width / columns / w, height / rows / h);
    return { width: even(w * scale), height: even(h * scale) };
  };
  let best = { columns: 1, area: -1 };
  for (let columns = 1; columns <= streams.length; columns++) {
    const rows = Math.ceil(streams.length / columns);
    const area = streams.reduce((sum, stream) => {
      const { width, height } = fit(stream, columns, rows);
      return sum + width * height;
    }, 0);
    if (area >= best.area) best = { columns, area };
  }
  const rows = Math.ceil(streams.length / best.columns);
  return streams.map((stream, i) => {
    const row = Math.floor(i / best.columns);
    // The last row may have fewer tiles: they are centred.
    const inRow = Math.min(best.columns, streams.length - row * best.columns);
    const size = fit(stream, best.columns, rows);
    const left = (width - inRow * width / best.columns) / 2;
    return {
      x: even(left + (i % best.columns + 0.5) * width / best.columns - size.width / 2),
      y: even((row + 0.5) * height / rows - size.height / 2),
      ...size,
    };
  });
}

/** The largest even number that is not above `pixels`. */
export function even(pixels: number): number {
  return Math.max(0, 2 * Math.floor(pixels / 2 + 1e-6));
}
