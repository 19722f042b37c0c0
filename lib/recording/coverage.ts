/** Which moments of a recording are covered by an archive, and which are not. */
import type { Chain, Gap, Part } from "./model.ts";

/** A stretch of wall clock, ms; `toMs` null: it goes on. */
export interface Span {
  fromMs: number;
  toMs: number | null;
}

/** Most gaps that a chain keeps apart; older ones are joined beyond that (a record holds 64 KiB). */
const MAX_GAPS = 200;

/** A part's stretch of wall clock. */
export function spanOf(part: Part): Span {
  const fromMs = part.startedAtMs;
  const length = part.durationMs ??
    (part.endedAtMs === null ? null : Math.max(0, part.endedAtMs - part.startedAtMs));
  return { fromMs, toMs: length === null ? null : fromMs + length };
}

/** A part's intervals of wall clock: {@link spanOf} without the gaps inside its file. */
export function coveredSpans(part: Part): Span[] {
  const { fromMs, toMs } = spanOf(part);
  const spans: Span[] = [];
  let startMs = fromMs;
  for (const gap of part.gaps ?? []) {
    spans.push({ fromMs: startMs, toMs: gap.fromMs });
    startMs = gap.toMs;
  }
  return [...spans, { fromMs: startMs, toMs }];
}

/**
 * The holes that `spans` leave between the start of the first and `untilMs`; with `untilMs` null the
 * recording goes on, and the last hole is open if none of them does.
 */
export function holesBetween(spans: readonly Span[], untilMs: number | null): Span[] {
  const sorted = spans.toSorted((a, b) => a.fromMs - b.fromMs);
  const first = sorted[0];
  if (!first) return [];
  const holes: Span[] = [];
  let coveredToMs = first.fromMs;
  for (const span of sorted) {
    if (span.fromMs > coveredToMs) holes.push({ fromMs: coveredToMs, toMs: span.fromMs });
    if (span.toMs === null) return holes;
    coveredToMs = Math.max(coveredToMs, span.toMs);
  }
  if (untilMs === null) holes.push({ fromMs: coveredToMs, toMs: null });
  else if (untilMs > coveredToMs) holes.push({ fromMs: coveredToMs, toMs: untilMs });
  return holes;
}

/**
 * A chain's gaps, brought up to date with its parts; they keep the cause they were given. If `parts`
 * are only the last ones, the gaps before the first of them stay as they are.
 */
export function updatedGaps(
  gaps: readonly Gap[],
  parts: readonly Part[],
  untilMs: number | null,
): Gap[] {
  const whole = parts.length === 0 || parts.some((part) => part.seq === 0);
  const firstMs = parts.reduce((least, part) => Math.min(least, spanOf(part).fromMs), Infinity);
  const kept = whole ? [] : gaps.filter((gap) => gap.fromMs < firstMs);
  const holes = holesBetween(parts.flatMap(coveredSpans), untilMs)
    .filter((hole) => hole.toMs === null || hole.toMs !== untilMs || isCertain(hole, parts));
  const recent = holes.map((hole): Gap => ({
    fromMs: hole.fromMs,
    toMs: hole.toMs,
    cause: knownCause(gaps, hole) ?? causeOf(parts, hole.fromMs),
  }));
  const all = [...kept, ...recent];
  while (all.length > MAX_GAPS) {
    const [a, b] = all;
    if (!a || !b) break;
    all.splice(0, 2, { fromMs: a.fromMs, toMs: b.toMs, cause: "Several interruptions" });
  }
  return all;
}

/** Covered time / recorded time between two moments, 0 to 1; an open gap counts up to `toMs`. */
export function continuityOf(fromMs: number, toMs: number, gaps: readonly Span[]): number {
  const recorded = toMs - fromMs;
  if (recorded <= 0) return 1;
  const lost = gaps.reduce(
    (sum, gap) =>
      sum + Math.max(0, Math.min(gap.toMs ?? toMs, toMs) - Math.max(gap.fromMs, fromMs)),
    0,
  );
  return Math.min(1, Math.max(0, 1 - lost / recorded));
}

/** What a chain keeps of its continuity once it has ended, 0 to 1; `parts` may be only the last ones. */
export function keptContinuity(chain: Chain, parts: readonly Part[]): number {
  const first = parts.find((part) => part.seq === 0);
  const toMs = chain.stopRequestedAtMs ?? chain.stoppedAtMs ?? chain.createdAtMs;
  return continuityOf(first?.startedAtMs ?? chain.createdAtMs, toMs, chain.gaps);
}

/**
 * How much was recorded more than once, ms: what handovers cost. A span that goes on counts up to
 * `nowMs`.
 */
export function doubledMs(spans: readonly Span[], nowMs: number): number {
  let doubled = 0;
  let coveredToMs = -Infinity;
  for (const span of spans.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const toMs = Math.max(span.fromMs, span.toMs ?? nowMs);
    doubled += Math.max(0, Math.min(coveredToMs, toMs) - span.fromMs);
    coveredToMs = Math.max(coveredToMs, toMs);
  }
  return doubled;
}

/** The cause of the recorded gap that is the same hole, seen with other knowledge of its ends. */
export function knownCause(gaps: readonly Gap[], hole: Span): string | null {
  const same = gaps.find((gap) =>
    gap.fromMs <= (hole.toMs ?? Infinity) && hole.fromMs <= (gap.toMs ?? Infinity)
  );
  return same?.cause ?? null;
}

/** A hole before Stop may be made by rounding: an archive's length is told in whole seconds. */
function isCertain(hole: Span, parts: readonly Part[]): boolean {
  const last = parts.find((part) => spanOf(part).toMs === hole.fromMs);
  return (hole.toMs ?? Infinity) - hole.fromMs > 2 * (last?.startUncertaintyMs ?? 0);
}

function causeOf(parts: readonly Part[], fromMs: number): string {
  if (parts.some(({ gaps = [] }) => gaps.some((gap) => gap.fromMs === fromMs))) {
    return "The page that recorded was closed or lost, until another page took over";
  }
  const last = parts.filter((part) => (spanOf(part).toMs ?? Infinity) <= fromMs)
    .sort((a, b) => (spanOf(b).toMs ?? 0) - (spanOf(a).toMs ?? 0))[0];
  if (last?.stopAskedAtMs !== undefined) {
    return "The archive was stopped in time, but its last moments are missing";
  }
  const reason = last?.reason ? ` (${last.reason})` : "";
  return `The archive ended by itself${reason}`;
}
