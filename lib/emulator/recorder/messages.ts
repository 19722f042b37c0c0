/** Messages between a page and its recorder worker. Both come from one build: typed, not parsed. */

/** From the page to the worker. */
export type ToWorker =
  /** First message. */
  | { type: "start"; token: string }
  /** Ids of all streams whose media the page has now. */
  | { type: "streams"; streamIds: string[] }
  /** The track of a stream that is read from now on: its frames or audio data. */
  | { type: "video"; streamId: string; readable: ReadableStream<VideoFrame> }
  | { type: "audio"; streamId: string; readable: ReadableStream<AudioData> }
  /** The page leaves the call. */
  | { type: "leave" };

/** From the worker to the page. */
export type FromWorker =
  /** Whether the worker reads the tracks of all streams: while it records. */
  | { type: "reads"; reads: boolean }
  /** Warning for the participant; null takes it back. */
  | { type: "warn"; message: string | null }
  /** After `leave`: no recording is left and the server knows it. */
  | { type: "done" };
