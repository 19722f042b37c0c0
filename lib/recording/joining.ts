/** The first half of a handover: clients join the secondary session, the interim archive proves itself. */
import { countStreams, signal } from "./asking.ts";
import type { Draft } from "./draft.ts";
import { beginStart } from "./starting.ts";
import type { Answer, AnswerKind, Command } from "./state.ts";
import { react } from "./transfer.ts";
import { MAX_TRIES, tagOf } from "./tries.ts";
import { undo } from "./winding_down.ts";

const STREAM_POLL_MS = 500;
/** How often an archive that should record but is paused is looked at before it is given up. */
const MAX_PAUSED_LOOKS = 10;

/** Begins to hand over; after a handover that failed, the other way. */
export function beginHandover(draft: Draft): void {
  const otherWay = draft.state.failedHandovers % 2 === 1;
  const simultaneous = (draft.chain.strategy === "simultaneous") !== otherWay;
  if (simultaneous) {
    draft.begin("handover", "starting-next");
    return beginStart(draft, "primary", tagOf(draft));
  }
  draft.begin("handover", "joining");
  signal(draft, "join");
}

/** Whether the platform means that no archive may run beside another of the same session. */
export function refusesTags(draft: Draft, kind: AnswerKind): boolean {
  const { attempt } = draft.running;
  // A later conflict may also come from an earlier try of ours that took effect unseen.
  return kind === "conflict" ? attempt === 1 || attempt >= MAX_TRIES : kind === "unexpected" &&
    attempt >= MAX_TRIES;
}

/** Goes on over the secondary session; a chain that was to do without it does so from now on. */
export function goOverSecondary(draft: Draft, why: string): void {
  const { chain } = draft;
  if (chain.strategy === "simultaneous") {
    chain.strategy = "dual-session";
    draft.say(
      "warning",
      `The platform takes no second archive on one session (${why}): this recording hands over ` +
        "through the secondary session from now on",
    );
  }
  draft.enter("joining");
  signal(draft, "join");
}

/** Works in an answer while clients join: goes on when all have, or when the time is up. */
export function joined(draft: Draft, command: Command, answer: Answer): void {
  if (command.do === "signal") return countStreams(draft);
  const procedure = draft.running;
  const endsAtMs = procedure.stepStartedAtMs + draft.settings.joinTimeoutMs;
  if (answer.ok && answer.streams) procedure.streams = answer.streams;
  const { streams } = procedure;
  const everyone = answer.ok && streams !== null && streams.secondary > 0 &&
    streams.secondary >= streams.primary;
  if (!everyone && draft.nowMs < endsAtMs) {
    return draft.wakeIn(Math.min(STREAM_POLL_MS, endsAtMs - draft.nowMs));
  }
  if (!everyone && streams?.secondary === 0) {
    return undo(
      draft,
      streams.primary === 0
        ? {
          kind: "nobody-in-call",
          message: "Nobody publishes in the call; recording goes on unchanged",
        }
        : {
          kind: "platform",
          message: "Nobody joined the secondary session in time; recording goes on unchanged",
        },
    );
  }
  if (!everyone) {
    draft.say(
      "warning",
      `Only ${streams?.secondary ?? "some"} of ${streams?.primary ?? "all"} streams joined the ` +
        "secondary session in time; the others are missing from the interim archive",
    );
  }
  draft.enter("starting-interim");
  beginStart(draft, "secondary");
}

/** Looks whether the archive that is to take over records. */
export function check(draft: Draft, archiveId: string | null): void {
  if (archiveId === null) return react(draft);
  draft.issue({ do: "get-archive", archiveId });
}

/** The archive that is to take over was looked at: goes on only if it records now. */
export function verified(
  draft: Draft,
  answer: Answer,
  records: () => void,
  paused: () => void,
): void {
  const procedure = draft.running;
  if (answer.ok && answer.archive?.status === "started") return records();
  if (answer.ok && procedure.looks++ >= MAX_PAUSED_LOOKS) return paused();
  draft.wakeIn(1000);
}
