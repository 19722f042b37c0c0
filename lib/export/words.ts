/** What is told about an export: pure. */
import type { CutPlan } from "./plan.ts";
import { lostSeconds } from "./plan.ts";
import type { Survey } from "./survey.ts";

/** `1.2 GB`, in powers of 1000. */
export function formatBytes(bytes: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return new Intl.NumberFormat("en", {
    style: "unit",
    unit: units[unit] ?? "byte",
    maximumSignificantDigits: value < 10 ? 2 : 3,
  }).format(value);
}

/** `1 second`, `12 seconds`, `3 minutes`: for people, rounded. */
export function formatSpan(seconds: number): string {
  const [count, unit] = seconds < 90
    ? [Math.max(1, Math.round(seconds)), "second"]
    : seconds < 5_400
    ? [Math.round(seconds / 60), "minute"]
    : [Math.round(seconds / 3600), "hour"];
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

/** What the viewer should know before the file is made, in whole sentences. */
export function warningsOf(survey: Survey & { kind: "possible" }): string[] {
  const { plan, inBand, sizeChanges, container } = survey;
  const warnings = plan.skipped.map(({ seq, state, reason }) =>
    state === "pending"
      ? `Part ${seq + 1} ${reason}: it will be missing.`
      : `Part ${seq + 1} ${reason}.`
  );
  const lost = lostSeconds(plan);
  if (lost > 0) {
    warnings.push(
      `${formatSpan(lost)} of the film ${
        lost < 1.5 ? "is" : "are"
      } covered by no part. The file keeps ` +
        "that time, so that all times stay right: the picture stands still and there is no sound.",
    );
  }
  if (sizeChanges || inBand) {
    warnings.push(
      container.extension === "mp4"
        ? "The picture is encoded differently from part to part. Browsers and most players follow; some " +
          "editors do not."
        : "The size of the picture changes from part to part. Browsers and most players follow; some " +
          "editors do not.",
    );
  }
  return warnings;
}

/** How far an export is. */
export interface Progress {
  /** 0 to 1. */
  share: number;
  /** null until that can be said. */
  remainingSeconds: number | null;
}

/** Before this nothing can be said about the rest. */
const SURE_AFTER_MS = 2_000;

/** How far writing a film is, and how long the rest takes at the same pace. */
export function progressOf(
  plan: Pick<CutPlan, "durationSeconds">,
  filmSeconds: number,
  elapsedMs: number,
): Progress {
  const share = plan.durationSeconds > 0
    ? Math.min(1, Math.max(0, filmSeconds / plan.durationSeconds))
    : 0;
  const sure = elapsedMs >= SURE_AFTER_MS && share > 0.001;
  return { share, remainingSeconds: sure ? elapsedMs / 1000 * (1 - share) / share : null };
}
