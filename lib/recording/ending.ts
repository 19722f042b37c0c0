/** Bringing one archive to its end. A stop whose outcome is unknown is resolved by looking. */
import type { Draft } from "./draft.ts";
import { backoffMs } from "./starting.ts";
import type { Answer, Command } from "./state.ts";

/** How often a stop that was answered well is looked at before it is tried again. */
const MAX_LOOKS = 4;
const LOOK_MS = 500;

/** Stops the archive, or looks how its stop went. */
export function tryStop(draft: Draft, archiveId: string): void {
  const looking = draft.running.looks > 0;
  if (!looking) draft.askStop(archiveId);
  draft.issue({ do: looking ? "get-archive" : "stop-archive", archiveId });
}

/** Works in an answer that did not end the archive (one that did never comes here). */
export function stopAnswered(draft: Draft, command: Command, answer: Answer): void {
  const procedure = draft.running;
  if (command.do === "stop-archive" && (answer.ok || !answer.certain || isConflict(answer))) {
    procedure.looks = 1;
    return draft.wakeIn(answer.ok ? LOOK_MS : 0);
  }
  if (answer.ok && procedure.looks < MAX_LOOKS) {
    procedure.looks++;
    return draft.wakeIn(LOOK_MS);
  }
  if (answer.ok) procedure.looks = 0;
  if (procedure.attempt++ >= 2) {
    const why = answer.ok ? "it still runs" : answer.message;
    draft.complain("warning", `An archive cannot be stopped yet (${why}); it is tried again`);
  }
  draft.wakeIn(backoffMs(procedure.attempt, 250, 10_000));
}

function isConflict(answer: Answer): boolean {
  return !answer.ok && answer.kind === "conflict";
}
