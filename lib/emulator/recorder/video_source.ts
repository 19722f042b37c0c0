/** The video of one track: when each frame was captured, and which frames are missing. */
import { ClockMap, HoleCounter, RtpClock } from "./clock.ts";
import { copyFrame, type I420Frame } from "./i420.ts";
import { readTrack } from "./track_reader.ts";

/** Warm-up of a camera's clock, ms; and where a recording has to go on at once. */
const WARM_UP_MS = 500;
const URGENT_WARM_UP_MS = 120;

/** What becomes of a track's frames. */
export interface VideoEvents {
  /** A frame that was captured at `atMs` of the worker's clock. */
  onFrame(frame: I420Frame, atMs: number): void;
  /** Frames that the browser did not deliver; less than 0 if some were only late. */
  onMissing(frames: number): void;
}

/**
 * Reads a video track until the returned function is called; with the first usable clock map if that
 * `isUrgent`.
 */
export function readVideo(
  readable: ReadableStream<VideoFrame>,
  isUrgent: boolean,
  { onFrame, onMissing }: VideoEvents,
): () => void {
  const clock = new ClockMap(isUrgent ? URGENT_WARM_UP_MS : WARM_UP_MS);
  const rtp = new RtpClock();
  const holes = new HoleCounter();
  return readTrack(readable, async (frame) => {
    const timestamp = rtpTimestampOf(frame);
    const mediaMs = timestamp === null ? frame.timestamp / 1000 : rtp.toMs(timestamp);
    onMissing(holes.add(mediaMs));
    const atMs = clock.toClock(mediaMs, performance.now());
    if (atMs === null) return;
    // Chromium lends two frames of a camera at a time: they are copied and returned at once.
    const copy = await copyFrame(frame).catch(() => null);
    if (copy === null) onMissing(1);
    else onFrame(copy, atMs);
  });
}

/** `VideoFrame.metadata()`, which TypeScript's library does not know. */
function rtpTimestampOf(frame: VideoFrame & { metadata?(): { rtpTimestamp?: number } }) {
  return frame.metadata?.().rtpTimestamp ?? null;
}
