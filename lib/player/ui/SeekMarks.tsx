import { useSignal } from "@preact/signals";
import { marksOf } from "../marks.ts";
import type { Timeline } from "../timeline.ts";

/** How much of the earlier part is seen before a seam that was chosen. */
const LEAD_SECONDS = 2;
/** Keys that mean something here, so that they do not also steer the film. */
const KEYS_USED = "ArrowLeft ArrowRight Home End Space Enter";

/** Seams and gaps over the seek bar. One stop for the tab key; arrows go from seam to seam. */
export function SeekMarks({ timeline, onSeek }: {
  timeline: Timeline;
  onSeek(seconds: number): void;
}) {
  const chosen = useSignal(0);
  const { seams, holes } = marksOf(timeline);
  const share = (seconds: number) => `${100 * seconds / (timeline.durationSeconds || 1)}%`;
  if (seams.length + holes.length === 0) return null;

  const stop = Math.min(chosen.value, seams.length - 1);
  const onKeyDown = (event: KeyboardEvent) => {
    const to = { ArrowLeft: stop - 1, ArrowRight: stop + 1, Home: 0, End: Infinity }[event.key];
    if (to === undefined || !(event.currentTarget instanceof HTMLElement)) return;
    event.preventDefault();
    chosen.value = Math.max(0, Math.min(to, seams.length - 1));
    event.currentTarget.querySelectorAll("button")[chosen.value]?.focus();
  };
  return (
    <div
      class="player-marks"
      role="toolbar"
      aria-label="Seams and gaps"
      onKeyDown={onKeyDown}
    >
      {holes.map((hole) => (
        <span
          key={hole.fromSeconds}
          class="player-hole"
          role="img"
          aria-label={hole.title}
          style={{ left: share(hole.fromSeconds), width: share(hole.toSeconds - hole.fromSeconds) }}
        />
      ))}
      {seams.map((seam, index) => (
        <button
          key={seam.seconds}
          type="button"
          class="player-seam"
          aria-label={seam.title}
          tabIndex={index === stop ? 0 : -1}
          style={{ left: share(seam.seconds) }}
          onFocus={() => chosen.value = index}
          onClick={() => onSeek(Math.max(0, seam.seconds - LEAD_SECONDS))}
          {...{ keysused: KEYS_USED }}
        />
      ))}
    </div>
  );
}
