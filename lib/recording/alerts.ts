/**
 * What a host has to hear of at once: a moment that is not covered, a recording at risk. Derived from
 * the state before and after an event, so whichever process works the event in, it comes out the same.
 */
import { spanOf } from "./coverage.ts";
import type { Chain, Gap, Part } from "./model.ts";
import type { RecordingSettings, RecordingState } from "./state.ts";
import type { Alert } from "./views.ts";

/** Alerts that are kept; gaps stay in the chain's record. */
const MAX_ALERTS = 20;
/** One failure is told as a notice and tried again; this many in a row are a risk. */
const REPEATED_FAILURES = 2;
/** A gap that is known better now is looked for this far from where it was taken for. */
const NEAR_MS = 2_000;
const NOTHING = "Nothing is being recorded.";
/** Ages at which platforms end an archive: of older projects, and of the others. */
const LIMITS_MS = [120 * 60_000, 240 * 60_000];

/** Brings `after.alerts` up to date; `ended` is the chain that this event ended, or null. */
export function noteAlerts(
  before: RecordingState,
  after: RecordingState,
  ended: Chain | null,
  nowMs: number,
  settings: RecordingSettings,
): void {
  const chain = after.chain ?? ended;
  if (!chain) return;
  const { alerts } = after;
  const open = (kind: Alert["kind"]) => alerts.find((a) => a.kind === kind && a.toMs === null);
  const record = (kind: Alert["kind"], fromMs: number, toMs: number | null, text: string) => {
    const id = `${chain.id}-${++after.lastAlertId}`;
    alerts.push({ id, chainId: chain.id, kind, fromMs, toMs, text });
  };

  const risks = after.chain ? risksOf(after, nowMs, settings) : new Map<Alert["kind"], string>();
  for (const alert of alerts.filter((a) => a.chainId === chain.id || a.toMs === null)) {
    const text = risks.get(alert.kind);
    if (alert.kind === "uncovered") follow(alert, chain, after.chain === null, nowMs);
    else if (alert.toMs !== null) continue;
    else if (text === undefined) alert.toMs = nowMs;
    else alert.text = text;
  }
  for (const [kind, text] of risks) {
    if (!open(kind)) record(kind, nowMs, null, text);
  }
  const parts = after.chain ? after.tail : before.tail;
  for (const gap of gapsAmong(parts, chain)) {
    const told = alerts.some((a) => a.kind === "uncovered" && near(a, gap));
    if (!told && (gap.toMs === null || gap.toMs - gap.fromMs > uncertaintyMs(gap, parts))) {
      record("uncovered", gap.fromMs, gap.toMs, uncoveredText(gap));
    }
  }
  if (!open("uncovered")) {
    for (const part of endedByThemselves(before, after)) {
      const why = part.reason ? ` (${part.reason})` : "";
      const text = `An archive ended by itself${why}; another one goes on recording`;
      record("archive-ended", nowMs, nowMs, text);
    }
  }
  after.alerts = alerts.slice(-MAX_ALERTS);
}

/** What endangers a recording now, in words. */
function risksOf(
  { chain, slots, tail, outcomes, failedHandovers }: RecordingState,
  nowMs: number,
  settings: RecordingSettings,
): Map<Alert["kind"], string> {
  const risks = new Map<Alert["kind"], string>();
  const main = tail.find((part) => part.archiveId === slots.main);
  if (chain?.state !== "recording") return risks;
  if (main?.status === "paused") {
    risks.set(
      "paused",
      "Nobody publishes in the call: the archive pauses, and ends a minute after the last one left",
    );
  }
  if (failedHandovers >= REPEATED_FAILURES) {
    const { failure } = outcomes.findLast((o) => o.kind === "handover" && o.failure) ?? {};
    risks.set(
      "handover-failing",
      `Handing over has failed several times (${
        failure?.message ?? "for no known reason"
      }); it is ` +
        "tried again every half minute",
    );
  }
  if (main && nowMs >= limitNearAtMs(main, settings)) {
    risks.set(
      "limit-near",
      "The archive comes near the age at which the platform ends it, and no other has taken over",
    );
  }
  return risks;
}

/** Halfway between the handover that is due and the platform's limit. */
function limitNearAtMs(main: Part, { rotateAfterMs }: RecordingSettings): number {
  const limitMs = LIMITS_MS.find((limit) => limit > rotateAfterMs) ?? rotateAfterMs;
  return main.startedAtMs + (rotateAfterMs + limitMs) / 2;
}

/** Follows an alert to the end of its gap, and to what is known of it later. */
function follow(alert: Alert, chain: Chain, ended: boolean, nowMs: number): void {
  const gap = chain.gaps.find((g) => near(g, alert));
  if (!gap && alert.toMs !== null) return;
  if (gap) {
    alert.fromMs = gap.fromMs;
    alert.toMs = gap.toMs;
    alert.text = uncoveredText(gap);
  } else {
    // Times of whole seconds do not show a gap this short; the files will.
    alert.toMs = alert.fromMs;
    alert.text = alert.text.replace(NOTHING, "Up to 2 s were not recorded.");
  }
  if (ended && alert.toMs === null) alert.toMs = nowMs;
}

/** The gaps of the last parts; those before were told in their time. */
function gapsAmong(parts: readonly Part[], chain: Chain): Gap[] {
  const firstMs = parts.reduce((least, part) => Math.min(least, part.startedAtMs), Infinity);
  return chain.gaps.filter((gap) => gap.fromMs >= firstMs);
}

/** How much of a gap may come from the times of the parts around it not being known better. */
function uncertaintyMs({ fromMs, toMs }: Gap, parts: readonly Part[]): number {
  return parts.filter((part) => spanOf(part).toMs === fromMs || part.startedAtMs === toMs)
    .reduce((sum, part) => sum + part.startUncertaintyMs, 0);
}

interface Stretch {
  fromMs: number;
  toMs: number | null;
}

function overlap(a: Stretch, b: Stretch): boolean {
  return a.fromMs <= (b.toMs ?? Infinity) && b.fromMs <= (a.toMs ?? Infinity);
}

function near(a: Stretch, b: Stretch): boolean {
  return overlap({ fromMs: a.fromMs - NEAR_MS, toMs: a.toMs && a.toMs + NEAR_MS }, b);
}

function endedByThemselves(before: RecordingState, after: RecordingState): Part[] {
  return after.tail.filter((part) =>
    part.endedAtMs !== null && part.stopAskedAtMs === undefined &&
    before.tail.some((b) => b.archiveId === part.archiveId && b.endedAtMs === null)
  );
}

function uncoveredText({ fromMs, toMs, cause }: Gap): string {
  return toMs === null
    ? `${NOTHING} ${cause}`
    : `${((toMs - fromMs) / 1000).toFixed(1)} s were not recorded. ${cause}`;
}
