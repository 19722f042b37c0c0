/** Showing an admin how a seam looks and sounds. Browser only. */
import type { Film } from "../../recording/views.ts";
import type { GaplessVideo } from "../gapless_video.ts";
import type { Join } from "../seams.ts";

/** How long before a seam it is played from, and how long after it playing stops. */
const BEFORE_SECONDS = 1.5;
const AFTER_SECONDS = 1.5;

/** Has the player lay out the film anew: what it has buffered lies where it lay before. */
export function layAnew(video: GaplessVideo, film: Film): void {
  const { currentTime } = video;
  video.film = null;
  video.film = film;
  video.currentTime = currentTime;
}

/** {@link layAnew}, but nobody's playing is broken off: it waits for the next pause. */
export function layAnewWhenPaused(video: GaplessVideo, newest: () => Film): void {
  if (video.paused) layAnew(video, newest());
  else video.addEventListener("pause", () => layAnew(video, newest()), { once: true });
}

/**
 * Plays three seconds of `film`, around a seam of it, then pauses. `after` is called once that is
 * over, or given up because somebody paused or went elsewhere.
 */
export function watchSeam(
  video: GaplessVideo,
  film: Film,
  { later }: Join,
  after: () => void,
): void {
  layAnew(video, film);
  const seamAt = () =>
    video.timeline?.segments.find((s) => s.archiveId === later.archiveId)?.fromSeconds ??
      film.parts.find((part) => part.archiveId === later.archiveId)?.placeSeconds ?? 0;
  const fromSeconds = Math.max(0, seamAt() - BEFORE_SECONDS);
  const over = new AbortController();
  const end = () => {
    if (over.signal.aborted) return;
    over.abort();
    after();
  };
  video.addEventListener("timeupdate", () => {
    const seconds = video.currentTime;
    if (seconds >= seamAt() + AFTER_SECONDS) video.pause();
    else if (seconds < fromSeconds - BEFORE_SECONDS) end();
  }, { signal: over.signal });
  for (const name of ["pause", "ended", "error"]) {
    video.addEventListener(name, end, { signal: over.signal });
  }
  video.currentTime = fromSeconds;
  // Refused where the browser wants a tap: the stage says so.
  video.play().catch(end);
}
