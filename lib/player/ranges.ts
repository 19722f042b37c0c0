/** Time ranges of a film: pure. */
import type { Range } from "./plan.ts";

/** A `TimeRanges` made of a list, for what a single media element cannot answer. */
export class FilmRanges implements TimeRanges {
  readonly #ranges: readonly Range[];
  constructor(ranges: readonly Range[]) {
    this.#ranges = ranges;
  }
  get length(): number {
    return this.#ranges.length;
  }
  /** Start of a range, seconds. Throws `IndexSizeError` as the browser's own does. */
  start(index: number): number {
    return this.#at(index).startSeconds;
  }
  /** End of a range, seconds. Throws `IndexSizeError` as the browser's own does. */
  end(index: number): number {
    return this.#at(index).endSeconds;
  }
  #at(index: number): Range {
    const range = this.#ranges[index];
    if (!range) {
      const message = `Index ${index} is outside 0 to ${this.#ranges.length - 1}`;
      throw new DOMException(message, "IndexSizeError");
    }
    return range;
  }
}

/** Adds a stretch to sorted, separate ranges, joining what touches; an empty stretch adds nothing. */
export function addRange(
  ranges: readonly Range[],
  startSeconds: number,
  endSeconds: number,
): Range[] {
  if (!(endSeconds > startSeconds)) return [...ranges];
  const apart = ranges.filter((r) => r.endSeconds < startSeconds || r.startSeconds > endSeconds);
  const joined = ranges.filter((range) => !apart.includes(range));
  const merged = {
    startSeconds: Math.min(startSeconds, ...joined.map((range) => range.startSeconds)),
    endSeconds: Math.max(endSeconds, ...joined.map((range) => range.endSeconds)),
  };
  return [...apart, merged].sort((a, b) => a.startSeconds - b.startSeconds);
}
