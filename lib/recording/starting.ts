/**
 * Bringing one archive to run, whatever the platform answers. A start whose outcome is unknown is
 * resolved by looking; only then is it tried again, and the platform's refusal of a second archive
 * on a session (409, or the same tag) is the last guard against starting twice.
 */
import type { Lane } from "./model.ts";
import { type Draft, isRunning } from "./draft.ts";
import type { Answer, AnswerKind, ArchiveFacts, Command } from "./state.ts";

/** How a try went: it runs, the platform will not, or (null) the answer is still to come. */
export type StartResult =
  | { archive: ArchiveFacts }
  | { refused: AnswerKind; message: string }
  | null;

/** How many times the archive of a start in doubt is looked for: lists may lag by four seconds. */
export const MAX_LOOKS = 5;
/** Time between two of these looks, ms. */
export const LOOK_AGAIN_MS = 1_000;

/** Begins to start an archive on a lane. */
export function beginStart(draft: Draft, lane: Lane, tag: string | null = null): void {
  const procedure = draft.running;
  const inDoubt = procedure.starting?.lane === lane && procedure.starting.inDoubt;
  procedure.starting = { lane, inDoubt, looks: 0, why: "", kind: null };
  tryStart(draft, tag);
}

/** Tries (again) to start the archive. */
export function tryStart(draft: Draft, tag: string | null = null): void {
  const { starting } = draft.running;
  if (!starting) throw new Error("Start an archive: no lane was chosen");
  const { chain } = draft;
  starting.looks = 0;
  draft.suspect();
  draft.issue({
    do: "start-archive",
    lane: starting.lane,
    sessionId: draft.session(starting.lane),
    name: chain.name,
    options: chain.options,
    tag,
  });
}

/**
 * Whether to look again before a start in doubt counts as refused. Without a main archive the next try
 * must not wait; the platform then refuses it while the archive of the earlier try runs.
 */
export function mustLookAgain(draft: Draft): boolean {
  const looks = draft.running.starting?.looks ?? 0;
  return draft.slots.main !== null && looks > 0 && looks < MAX_LOOKS;
}

/** Looks for the archive that a start in doubt may have made. */
export function look(draft: Draft): void {
  const { starting } = draft.running;
  if (!starting) throw new Error("Look for an archive: no start is in doubt");
  starting.looks++;
  draft.issue({
    do: "find-archive",
    lane: starting.lane,
    sessionId: draft.session(starting.lane),
    name: draft.chain.name,
    sinceMs: draft.chain.createdAtMs,
    // The one on its way out may be found: its stop may never have arrived, and then it still records.
    known: draft.state.tail.map((part) => part.archiveId)
      .filter((id) => id !== draft.slots.previous || draft.slots.main !== null),
  });
}

/** Works in the answer to a start or to a look. */
export function startAnswered(draft: Draft, command: Command, answer: Answer): StartResult {
  const { starting } = draft.running;
  if (!starting) return null;
  if (answer.ok && answer.archive && isRunning(answer.archive.status)) {
    starting.inDoubt = false;
    return { archive: answer.archive };
  }
  if (command.do === "find-archive" && mustLookAgain(draft)) {
    draft.wakeIn(LOOK_AGAIN_MS);
    return null;
  }
  if (answer.ok) {
    if (command.do === "start-archive") {
      return { refused: "unexpected", message: endedAtOnce(answer.archive) };
    }
    return {
      refused: starting.kind ?? "conflict",
      message: starting.why || "The platform refused it",
    };
  }
  const doubtful = !answer.certain || answer.kind === "conflict";
  // While an earlier try may have worked unseen, a refusal of this one proves nothing.
  if (command.do === "start-archive" && (doubtful || starting.inDoubt)) {
    starting.inDoubt = true;
    starting.why = answer.message;
    starting.kind = answer.kind;
    look(draft);
    return null;
  }
  return { refused: answer.kind, message: answer.message };
}

function endedAtOnce(archive: ArchiveFacts | null): string {
  return `The archive ended at once (${archive?.reason || archive?.status || "no archive"})`;
}

/** Delay before try number `attempt` + 1: doubled every time. */
export function backoffMs(attempt: number, firstMs: number, mostMs: number): number {
  return Math.min(firstMs * 2 ** (attempt - 1), mostMs);
}
