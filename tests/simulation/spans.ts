/** Arithmetic of stretches of time. */

/** From `fromMs` up to, not including, `toMs`. */
export interface Stretch {
  fromMs: number;
  toMs: number;
}

/** The same time as stretches that do not touch, in order. */
export function union(stretches: readonly Stretch[]): Stretch[] {
  const whole: Stretch[] = [];
  for (const { fromMs, toMs } of stretches.toSorted((a, b) => a.fromMs - b.fromMs)) {
    if (toMs <= fromMs) continue;
    const last = whole.at(-1);
    if (last && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs);
    else whole.push({ fromMs, toMs });
  }
  return whole;
}

/** What of `stretches` is not in `taken`. */
export function without(stretches: readonly Stretch[], taken: readonly Stretch[]): Stretch[] {
  let left = union(stretches);
  for (const { fromMs, toMs } of union(taken)) {
    left = left.flatMap((s) =>
      [
        { fromMs: s.fromMs, toMs: Math.min(s.toMs, fromMs) },
        { fromMs: Math.max(s.fromMs, toMs), toMs: s.toMs },
      ].filter((piece) => piece.toMs > piece.fromMs)
    );
  }
  return left;
}

/** What is in both. */
export function common(a: readonly Stretch[], b: readonly Stretch[]): Stretch[] {
  return without(a, without(a, b));
}

/** How long they are together. */
export function lengthMs(stretches: readonly Stretch[]): number {
  return union(stretches).reduce((sum, s) => sum + s.toMs - s.fromMs, 0);
}
