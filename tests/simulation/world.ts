/** What every storm has in common. */

/** The room that is recorded in every storm. */
export const ROOM = "main";
/** Name and options of every chain: each archive must carry them. */
export const NAME = "Weekly";
export const ARCHIVE = {
  hasAudio: true,
  hasVideo: true,
  outputMode: "composed" as const,
  resolution: "1280x720" as const,
};
/** Delays of the procedures in storms. */
export const SETTINGS = {
  joinTimeoutMs: 8_000,
  overlapInterimMs: 2_000,
  overlapNextMs: 2_000,
  rotateAfterMinutes: 1,
};
/** Every process sweeps this often. */
export const SWEEP_MS = 20_000;
/** Clients look this often whether the secondary session is wanted. */
export const CLIENT_POLL_MS = 3_000;
