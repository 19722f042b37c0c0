/** Every limit of the emulator in one place: what it waits for, and how much it accepts. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * How long the emulator waits, in ms: the documented times of the cloud, and ours where it documents
 * none. Tests shorten some of these.
 */
export const TIMINGS = {
  /** For a page to start recording. */
  recorderStartMs: 7_000,
  /** For a recorder to reconnect, before another page takes over. */
  recorderGraceMs: 2_500,
  recorderPingMs: 1_000,
  /** Silence of a recorder, after which it is given up. */
  recorderSilenceMs: 6_000,
  /** For any recorder of an archive that lost its own, before the archive ends. */
  recorderMissingMs: 10_000,
  /** For the next bytes of a recorder that has to stop, before the archive is finished without it. */
  recorderFinishMs: 10_000,
  /** For all bytes of an archive that was stopped. */
  uploadMs: 300_000,
  /** For the finished file to be made. */
  remuxMs: 300_000,
  /** From the last client's leaving to the end of the archive. */
  emptyMs: MINUTE_MS,
  /** For somebody to publish after the start. */
  firstPublishMs: MINUTE_MS,
  /** Without any publisher, once there was one. */
  idleMs: HOUR_MS,
  /** Longest archive, counting only the time in which somebody published. */
  maxDurationMs: 4 * HOUR_MS,
  /** Longest archive, breaks included. */
  maxTotalMs: 12 * HOUR_MS,
  /** Age of a session at which its media server is replaced: its archives end. */
  rotationMs: 8 * HOUR_MS,
  /** For a client to return that lost its socket. */
  clientGraceMs: 35_000,
  /** Life of an archive's address. */
  mediaUrlMs: 10 * MINUTE_MS,
  /** Before each attempt to deliver a callback after the first; the cloud retries for 24 hours. */
  callbackRetryMs: [1_000, 5_000, 25_000, 5 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS, 12 * HOUR_MS],
};
/** How long the emulator waits, in ms. */
export type Timings = typeof TIMINGS;

/** How much the emulator accepts from anybody. */
export const LIMITS = {
  /** A message on a socket; the largest valid one is an SDP. */
  messageBytes: 256 * 1024,
  /** Messages a second that a socket may send on average, and at once. */
  messagesPerSecond: 100,
  messageBurst: 400,
  /** Malformed messages before a socket is closed. */
  badMessages: 20,
  /** What may wait to be sent to a slow client. */
  sendQueueBytes: 4 * 1024 * 1024,
  /** Events that a client has not acknowledged. */
  unacknowledgedEvents: 2_000,
  /** Answers that are kept for repeated requests. */
  keptAnswers: 200,
  connectionsPerSession: 32,
  /** A page that reconnects may hold a second one for a moment; one token must not fill a session. */
  connectionsPerToken: 4,
  streamsPerConnection: 4,
  subscribersPerConnection: 128,
  /** What a client says about a stream; a connection's record has to fit into 64 KiB. */
  streamContentBytes: 8 * 1024,
  /** OpenTok: a signal's type and data. */
  signalTypeLength: 128,
  signalDataLength: 8 * 1024,
  restBodyBytes: 64 * 1024,
  recorders: 256,
  /** Pages that are asked to record before a start fails. */
  recorderAttempts: 2,
  uploadBytes: 8 * 1024 * 1024,
  /** Uploads of one archive being received at once. */
  uploadsAtOnce: 64,
  /** Files of one segment: OpenTok records 50 streams individually. */
  filesPerSegment: 51,
  archiveBytes: 8 * 1024 * 1024 * 1024,
  /** OpenTok: archives in one answer to a list. */
  listCount: 1000,
  /** For one delivery of a callback. */
  callbackTimeoutMs: 5_000,
} as const;
