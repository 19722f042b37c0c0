/** While nothing records: an archive is brought to run on whichever session takes one. */
import { signal } from "./asking.ts";
import type { Draft } from "./draft.ts";
import { backoffMs, beginStart } from "./starting.ts";
import type { Answer, Command } from "./state.ts";
import { handleStart } from "./tries.ts";
import { beginStop } from "./winding_down.ts";

/** A chain that nobody could be recorded in for this long stops by itself, as archives do. */
const ABANDONED_MS = 60 * 60_000;

/** Works in an answer while nothing records. */
export function replacing(draft: Draft, command: Command, answer: Answer): void {
  const procedure = draft.running;
  if (command.do === "signal") return beginStart(draft, "secondary");
  if (command.do === "count-streams") {
    const streams = answer.ok ? answer.streams : null;
    procedure.streams = streams;
    const nobody = streams !== null && streams.primary + streams.secondary === 0;
    if (nobody) {
      const gap = draft.chain.gaps.at(-1);
      if (gap?.toMs === null) gap.cause = "Nobody was publishing in the call";
      if (draft.nowMs - procedure.stepStartedAtMs > ABANDONED_MS) {
        draft.say("warning", "Nobody was in the call for an hour: the recording was stopped");
        return beginStop(draft);
      }
      return draft.wakeIn(2000);
    }
    const onSecondary = procedure.starting?.lane === "primary" && procedure.attempt % 2 === 0;
    if (!onSecondary || draft.chain.strategy === "simultaneous") {
      return beginStart(draft, "primary");
    }
    if (!draft.state.secondaryWanted) return signal(draft, "join");
    return beginStart(draft, streams && streams.secondary === 0 ? "primary" : "secondary");
  }
  handleStart(draft, command, answer, (_kind, why) => {
    draft.complain(
      "error",
      `Nothing is being recorded: no archive starts (${why}); it is tried again`,
    );
    draft.wakeIn(backoffMs(procedure.attempt++, 250, 4000));
  });
}
