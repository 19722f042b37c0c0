/**
 * How recording moves from one archive to another: what follows when an archive has been brought to
 * run ({@link confirmed}), when one has ended ({@link react}), and when the main one is safe.
 */
import type { Lane } from "./model.ts";
import { signal } from "./asking.ts";
import type { Draft } from "./draft.ts";
import { stopAnswered, tryStop } from "./ending.ts";
import { beginStart } from "./starting.ts";
import type { Answer, ArchiveFacts, Command } from "./state.ts";
import { undo, windDownUnlessBusy } from "./winding_down.ts";

/** An archive runs that was waited for (or turned up): takes it in and goes on. */
export function confirmed(draft: Draft, archive: ArchiveFacts, lane: Lane): void {
  const procedure = draft.running;
  const { chain, slots } = draft;
  const part = draft.adopt(archive, lane);
  if (slots.previous === part.archiveId) slots.previous = null;
  if (procedure.starting?.lane === lane) procedure.starting = null;
  switch (procedure.step) {
    case "starting":
      slots.main = part.archiveId;
      chain.state = "recording";
      return draft.finish();
    case "starting-interim":
      slots.interim = part.archiveId;
      draft.enter("overlapping-interim");
      return draft.wakeIn(draft.settings.overlapInterimMs);
    case "replacing":
      if (lane === "primary") {
        slots.main = part.archiveId;
        if (slots.previous === null && slots.interim === null) return settle(draft);
        draft.enter("overlapping-next");
        return draft.wakeIn(draft.settings.overlapNextMs);
      }
      slots.interim = part.archiveId;
      return enterStartingNext(draft);
    default:
      if (slots.main !== null) slots.previous = slots.main;
      slots.main = part.archiveId;
      draft.enter("overlapping-next");
      return draft.wakeIn(draft.settings.overlapNextMs);
  }
}

/** Decides what follows from the archives that run now; called after one has ended. */
export function react(draft: Draft): void {
  const { slots, procedure } = draft;
  if (!draft.state.chain) return;
  if (!procedure) {
    if (slots.main === null && draft.chain.state === "recording") {
      draft.begin("replace", "replacing");
      replace(draft);
    }
    return;
  }
  switch (procedure.step) {
    case "starting":
    case "replacing":
      return;
    case "stopping":
      return windDownUnlessBusy(draft);
    case "undoing":
      if (slots.main !== null) return windDownUnlessBusy(draft);
      procedure.failure = null;
      return slots.interim !== null ? enterStartingNext(draft) : replace(draft);
    case "joining":
    case "starting-interim":
    case "overlapping-interim":
      if (slots.main === null) return slots.interim ? enterStartingNext(draft) : replace(draft);
      if (procedure.step === "overlapping-interim" && slots.interim === null) {
        undo(draft, {
          kind: "platform",
          message: "The interim archive ended by itself; recording goes on unchanged",
        });
      }
      return;
    case "stopping-previous":
      if (!draft.covered) return replace(draft);
      if (slots.previous === null) return slots.main ? settle(draft) : enterStartingNext(draft);
      return;
    case "starting-next":
      if (!draft.covered) replace(draft);
      return;
    case "overlapping-next":
      if (slots.main === null && slots.previous !== null) {
        const { previous } = slots;
        slots.previous = null;
        if (draft.part(previous)?.lane === "secondary") {
          // Not everybody publishes there: it only bridges the time until primary records again.
          slots.interim = previous;
          return enterStartingNext(draft);
        }
        slots.main = previous;
        return undo(draft, {
          kind: "platform",
          message: "The next archive ended by itself; recording goes on unchanged",
        });
      }
      if (slots.main === null) return slots.interim ? enterStartingNext(draft) : replace(draft);
      if (slots.interim === null && slots.previous === null) settle(draft);
      return;
    case "stopping-interim":
    case "leaving":
      if (slots.main === null) return replace(draft);
      if (procedure.step === "stopping-interim" && slots.interim === null) settle(draft);
  }
}

/** Nothing covers the present moment: gets an archive to run, on either session, as soon as can be. */
function replace(draft: Draft): void {
  const { slots, running: procedure } = draft;
  const { pending } = draft.state;
  // What is being stopped cannot be relied on.
  if (slots.interim !== null && slots.previous === null) slots.previous = slots.interim;
  slots.interim = null;
  procedure.failure = null;
  draft.state.failedHandovers = 0;
  if (pending?.command.do === "start-archive" && pending.command.lane === "primary") {
    // The very start that is needed is out already.
    procedure.step = "replacing";
    procedure.stepStartedAtMs = draft.nowMs;
    return;
  }
  draft.enter("replacing");
  beginStart(draft, "primary");
}

/** Goes to what is left to do once the main archive is safe. */
export function settle(draft: Draft): void {
  const { slots, running: procedure } = draft;
  procedure.starting = procedure.starting?.inDoubt ? procedure.starting : null;
  if (slots.previous !== null) {
    draft.enter("stopping-previous");
    return tryStop(draft, slots.previous);
  }
  if (slots.interim !== null) {
    draft.enter("stopping-interim");
    return tryStop(draft, slots.interim);
  }
  if (draft.state.secondaryWanted) {
    draft.enter("leaving");
    return signal(draft, "leave");
  }
  draft.finish();
}

/** The interim archive records safely: the previous one may stop. */
export function enterStoppingPrevious(draft: Draft): void {
  const { slots } = draft;
  slots.previous = slots.main;
  slots.main = null;
  draft.enter("stopping-previous");
  stopOrReact(draft, slots.previous);
}

function enterStartingNext(draft: Draft): void {
  draft.enter("starting-next");
  beginStart(draft, "primary");
}

/** Stops the archive of a slot; if it has gone, goes on. */
function stopOrReact(draft: Draft, archiveId: string | null): void {
  if (archiveId === null) return react(draft);
  tryStop(draft, archiveId);
}

/** Looks how a stop went; before it is tried again, whether what took over still records. */
export function stopAgain(draft: Draft, archiveId: string | null): void {
  const { slots, running: procedure } = draft;
  const cover = slots.main ?? slots.interim;
  const looking = procedure.looks > 0;
  if (archiveId === null || looking || cover === null) return stopOrReact(draft, archiveId);
  draft.issue({ do: "get-archive", archiveId: cover });
}

/** Works in the answer to a stop, or to the look at what took over. */
export function stopUnlessUncovered(
  draft: Draft,
  archiveId: string | null,
  command: Command,
  answer: Answer,
): void {
  const aboutCover = "archiveId" in command && command.archiveId !== archiveId;
  if (!aboutCover) return stopAnswered(draft, command, answer);
  if (answer.ok) return stopOrReact(draft, archiveId);
  draft.wakeIn(1000);
}
