/** Sums up what was measured. */

/** The sum of all values. */
export function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The value in the middle, the higher one of two; NaN if there is none. */
export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
