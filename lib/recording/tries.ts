/** Steps that start an archive: what comes of each try. */
import type { Draft } from "./draft.ts";
import {
  backoffMs,
  look,
  mustLookAgain,
  startAnswered,
  type StartResult,
  tryStart,
} from "./starting.ts";
import type { Answer, Command, Failure } from "./state.ts";
import { confirmed } from "./transfer.ts";

/** Tries before a procedure that can be undone gives up. */
export const MAX_TRIES = 3;

/** Works in the answer to a start: an archive that runs is taken in, a refusal goes to `refused`. */
export function handleStart(
  draft: Draft,
  command: Command,
  answer: Answer,
  refused: (kind: Extract<StartResult, { refused: unknown }>["refused"], why: string) => void,
): void {
  const lane = draft.running.starting?.lane;
  const result = startAnswered(draft, command, answer);
  if (result === null || lane === undefined) return;
  if ("archive" in result) confirmed(draft, result.archive, lane);
  else refused(result.refused, result.message);
}

/** Looks again for what the running step's start may have made, or tries it again. */
export function retryStart(draft: Draft): void {
  if (mustLookAgain(draft)) return look(draft);
  const simultaneous = draft.running.step === "starting-next" && draft.slots.main !== null;
  tryStart(draft, simultaneous ? tagOf(draft) : null);
}

/** Has the running step try again after a while. */
export function tryAgainIn(draft: Draft, delayMs: number): void {
  draft.running.attempt++;
  draft.wakeIn(delayMs);
}

/** Distinct for every part, the same for every try of one part: a second try cannot double it. */
export function tagOf(draft: Draft): string {
  return `part-${draft.state.nextSeq}`;
}

/** The first archive of a chain was refused and the streams were counted: says why, or tries again. */
export function firstStartRefused(draft: Draft, answer: Answer): void {
  const { attempt, starting } = draft.running;
  const why = starting?.why ?? "";
  if (answer.ok && answer.streams?.primary === 0) {
    return startFailed(draft, {
      kind: "nobody-in-call",
      message: "Nobody is publishing in the call: join it with camera or microphone, then start",
    });
  }
  if (attempt >= MAX_TRIES) {
    return startFailed(draft, { kind: "platform", message: `No archive could be started: ${why}` });
  }
  tryAgainIn(draft, backoffMs(attempt, 500, 4000));
}

/** There will be no chain. */
export function startFailed(draft: Draft, failure: Failure): void {
  draft.endChain("failed");
  draft.say("error", failure.message);
  draft.fail(failure);
}
