import type { Film, FilmPart } from "../lib/recording/views.ts";
import { formatDuration } from "./format.ts";

/** The drawing's own units: it is stretched to the page's width. */
const WIDTH = 1000;
const LANE_HEIGHT = 40;
const BAR_HEIGHT = 24;
/** Overlaps of seconds would vanish beside hours: nothing is drawn thinner than this. */
const THINNEST = 3;

const LANE_TOP = { primary: 0, secondary: LANE_HEIGHT };

/** A part without a file that can be played, now or soon. */
function unusable(part: FilmPart): boolean {
  return part.status === "failed" || part.status === "deleted" || part.status === "expired";
}

/** The parts of a chain on its two lanes, with what overlaps, where the seams are and what is missing. */
export function ChainPicture({ film }: { film: Film }) {
  const lengthSeconds = Math.max(
    film.durationSeconds,
    ...film.parts.map((part) => part.placeSeconds + (part.durationSeconds ?? 0)),
    ...film.gaps.map((gap) => gap.toSeconds),
    1,
  );
  const x = (seconds: number) => Math.min(WIDTH, Math.max(0, seconds / lengthSeconds * WIDTH));
  const span = (fromSeconds: number, toSeconds: number) => {
    const width = Math.max(THINNEST, x(toSeconds) - x(fromSeconds));
    return { x: Math.min(x(fromSeconds), WIDTH - width), width };
  };
  // A part that still runs reaches to the end of what is known.
  const endOf = (part: FilmPart) =>
    part.durationSeconds === null ? lengthSeconds : part.placeSeconds + part.durationSeconds;
  const joins = film.seams.flatMap((seam) => {
    const index = film.parts.findIndex((part) => part.seq === seam.afterSeq);
    const [earlier, later] = [film.parts[index], film.parts[index + 1]];
    return earlier && later ? [{ seam, earlier, later }] : [];
  });
  const overlaps = joins.filter(({ seam }) => seam.overlapMs > 0);
  const facts = factsOf(film);

  return (
    <figure class="chain-picture">
      <div class="lane-names" aria-hidden="true">
        <span>Primary</span>
        <span>Secondary</span>
      </div>
      <svg
        viewBox={`0 0 ${WIDTH} ${2 * LANE_HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-labelledby="chain-picture-title"
        aria-describedby="chain-picture-facts"
      >
        <title id="chain-picture-title">The parts of the film on both sessions</title>
        <desc id="chain-picture-facts">{facts}</desc>
        <line class="divider" x1={0} x2={WIDTH} y1={LANE_HEIGHT} y2={LANE_HEIGHT} />
        {overlaps.map(({ seam, earlier, later }) => (
          <rect
            key={`overlap ${seam.afterSeq}`}
            class="overlap"
            {...span(later.placeSeconds, endOf(earlier))}
            y={0}
            height={2 * LANE_HEIGHT}
          >
            <title>{`${(seam.overlapMs / 1000).toFixed(1)} s overlap`}</title>
          </rect>
        ))}
        {film.parts.map((part) => (
          <rect
            key={`part ${part.seq}`}
            class={unusable(part) ? "part unusable" : "part"}
            {...span(part.placeSeconds, endOf(part))}
            y={LANE_TOP[part.lane] + (LANE_HEIGHT - BAR_HEIGHT) / 2}
            height={BAR_HEIGHT}
          >
            <title>
              {`Part ${part.seq + 1}: ${formatDuration(part.durationSeconds)}, ${part.status}`}
            </title>
          </rect>
        ))}
        {film.gaps.map((gap) => (
          <rect
            key={`gap ${gap.fromSeconds}`}
            class="gap"
            {...span(gap.fromSeconds, gap.toSeconds)}
            y={0}
            height={2 * LANE_HEIGHT}
          >
            <title>{`Nothing recorded: ${gap.cause}`}</title>
          </rect>
        ))}
        {joins.map(({ seam, later }) => {
          const at = x(later.placeSeconds);
          return (
            <line
              key={`seam ${seam.afterSeq}`}
              class="seam"
              x1={at}
              x2={at}
              y1={0}
              y2={2 * LANE_HEIGHT}
            />
          );
        })}
      </svg>
      <div class="axis number" aria-hidden="true">
        <span>{formatDuration(0)}</span>
        <span>{formatDuration(lengthSeconds)}</span>
      </div>
      <figcaption>{facts}</figcaption>
      <ul class="legend" aria-hidden="true">
        <Legend name="Part" look="part" />
        {overlaps.length > 0 ? <Legend name="Overlap" look="overlap" /> : null}
        {joins.length > 0 ? <Legend name="Seam" look="seam" /> : null}
        {film.parts.some(unusable) ? <Legend name="Without a file" look="part unusable" /> : null}
        {film.gaps.length > 0 ? <Legend name="Gap" look="gap" /> : null}
      </ul>
    </figure>
  );
}

function Legend({ name, look }: { name: string; look: string }) {
  return (
    <li>
      <svg viewBox="0 0 24 14">
        {look === "seam"
          ? <line class={look} x1={12} x2={12} y1={0} y2={14} />
          : <rect class={look} width={24} height={14} rx={2} />}
      </svg>
      {name}
    </li>
  );
}

/** What there is to see, in words. */
function factsOf({ parts, seams, gaps, durationSeconds, overlapSeconds }: Film): string {
  const overlapsMs = seams.map((seam) => seam.overlapMs).filter((ms) => ms > 0);
  const [least, most] = [Math.min(...overlapsMs), Math.max(...overlapsMs)].map(inSeconds);
  const counts = `${count(parts.length, "part")}, ${count(seams.length, "seam")} and ${
    count(gaps.length, "gap")
  } in ${formatDuration(durationSeconds)}.`;
  if (overlapsMs.length === 0) return counts;
  const each = least === most ? least : `${least} to ${most}`;
  return `${counts} Neighbours overlap by ${each}, ${inSeconds(overlapSeconds * 1000)} in all.`;
}

function inSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function count(many: number, noun: string): string {
  return `${many === 0 ? "no" : many} ${noun}${many === 1 ? "" : "s"}`;
}
