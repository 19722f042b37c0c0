/** What comparing two overlapping files can answer. Pure: for browser, worker and server. */
import { USABLE_CONFIDENCE } from "../recording/model.ts";
import type { Peak } from "./correlate.ts";

/** What is known before comparing. */
export interface Expected {
  /** Media time 0 of the later part, in media time of the earlier one, by the clock. */
  deltaSeconds: number;
  /** How far that may be wrong. */
  toleranceSeconds: number;
}

/** Which of the two contents answered. */
export type Basis = "sound" | "picture";

/** Why there is no answer. */
export type Unanswered =
  | "silence"
  | "still"
  | "too-short"
  | "no-match"
  | "ambiguous"
  | "unreadable";

/** Where the later of two parts begins, or why that cannot be told. */
export type Alignment =
  | {
    kind: "found";
    basis: Basis;
    /** Media time of the earlier part at which the later one begins. */
    deltaMs: number;
    uncertaintyMs: number;
    /** 0 to 1; never below `USABLE_CONFIDENCE`. */
    confidence: number;
  }
  | { kind: "none"; reason: Unanswered; text: string };

/** A rival of so much less strength than the best is none. */
const CLEAR_OF_RIVALS = 0.6;

/** How sure a peak is: it stands out from chance, and from every other lag. */
export function confidenceOf(peak: Peak): number {
  return peak.certainty * Math.min(1, (1 - peak.rivalry) / CLEAR_OF_RIVALS);
}

/**
 * Why a peak is no answer, or null if it is one. `repetition` tells how much the contents repeat
 * themselves: one that is as much like itself some time later cannot tell one moment from another.
 */
export function doubtsOf(
  peak: Peak,
  least: { strength: number; confidence?: number },
  repetition: () => number,
): "no-match" | "ambiguous" | null {
  if (peak.certainty < USABLE_CONFIDENCE || peak.strength < least.strength) return "no-match";
  if (confidenceOf(peak) < (least.confidence ?? USABLE_CONFIDENCE)) return "ambiguous";
  return repetition() > REPEATS_SHARE * peak.strength ? "ambiguous" : null;
}

/** Share of the agreement between both files that a repeating content reaches with itself. */
const REPEATS_SHARE = 0.75;

const TEXTS: Record<Unanswered, string> = {
  silence: "At least one of the parts is silent where they overlap",
  still: "The picture does not move where the parts overlap",
  "too-short": "The parts overlap too little to be compared",
  "no-match": "The parts have nothing in common where they should overlap",
  ambiguous: "The overlap repeats itself, so that more than one place fits",
  unreadable: "The files cannot be read here",
};

/** No answer, and why. */
export function none(reason: Unanswered, text = TEXTS[reason]): Alignment {
  return { kind: "none", reason, text };
}
