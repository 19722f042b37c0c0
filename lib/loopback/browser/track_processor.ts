/**
 * MediaStreamTrackProcessor (MediaStreamTrack Insertable Media Processing using Streams): the frames
 * of a track as a stream. TypeScript's library does not know it, and only Chromium has it in windows.
 */

interface TrackProcessor {
  readonly readable: ReadableStream<unknown>;
}
type TrackProcessorConstructor = new (
  init: { track: MediaStreamTrack; maxBufferSize?: number },
) => TrackProcessor;

/** Frames that wait for a busy worker: what a camera lends, and 4 s of sound. */
const buffered = { video: 2, audio: 400 };

/** Whether this browser can read a track's frames in a page, and encode them. */
export function canReadFrames(): boolean {
  return "MediaStreamTrackProcessor" in globalThis && "VideoEncoder" in globalThis;
}

function isConstructor(value: unknown): value is TrackProcessorConstructor {
  return typeof value === "function";
}

/**
 * The video frames or audio data of a track, to be transferred to a worker.
 * @throws {Error} where the browser has no MediaStreamTrackProcessor.
 */
export function createFrameReader(track: MediaStreamTrack): ReadableStream<unknown> {
  const Processor: unknown = Reflect.get(globalThis, "MediaStreamTrackProcessor");
  if (!isConstructor(Processor)) {
    throw new Error(
      "Record in this page: this browser has no MediaStreamTrackProcessor; join with a Chromium-based browser to record",
    );
  }
  const maxBufferSize = track.kind === "audio" ? buffered.audio : buffered.video;
  return new Processor({ track, maxBufferSize }).readable;
}
