/** The numbers behind the live picture of both lanes: pure, from a room's state and the clock. */
import type { Lane, Part } from "../recording/model.ts";
import type { RoomView, Step } from "../recording/views.ts";

/** A part as a bar. Places are fractions of the picture's width, 0 (left) to 1 (now, right). */
export interface Bar {
  seq: number;
  lane: Lane;
  from: number;
  to: number;
  running: boolean;
}
/** Two parts that cover the same time, or a moment that none covers. */
export interface Stretch {
  from: number;
  to: number;
}
/** One drawing of the last minutes. */
export interface LanesPicture {
  /** How much time the width stands for, ms. */
  spanMs: number;
  bars: Bar[];
  overlaps: Stretch[];
  gaps: Stretch[];
}

/** The picture grows with the recording from half a minute up to ten. */
const SPANS_MS = [30_000, 60_000, 120_000, 300_000, 600_000];

/** Draws the last minutes before `nowMs` (server's clock). */
export function drawLanes(view: RoomView, nowMs: number): LanesPicture {
  const starts = view.parts.map((part) => part.startedAtMs);
  const age = starts.length === 0 ? 0 : nowMs - Math.min(...starts);
  const spanMs = SPANS_MS.find((span) => age <= span * 0.95) ?? 600_000;
  const place = (atMs: number) => Math.min(1, Math.max(0, 1 - (nowMs - atMs) / spanMs));
  const stretch = (fromMs: number, toMs: number): Stretch[] => {
    const [from, to] = [place(fromMs), place(toMs)];
    return to > from ? [{ from, to }] : [];
  };
  return {
    spanMs,
    bars: view.parts.flatMap((part) =>
      stretch(part.startedAtMs, part.endedAtMs ?? nowMs).map((where) => ({
        ...where,
        seq: part.seq,
        lane: part.lane,
        running: part.endedAtMs === null,
      }))
    ),
    overlaps: pairs(view.parts).flatMap(([before, after]) =>
      stretch(after.startedAtMs, Math.min(before.endedAtMs ?? nowMs, after.endedAtMs ?? nowMs))
    ),
    gaps: (view.chain?.gaps ?? []).flatMap((gap) => stretch(gap.fromMs, gap.toMs ?? nowMs)),
  };
}

/** How long each pair of neighbours covered the same time, ms, oldest first; negative is a gap. */
export function overlapsMs(parts: readonly Part[]): number[] {
  // While the earlier part still runs its overlap grows: it is not counted yet.
  return pairs(parts).flatMap(([before, after]) =>
    before.endedAtMs === null
      ? []
      : [Math.min(before.endedAtMs, after.endedAtMs ?? Infinity) - after.startedAtMs]
  );
}

function pairs(parts: readonly Part[]): [Part, Part][] {
  const inOrder = [...parts].sort((a, b) => a.seq - b.seq);
  return inOrder.flatMap((part, n) => {
    const next = inOrder[n + 1];
    return next ? [[part, next] as [Part, Part]] : [];
  });
}

/** What a running step does, as said to the host. */
export const stepWords: Record<Step, string> = {
  "starting": "Starting the first archive",
  "joining": "Waiting for everybody to join the secondary session",
  "starting-interim": "Starting the interim archive on the secondary session",
  "overlapping-interim": "Both archives run: overlapping",
  "stopping-previous": "Stopping the previous archive",
  "starting-next": "Starting the next archive on the primary session",
  "overlapping-next": "Both archives run: overlapping",
  "stopping-interim": "Stopping the interim archive",
  "leaving": "Everybody leaves the secondary session",
  "undoing": "Taking the unfinished handover back",
  "stopping": "Stopping the last archive",
  "replacing": "Replacing an archive that ended by itself",
};

/** The steps of a handover between two sessions, for "step 3 of 8". */
export const handoverSteps: readonly Step[] = [
  "joining",
  "starting-interim",
  "overlapping-interim",
  "stopping-previous",
  "starting-next",
  "overlapping-next",
  "stopping-interim",
  "leaving",
];

/** A duration for people: 0:07, 12:34, 1:02:03. Negative ones are shown as 0:00. */
export function clockText(durationMs: number): string {
  const seconds = Math.max(0, Math.floor(durationMs / 1000));
  const two = (value: number) => String(value).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
