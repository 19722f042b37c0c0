import type { Film } from "../lib/recording/views.ts";
import { formatDuration } from "./format.ts";

/** The stretches of a film that nothing was recorded in, and why. */
export function GapList({ gaps }: { gaps: Film["gaps"] }) {
  if (gaps.length === 0) return null;
  return (
    <div class="notice error stack tight">
      <p>Nothing was recorded in these stretches:</p>
      <ul>
        {gaps.map((gap) => (
          <li key={gap.fromSeconds}>
            {`${lengthOf(gap)} at ${formatDuration(gap.fromSeconds)}`}
            {gap.cause ? `: ${gap.cause}` : null}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Short gaps to a hundredth of a second: there each frame counts. */
function lengthOf({ fromSeconds, toSeconds }: Film["gaps"][number]): string {
  const seconds = toSeconds - fromSeconds;
  return seconds < 60 ? `${seconds.toFixed(2)} s` : formatDuration(seconds);
}
