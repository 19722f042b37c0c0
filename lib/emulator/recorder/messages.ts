/** Messages between a page and its recorder worker. Both come from one build: typed, not parsed. */

/** A stream of the page and the ids of its live tracks. */
export interface PageStream {
  streamId: string;
  audio: string | null;
  video: string | null;
}

/** From the page to the worker. */
export type ToWorker =
  /** First message. */
  | { type: "start"; token: string }
  /** All streams whose media the page has now. */
  | { type: "streams"; streams: PageStream[] }
  /** Answer to `read`: the frames or audio data of a track. */
  | { type: "video"; trackId: string; readable: ReadableStream<VideoFrame> }
  | { type: "audio"; trackId: string; readable: ReadableStream<AudioData> }
  /** The page leaves the call. */
  | { type: "leave" };

/** From the worker to the page. */
export type FromWorker =
  /** Begin or stop reading a track. */
  | { type: "read" | "release"; trackId: string }
  /** Warning for the participant; null takes it back. */
  | { type: "warn"; message: string | null }
  /** After `leave`: no recording is left and the server knows it. */
  | { type: "done" };
