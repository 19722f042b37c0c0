/** The film on the lock screen, the keyboard's media keys and the headset. Browser only. */
import type { Chapter } from "./chapters.ts";
import type { GaplessVideo } from "./gapless_video.ts";

/** A step back or forward, seconds. */
export const STEP_SECONDS = 10;

/** Offers the player to the system; returns what takes the offer back. */
export function offerMediaSession(
  player: GaplessVideo,
  title: string,
  artist: string,
  chapters: () => readonly Chapter[],
): () => void {
  const session = navigator.mediaSession;
  if (!session) return () => {};
  const playable = () => chapters().filter((chapter) => !chapter.missing);
  const step = (seconds: number) => player.currentTime = Math.max(0, player.currentTime + seconds);
  const actions: Partial<Record<MediaSessionAction, MediaSessionActionHandler>> = {
    play: () => void player.play().catch(() => {}),
    pause: () => player.pause(),
    seekbackward: (details) => void step(-(details.seekOffset ?? STEP_SECONDS)),
    seekforward: (details) => void step(details.seekOffset ?? STEP_SECONDS),
    seekto: (details) => {
      if (details.seekTime !== undefined) player.currentTime = details.seekTime;
    },
    previoustrack: () => {
      const before = playable().findLast((c) => c.fromSeconds < player.currentTime - 2);
      player.currentTime = before?.fromSeconds ?? 0;
    },
    nexttrack: () => {
      const next = playable().find((chapter) => chapter.fromSeconds > player.currentTime);
      if (next) player.currentTime = next.fromSeconds;
    },
  };
  session.metadata = new MediaMetadata({ title, artist });
  const names: MediaSessionAction[] = [
    "play",
    "pause",
    "seekbackward",
    "seekforward",
    "seekto",
    "previoustrack",
    "nexttrack",
  ];
  for (const name of names) session.setActionHandler(name, actions[name] ?? null);
  // The browser knows its own elements' clocks, not the film's where two of them take turns.
  const over = new AbortController();
  const tellPosition = () => {
    const { duration, currentTime, playbackRate } = player;
    if (!Number.isFinite(duration)) return;
    session.setPositionState({
      duration,
      position: Math.min(currentTime, duration),
      playbackRate,
    });
  };
  for (const name of ["loadedmetadata", "durationchange", "seeked", "ratechange", "playing"]) {
    player.addEventListener(name, tellPosition, { signal: over.signal });
  }
  return () => {
    over.abort();
    for (const name of names) session.setActionHandler(name, null);
    session.metadata = null;
  };
}
