/** Ending a procedure before its aim, or the whole chain: nothing is left running unseen. */
import type { Draft } from "./draft.ts";
import { signal } from "./asking.ts";
import { stopAnswered, tryStop } from "./ending.ts";
import { look, LOOK_AGAIN_MS, MAX_LOOKS } from "./starting.ts";
import type { Lane } from "./model.ts";
import type { Answer, ArchiveFacts, Command, Failure } from "./state.ts";

/** Begins to stop everything. A start in doubt stays in doubt: what it made is stopped too. */
export function beginStop(draft: Draft): void {
  const { pending, procedure } = draft.state;
  const starting = procedure?.starting ?? null;
  const inDoubt = (pending?.command.do === "start-archive") || starting?.inDoubt === true;
  draft.begin("stop", "stopping").starting = starting && inDoubt
    ? { ...starting, inDoubt, looks: 0 }
    : null;
  draft.chain.state = "stopping";
  draft.chain.stopRequestedAtMs = draft.nowMs;
  windDown(draft);
}

/** Gives a handover up: the archive that recorded before goes on. */
export function undo(draft: Draft, failure: Failure): void {
  draft.enter("undoing").failure = failure;
  draft.say("warning", `The handover failed: ${failure.message}`);
  windDown(draft);
}

/** Stops what has to be stopped, finds what a start in doubt may have made, lets clients leave, ends. */
export function windDown(draft: Draft): void {
  const { slots, running: procedure } = draft;
  const stopping = procedure.step === "stopping";
  const archiveId = slots.previous ?? (stopping ? slots.interim ?? slots.main : null);
  if (archiveId !== null) return tryStop(draft, archiveId);
  if (slots.interim !== null && slots.main !== null) {
    // It may be all that records: look first whether the one that is to go on does.
    return draft.issue({ do: "get-archive", archiveId: slots.main });
  }
  if (procedure.starting?.inDoubt && procedure.starting.looks < MAX_LOOKS) return look(draft);
  if (draft.state.secondaryWanted) return signal(draft, "leave");
  if (stopping) {
    draft.endChain("stopped");
    draft.finish();
  } else draft.fail(procedure.failure ?? { kind: "platform", message: "The handover was undone" });
}

/** Goes on winding down unless the command that is out still has a purpose. */
export function windDownUnlessBusy(draft: Draft): void {
  const command = draft.state.pending?.command;
  const target = command && "archiveId" in command ? command.archiveId : null;
  const gone = target !== null && !Object.values(draft.slots).includes(target);
  if (!command || gone) windDown(draft);
}

/** Takes an archive in that is to be stopped; false while there is no place for it. */
export function takeInToStop(draft: Draft, archive: ArchiveFacts, lane: Lane): boolean {
  const { slots } = draft;
  const ended = (draft.part(archive.id)?.endedAtMs ?? null) !== null;
  if (ended || Object.values(slots).includes(archive.id)) return true;
  const free = slots.interim === null ? "interim" : slots.previous === null ? "previous" : null;
  if (free) slots[free] = draft.adopt(archive, lane).archiveId;
  return free !== null;
}

/** Works in an answer while winding down. */
export function windDownAnswered(draft: Draft, command: Command, answer: Answer): void {
  const { running: procedure, slots } = draft;
  if (command.do === "find-archive" && procedure.starting) {
    if (answer.ok && answer.archive) {
      procedure.starting.inDoubt = !takeInToStop(draft, answer.archive, command.lane);
      procedure.looks = 0;
      return windDown(draft);
    }
    return draft.wakeIn(LOOK_AGAIN_MS);
  }
  if (command.do === "signal") return windDown(draft);
  if (command.do === "get-archive" && command.archiveId === slots.main && slots.interim !== null) {
    if (!answer.ok) return draft.wakeIn(1000);
    slots.previous = slots.interim;
    slots.interim = null;
    procedure.looks = 0;
    return windDown(draft);
  }
  stopAnswered(draft, command, answer);
}
