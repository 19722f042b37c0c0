/**
 * The steps of every procedure as one table: what each does when its command is answered and when its
 * time has come. What happens when an archive ends is decided in one place, `react` (transfer.ts).
 */
import type { Step } from "./views.ts";
import { countStreams } from "./asking.ts";
import type { Draft } from "./draft.ts";
import { check, goOverSecondary, joined, refusesTags, verified } from "./joining.ts";
import { replacing } from "./replacing.ts";
import { backoffMs } from "./starting.ts";
import type { Answer, Command } from "./state.ts";
import { enterStoppingPrevious, settle, stopAgain, stopUnlessUncovered } from "./transfer.ts";
import {
  firstStartRefused,
  handleStart,
  MAX_TRIES,
  retryStart,
  startFailed,
  tryAgainIn,
} from "./tries.ts";
import { undo, windDown, windDownAnswered } from "./winding_down.ts";

interface StepRules {
  answer(draft: Draft, command: Command, answer: Answer): void;
  tick(draft: Draft): void;
}

/** What each step does with an answer and with time. */
export const steps: Record<Step, StepRules> = {
  "starting": {
    tick: (draft) => retryStart(draft),
    answer(draft, command, answer) {
      if (command.do === "count-streams") return firstStartRefused(draft, answer);
      handleStart(draft, command, answer, (kind, why) => {
        if (draft.running.starting) draft.running.starting.why = why;
        if (kind === "unauthorized") return startFailed(draft, { kind: "platform", message: why });
        countStreams(draft);
      });
    },
  },
  "joining": {
    tick: (draft) => countStreams(draft),
    answer: joined,
  },
  "starting-interim": {
    tick: (draft) => retryStart(draft),
    answer(draft, command, answer) {
      handleStart(draft, command, answer, (kind, why) => {
        if (kind === "unauthorized" || draft.running.attempt >= MAX_TRIES) {
          return undo(draft, {
            kind: "platform",
            message: `The interim archive did not start (${why}); recording goes on unchanged`,
          });
        }
        tryAgainIn(draft, backoffMs(draft.running.attempt, 500, 4000));
      });
    },
  },
  "overlapping-interim": {
    tick: (draft) => check(draft, draft.slots.interim),
    answer(draft, _command, answer) {
      verified(draft, answer, () => enterStoppingPrevious(draft), () =>
        undo(draft, {
          kind: "platform",
          message: "Nobody published to the secondary session; recording goes on unchanged",
        }));
    },
  },
  "stopping-previous": {
    tick: (draft) => stopAgain(draft, draft.slots.previous),
    answer: (draft, command, answer) =>
      stopUnlessUncovered(draft, draft.slots.previous, command, answer),
  },
  "starting-next": {
    tick: (draft) => retryStart(draft),
    answer(draft, command, answer) {
      handleStart(draft, command, answer, (kind, why) => {
        const { attempt } = draft.running;
        if (draft.slots.main !== null && refusesTags(draft, kind)) {
          return goOverSecondary(draft, why);
        }
        if (draft.slots.main !== null && attempt >= MAX_TRIES) {
          return undo(draft, {
            kind: "platform",
            message: `The next archive did not start (${why}); recording goes on unchanged`,
          });
        }
        if (attempt >= MAX_TRIES) {
          draft.complain(
            "warning",
            `The next archive has not started yet (${why}); the interim archive goes on recording ` +
              "and it is tried again",
          );
        }
        tryAgainIn(draft, backoffMs(attempt, 500, 15_000));
      });
    },
  },
  "overlapping-next": {
    tick: (draft) => check(draft, draft.slots.main),
    answer(draft, _command, answer) {
      verified(draft, answer, () => settle(draft), () => settle(draft));
    },
  },
  "stopping-interim": {
    tick: (draft) => stopAgain(draft, draft.slots.interim),
    answer: (draft, command, answer) =>
      stopUnlessUncovered(draft, draft.slots.interim, command, answer),
  },
  "leaving": {
    tick: (draft) => settle(draft),
    answer: (draft) => settle(draft),
  },
  "undoing": { tick: windDown, answer: windDownAnswered },
  "stopping": { tick: windDown, answer: windDownAnswered },
  "replacing": {
    tick: (draft) => countStreams(draft),
    answer: replacing,
  },
};
