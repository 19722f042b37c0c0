/** What a page and the worker that compares two files say to each other. */
import * as z from "zod";
import type { Alignment } from "./alignment.ts";

/** Two files and what is known of their places. */
export const alignRequestSchema = z.object({
  earlierUrl: z.string(),
  laterUrl: z.string(),
  /** Lengths of the media. */
  earlierSeconds: z.number(),
  laterSeconds: z.number(),
  /** Media time of the earlier one at which the later one begins, as far as it is known. */
  deltaSeconds: z.number(),
  /** How far that may be wrong. */
  toleranceSeconds: z.number(),
});
/** Two files and what is known of their places. */
export type AlignRequest = z.infer<typeof alignRequestSchema>;

/** From the worker: how far it is (0 to 1), then its answer. */
export type FromAligner =
  | { type: "progress"; share: number }
  | { type: "answer"; alignment: Alignment };
