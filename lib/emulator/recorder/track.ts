/** Reads the tracks that the page opens with a `MediaStreamTrackProcessor`. */
import { ClockMap, HoleCounter, RtpClock } from "./clock.ts";
import { copyFrame, type I420Frame } from "./i420.ts";

/**
 * Passes every frame or chunk of a track to `take` and closes it afterwards, until the track ends or the
 * returned function is called.
 */
export function readTrack<Data extends { close(): void }>(
  readable: ReadableStream<Data>,
  take: (data: Data) => Promise<void> | void,
): () => void {
  const reader = readable.getReader();
  let isStopped = false;
  void (async () => {
    for (;;) {
      const { value } = await reader.read().catch(() => ({ value: undefined })); // it has ended
      if (value === undefined) return;
      if (!isStopped) await take(value);
      value.close();
    }
  })();
  return () => {
    isStopped = true;
    reader.cancel().catch(() => {}); // the track has ended
  };
}

/**
 * Reads a video track until the returned function is called.
 *
 * @param onFrame takes a frame that was captured at `atMs` of the worker's clock
 * @param onMissing takes how many were not delivered; less than 0 if some were only late
 */
export function readVideo(
  readable: ReadableStream<VideoFrame>,
  warmUpMs: number,
  onFrame: (frame: I420Frame, atMs: number) => void,
  onMissing: (frames: number) => void,
): () => void {
  const clock = new ClockMap(warmUpMs);
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
