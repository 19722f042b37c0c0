/** Every bound of the loopback platform in one place: what it waits for, and how much it takes. */

/** How long the platform waits, in ms unless named otherwise. Tests shorten some of these. */
export interface Timings {
  /** For one page to confirm that it records. */
  recorderStartMs: number;
  /** For the recorder's last chunk, before `stop` answers anyway. */
  stopAnswerMs: number;
  /**
   * For the recorder's next chunk once it has to stop, before the archive is finished without it: an
   * encoder on a busy machine may be twelve seconds behind.
   */
  recorderFinishMs: number;
  /** For the chunks of an archive that was stopped, while they keep coming. */
  uploadMs: number;
  /** From the last client's leaving to the end of the archive. */
  emptyMs: number;
  /** For somebody to publish after the start. */
  firstPublishMs: number;
  /** Without anybody publishing, once somebody did. */
  idleMs: number;
  /** Longest archive. */
  maxDurationMs: number;
  /** For a recorder to come back that has lost its socket while it records. */
  recorderGraceMs: number;
  /** Life of an archive's address. */
  mediaUrlMs: number;
  /** Between attempts to deliver a callback: one entry an attempt after the first. */
  callbackRetryMs: readonly number[];
  /** Silence after which a socket is probed, and then dropped. */
  socketIdleSeconds: number;
}

/** The documented times of the cloud, and ours where it documents none. */
export const TIMINGS: Timings = {
  recorderStartMs: 7_000,
  stopAnswerMs: 5_000,
  recorderFinishMs: 30_000,
  uploadMs: 300_000,
  emptyMs: 60_000,
  firstPublishMs: 60_000,
  idleMs: 3_600_000,
  maxDurationMs: 4 * 3_600_000,
  recorderGraceMs: 10_000,
  mediaUrlMs: 600_000,
  callbackRetryMs: [1_000, 5_000, 25_000],
  socketIdleSeconds: 20,
};

/** How much the platform takes from anybody. */
export const LIMITS = {
  /** A message on the socket; the largest honest one is an SDP. */
  messageBytes: 256 * 1024,
  /** Messages a second that a socket may send in the long run, and at once. */
  messagesPerSecond: 100,
  messageBurst: 400,
  /** Malformed messages before a socket is closed. */
  badMessages: 20,
  /** What may wait to be sent to a slow client. */
  sendQueueBytes: 4 * 1024 * 1024,
  connectionsPerSession: 32,
  streamsPerConnection: 8,
  /** OpenTok: a signal's type and data. */
  signalTypeBytes: 128,
  signalDataBytes: 8 * 1024,
  restBodyBytes: 64 * 1024,
  /** Pages asked to record before a start fails. */
  recorderAttempts: 2,
  chunkBytes: 8 * 1024 * 1024,
  /** Chunks of one archive being received at once. */
  chunksAtOnce: 8,
  /** How far ahead of the next chunk one may arrive. */
  chunksAhead: 64,
  archiveBytes: 8 * 1024 * 1024 * 1024,
  /** OpenTok: archives in one answer to a list. */
  listCount: 1000,
  /** For one delivery of a callback. */
  callbackTimeoutMs: 5_000,
} as const;
