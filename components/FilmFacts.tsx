import type { Film } from "../lib/recording/views.ts";
import { ChainBadge } from "./Badges.tsx";
import { formatDuration, formatShare } from "./format.ts";

/** What a recording is, in short. */
export function FilmFacts({ film, recorded }: {
  film: Film;
  /** When it was made, in the reader's words. */
  recorded: string;
}) {
  return (
    <dl class="facts card">
      <div>
        <dt>State</dt>
        <dd>
          <ChainBadge state={film.state} />
        </dd>
      </div>
      <div>
        <dt>Room</dt>
        <dd>{film.room}</dd>
      </div>
      <div>
        <dt>Recorded</dt>
        <dd>
          <time datetime={new Date(film.createdAtMs).toISOString()}>{recorded}</time>
        </dd>
      </div>
      <div>
        <dt>Holds</dt>
        <dd>{contentOf(film)}</dd>
      </div>
      <div>
        <dt>Length</dt>
        <dd>{formatDuration(film.durationSeconds)}</dd>
      </div>
      <div>
        <dt>Continuity</dt>
        <dd>{formatShare(film.continuity)}</dd>
      </div>
      <div>
        <dt>Recorded twice</dt>
        <dd>{`${film.overlapSeconds.toFixed(1)} s`}</dd>
      </div>
    </dl>
  );
}

function contentOf({ options: { hasAudio, hasVideo, outputMode } }: Film): string {
  const content = hasAudio && hasVideo ? "Sound and picture" : hasAudio ? "Sound" : "Picture";
  return outputMode === "individual" ? `${content}, a file for each person` : content;
}
