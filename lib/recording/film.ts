/** A chain as one film: its parts on one timeline, the seams between them, what is missing. */
import type { Chain, Lane, Part, TimeSource } from "./model.ts";
import type { Film, FilmPart, Seam } from "./views.ts";
import {
  continuityOf,
  coveredSpans,
  doubledMs,
  holesBetween,
  knownCause,
  type Span,
  spanOf,
} from "./coverage.ts";

/** What a film depends on besides its chain. */
export interface FilmOptions {
  /** Now, for parts that still run. */
  nowMs: number;
  /** Seconds added to the offset at which a part of this lane is entered, as in the sample. */
  playerOffsets?: { primarySeconds: number; secondarySeconds: number };
  /** Where an archive's media is; by default this app's own address for it. */
  mediaUrl?: (archiveId: string) => string;
}

/** A part on its way onto the timeline, in ms of corrected wall clock. */
interface Placed {
  part: Part;
  fromMs: number;
  /** null while its length is unknown. */
  lengthMs: number | null;
  runs: boolean;
}

/** Best first. */
const SOURCES: readonly TimeSource[] = ["content", "file", "events", "platform", "request"];
/** Files of archives in these statuses cannot be played, now or ever. */
const UNPLAYABLE: ReadonlySet<Part["status"]> = new Set(["failed", "deleted", "expired"]);

/**
 * The film of a chain: film time 0 is the first part's first moment, seconds. Parts lie where they
 * were recorded, so the timeline is monotonic and overlaps are where the seams are; a part that
 * others cover wholly is left out.
 */
export function filmOf(chain: Chain, parts: readonly Part[], options: FilmOptions): Film {
  const placed = place(parts, options.playerOffsets);
  const shown = withoutCovered(placed);
  const first = shown[0];
  const epochMs = first?.fromMs ?? chain.createdAtMs;
  const mediaUrl = options.mediaUrl ??
    ((archiveId) => `/api/archives/${encodeURIComponent(archiveId)}/media`);
  const spanNow = (p: Placed): Span => ({ fromMs: p.fromMs, toMs: endOf(p, options.nowMs) });
  const spans = shown.map(spanNow);
  const endMs = spans.reduce((end, span) => Math.max(end, span.toMs ?? end), epochMs);
  const covered = shown.flatMap(({ part, fromMs, ...rest }) => {
    const shiftMs = fromMs - part.startedAtMs;
    const { toMs } = spanNow({ part, fromMs, ...rest });
    return coveredSpans(part).map((span, i, all) => ({
      fromMs: span.fromMs + shiftMs,
      toMs: i === all.length - 1 || span.toMs === null ? toMs : span.toMs + shiftMs,
    }));
  });
  const holes = holesBetween(covered, recordedUntilMs(chain, endMs, options.nowMs));
  const recordedToMs = holes.reduce((to, hole) => Math.max(to, hole.toMs ?? to), endMs);
  return {
    chainId: chain.id,
    room: chain.room,
    name: chain.name,
    options: chain.options,
    state: chain.state,
    createdAtMs: chain.createdAtMs,
    epochMs,
    durationSeconds: (endMs - epochMs) / 1000,
    parts: shown.map((p): FilmPart => ({
      seq: p.part.seq,
      archiveId: p.part.archiveId,
      lane: p.part.lane,
      status: p.part.status,
      reason: p.part.reason,
      placeSeconds: (p.fromMs - epochMs) / 1000,
      durationSeconds: p.lengthMs === null ? null : p.lengthMs / 1000,
      sizeBytes: p.part.sizeBytes,
      ...(p.part.losses && { losses: p.part.losses }),
      mediaUrl: mediaUrl(p.part.archiveId),
    })),
    seams: shown.slice(1).map((later, i) => seamOf(shown[i] ?? later, later, options.nowMs)),
    gaps: holes.map((hole) => ({
      fromSeconds: (hole.fromMs - epochMs) / 1000,
      toSeconds: ((hole.toMs ?? endMs) - epochMs) / 1000,
      cause: knownCause(chain.gaps, hole) ?? "No archive covers this time",
    })),
    continuity: continuityOf(epochMs, recordedToMs, holes),
    overlapSeconds: doubledMs(placed.map(spanNow), options.nowMs) / 1000,
  };
}

/**
 * Parts by time, each moved by its own correction and by those of all before it. Where contents were
 * compared, their answer takes the place of what clocks say.
 */
function place(parts: readonly Part[], offsets: FilmOptions["playerOffsets"]): Placed[] {
  const seconds: Record<Lane, number> = {
    primary: offsets?.primarySeconds ?? 0,
    secondary: offsets?.secondarySeconds ?? 0,
  };
  let shiftMs = 0;
  const placesMs = new Map<number, number>();
  return parts.toSorted((a, b) => a.startedAtMs - b.startedAtMs || a.seq - b.seq)
    .map((part, i) => {
      const { fromMs, toMs } = spanOf(part);
      const beforeMs = part.contentStart && placesMs.get(part.contentStart.afterSeq);
      if (part.contentStart && beforeMs !== undefined) {
        shiftMs = beforeMs + part.contentStart.deltaMs - fromMs;
      }
      if (i > 0) shiftMs += part.nudgeMs - seconds[part.lane] * 1000;
      placesMs.set(part.seq, fromMs + shiftMs);
      return {
        part,
        fromMs: fromMs + shiftMs,
        lengthMs: toMs === null ? null : toMs - fromMs,
        runs: part.endedAtMs === null,
      };
    });
}

/**
 * Leaves out parts that lie wholly inside a playable other: they would show a moment twice. What may
 * only look so because times are uncertain stays.
 */
function withoutCovered(placed: Placed[]): Placed[] {
  return placed.filter((inner) => {
    if (inner.lengthMs === null) return true;
    const innerToMs = inner.fromMs + inner.lengthMs;
    return !placed.some((outer) => {
      if (outer === inner || UNPLAYABLE.has(outer.part.status)) return false;
      const toMs = outer.lengthMs === null && outer.runs ? Infinity : endOf(outer, 0);
      const marginMs = outer.part.startUncertaintyMs + inner.part.startUncertaintyMs;
      return inner.fromMs - outer.fromMs > marginMs && toMs - innerToMs > marginMs;
    });
  });
}

function endOf(placed: Placed, nowMs: number): number {
  if (placed.lengthMs !== null) return placed.fromMs + placed.lengthMs;
  return placed.runs ? Math.max(placed.fromMs, nowMs) : placed.fromMs;
}

/** A chain that still records has been recorded until now; one that ended, until its last gap's end. */
function recordedUntilMs(chain: Chain, endMs: number, nowMs: number): number {
  const running = chain.state === "recording" || chain.state === "stopping";
  if (running) return Math.max(endMs, nowMs);
  return chain.gaps.reduce((until, gap) => Math.max(until, gap.toMs ?? until), endMs);
}

function seamOf(earlier: Placed, later: Placed, nowMs: number): Seam {
  const overlapMs = endOf(earlier, nowMs) - later.fromMs;
  const { contentStart, nudgeMs } = later.part;
  const content = contentStart?.afterSeq === earlier.part.seq ? contentStart : null;
  const worse = Math.max(
    SOURCES.indexOf(earlier.part.startSource),
    SOURCES.indexOf(later.part.startSource),
  );
  return {
    afterSeq: earlier.part.seq,
    overlapMs,
    offsetMs: overlapMs,
    source: content ? "content" : SOURCES[worse] ?? "request",
    uncertaintyMs: content?.uncertaintyMs ??
      Math.max(earlier.part.startUncertaintyMs, later.part.startUncertaintyMs),
    ...(content && { confidence: content.confidence }),
    ...(nudgeMs !== 0 && { nudgeMs }),
  };
}
