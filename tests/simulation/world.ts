/** What the pieces of a storm share. */
import type { SimClock } from "./clock.ts";
import type { Cloud } from "./cloud.ts";
import type { SimDatabase } from "./database.ts";
import type { Faults } from "./faults.ts";
import type { Oracle } from "./oracle.ts";
import type { Plant } from "./planted.ts";

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

/** One storm's world. */
export interface World {
  readonly clock: SimClock;
  readonly faults: Faults;
  readonly database: SimDatabase;
  readonly cloud: Cloud;
  readonly oracle: Oracle;
  readonly plant: Plant;
  sessions: { primary: string; secondary: string };
  /** Ids that the processes make, one after the other. */
  newId(process: string): string;
  /** Writes a line of the history. */
  note(line: string): void;
}
