/** Every limit of the emulator in one place: what it waits for, and how much it accepts. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * How long the emulator waits, in ms: the documented times of the cloud, and ours where it documents
 * none. Tests shorten some of these.
 */
export const TIMINGS = {
  recorderStartMs: 7_000, // for a page to start recording
  recorderGraceMs: 2_500, // for a recorder to reconnect, before another page takes over
  recorderPingMs: 1_000,
  recorderSilenceMs: 6_000, // of a recorder, which is then given up
  recorderMissingMs: 10_000, // for any recorder of an archive that lost its own, before it ends
  recorderFinishMs: 10_000, // for the next bytes, before an archive is finished without them
  uploadMs: 300_000, // for all bytes of an archive that was stopped
  remuxMs: 300_000, // for the finished file to be made
  emptyMs: MINUTE_MS, // from the last client's leaving to the end of the archive
  firstPublishMs: MINUTE_MS, // for somebody to publish after the start
  idleMs: HOUR_MS, // without any publisher, once there was one
  maxDurationMs: 4 * HOUR_MS, // longest archive, counting only the time in which somebody published
  maxTotalMs: 12 * HOUR_MS, // longest archive, breaks included
  rotationMs: 8 * HOUR_MS, // age of a session whose media server is replaced: its archives end
  clientGraceMs: 35_000, // for a client to return that lost its socket
  mediaUrlMs: 10 * MINUTE_MS, // life of an archive's address
  /** Before each attempt to deliver a callback after the first; the cloud retries for 24 hours. */
  callbackRetryMs: [1_000, 5_000, 25_000, 5 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS, 12 * HOUR_MS],
};
/** How long the emulator waits, in ms. */
export type Timings = typeof TIMINGS;

/** How much the emulator accepts from anybody. */
export const LIMITS = {
  messageBytes: 256 * 1024, // on a socket; the largest valid one is an SDP
  messages: { tokensPerInterval: 400, interval: 4_000 }, // of a socket, in ms
  badMessages: 20, // malformed ones, before a socket is closed
  sendQueueBytes: 4 * 1024 * 1024, // that wait to be sent to a slow client
  unacknowledgedEvents: 2_000, // of a client
  keptAnswers: 200, // of a client, for requests that it repeats
  connectionsPerSession: 32,
  connectionsPerToken: 4, // a page that reconnects may hold two; one token must not fill a session
  streamsPerConnection: 4,
  subscribersPerConnection: 128,
  streamContentBytes: 8 * 1024, // a connection's record has to fit into 64 KiB
  signalTypeLength: 128, // OpenTok's, as the next one
  signalDataLength: 8 * 1024,
  restBodyBytes: 64 * 1024,
  recorders: 256,
  recorderAttempts: 2, // pages that are asked to record before a start fails
  uploadBytes: 8 * 1024 * 1024,
  uploadsAtOnce: 64, // of one archive
  archiveBytes: 8 * 1024 * 1024 * 1024,
  listCount: 1000, // OpenTok: archives in one answer
  callbackTimeoutMs: 5_000, // for one delivery
} as const;
