import type { Chapter } from "../chapters.ts";
import { formatClock } from "../time_code.ts";

/** The parts of the film to jump to; those that cannot be played say why. */
export function Chapters({ chapters, current, onChoose }: {
  chapters: readonly Chapter[];
  /** `seq` of the part that plays now, or -1. */
  current: number;
  onChoose(chapter: Chapter): void;
}) {
  if (chapters.length < 2) return null;
  return (
    <ol class="player-chapters" aria-label="Parts">
      {chapters.map((chapter) => (
        <li key={chapter.seq}>
          <button
            type="button"
            disabled={chapter.missing !== null}
            aria-current={chapter.seq === current ? "true" : undefined}
            onClick={() => onChoose(chapter)}
          >
            <strong>{chapter.title}</strong>
            <span class="number">{formatClock(chapter.fromSeconds)}</span>
            {chapter.missing ? <span class="player-missing">{chapter.missing.reason}</span> : null}
          </button>
        </li>
      ))}
    </ol>
  );
}
