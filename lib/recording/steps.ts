/**
 * The steps of every procedure: what each does when it is entered, when its command is answered and
 * when its time has come. What happens when an archive ends is decided in one place, {@link react}.
 */
import type { Lane } from "./model.ts";
import type { Step } from "./views.ts";
import type { Draft } from "./draft.ts";
import { stopAnswered, tryStop } from "./ending.ts";
import {
  backoffMs,
  beginStart,
  look,
  startAnswered,
  type StartResult,
  tryStart,
} from "./starting.ts";
import type { Answer, ArchiveFacts, Command, Failure } from "./state.ts";

const STREAM_POLL_MS = 500;
/** Tries before a procedure that can be undone gives up. */
const MAX_TRIES = 3;
/** How often an archive that should record but is paused is looked at before it is given up. */
const MAX_PAUSED_LOOKS = 10;
/** A chain that nobody could be recorded in for this long stops by itself, as archives do. */
const ABANDONED_MS = 60 * 60_000;

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
    tick: (draft) => stopOrReact(draft, draft.slots.previous),
    answer: stopAnswered,
  },
  "starting-next": {
    tick: (draft) => retryStart(draft),
    answer(draft, command, answer) {
      handleStart(draft, command, answer, (_kind, why) => {
        const { attempt } = draft.running;
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
    tick: (draft) => stopOrReact(draft, draft.slots.interim),
    answer: stopAnswered,
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

/** Begins to hand over. */
export function beginHandover(draft: Draft): void {
  if (draft.chain.strategy === "simultaneous") {
    draft.begin("handover", "starting-next");
    return beginStart(draft, "primary", tagOf(draft));
  }
  draft.begin("handover", "joining");
  signal(draft, "join");
}

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
      return slots.main === null ? replace(draft) : windDownUnlessBusy(draft);
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
        slots.main = slots.previous;
        slots.previous = null;
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
  if (pending?.command.do === "start-archive" && pending.command.lane === "primary") {
    // The very start that is needed is out already.
    procedure.step = "replacing";
    procedure.stepStartedAtMs = draft.nowMs;
    return;
  }
  draft.enter("replacing");
  beginStart(draft, "primary");
}

function replacing(draft: Draft, command: Command, answer: Answer): void {
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

/** Goes to what is left to do once the main archive is safe. */
function settle(draft: Draft): void {
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

function undo(draft: Draft, failure: Failure): void {
  draft.enter("undoing").failure = failure;
  draft.say("warning", `The handover failed: ${failure.message}`);
  windDown(draft);
}

/** Stops what has to be stopped, finds what a start in doubt may have made, lets clients leave, ends. */
function windDown(draft: Draft): void {
  const { slots, running: procedure } = draft;
  const stopping = procedure.step === "stopping";
  const archiveId = slots.interim ?? slots.previous ?? (stopping ? slots.main : null);
  if (archiveId !== null) return tryStop(draft, archiveId);
  if (procedure.starting?.inDoubt && procedure.starting.looks < MAX_TRIES) return look(draft);
  if (draft.state.secondaryWanted) return signal(draft, "leave");
  if (stopping) {
    draft.endChain("stopped");
    draft.finish();
  } else draft.fail(procedure.failure ?? { kind: "platform", message: "The handover was undone" });
}

/** Goes on winding down unless the command that is out still has a purpose. */
function windDownUnlessBusy(draft: Draft): void {
  const command = draft.state.pending?.command;
  const target = command && "archiveId" in command ? command.archiveId : null;
  const gone = target !== null && !Object.values(draft.slots).includes(target);
  if (!command || gone) windDown(draft);
}

function windDownAnswered(draft: Draft, command: Command, answer: Answer): void {
  const { running: procedure, slots } = draft;
  if (command.do === "find-archive" && procedure.starting) {
    if (answer.ok && answer.archive) {
      procedure.starting.inDoubt = false;
      const part = draft.adopt(answer.archive, command.lane);
      slots[slots.interim === null ? "interim" : "previous"] = part.archiveId;
      procedure.looks = 0;
      return windDown(draft);
    }
    return draft.wakeIn(1000);
  }
  if (command.do === "signal") return windDown(draft);
  stopAnswered(draft, command, answer);
}

function enterStoppingPrevious(draft: Draft): void {
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

function handleStart(
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

function retryStart(draft: Draft): void {
  const simultaneous = draft.running.step === "starting-next" && draft.slots.main !== null;
  tryStart(draft, simultaneous ? tagOf(draft) : null);
}

function tryAgainIn(draft: Draft, delayMs: number): void {
  draft.running.attempt++;
  draft.wakeIn(delayMs);
}

/** Distinct for every part, the same for every try of one part: a second try cannot double it. */
function tagOf(draft: Draft): string {
  return `part-${draft.state.nextSeq}`;
}

function countStreams(draft: Draft): void {
  draft.issue({
    do: "count-streams",
    primary: draft.session("primary"),
    secondary: draft.session("secondary"),
  });
}

function signal(draft: Draft, type: "join" | "leave"): void {
  draft.state.secondaryWanted = type === "join";
  draft.issue({ do: "signal", sessionId: draft.session("primary"), signal: type });
}

function check(draft: Draft, archiveId: string | null): void {
  if (archiveId === null) return react(draft);
  draft.issue({ do: "get-archive", archiveId });
}

/** The archive that is to take over was looked at: goes on only if it records now. */
function verified(draft: Draft, answer: Answer, records: () => void, paused: () => void): void {
  const procedure = draft.running;
  if (answer.ok && answer.archive?.status === "started") return records();
  if (answer.ok && procedure.looks++ >= MAX_PAUSED_LOOKS) return paused();
  draft.wakeIn(1000);
}

function joined(draft: Draft, command: Command, answer: Answer): void {
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

function firstStartRefused(draft: Draft, answer: Answer): void {
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

function startFailed(draft: Draft, failure: Failure): void {
  draft.endChain("failed");
  draft.say("error", failure.message);
  draft.fail(failure);
}
