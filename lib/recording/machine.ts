/**
 * The recording of a room as a pure function: what was, what happened and when, make what is now and
 * the one command to carry out. DESIGN section 4 says what it promises.
 */
import type { Chain, Lane, Part } from "./model.ts";
import { noteAlerts } from "./alerts.ts";
import { Draft, isRunning } from "./draft.ts";
import type {
  Answer,
  ArchiveFacts,
  Command,
  RecordingEvent,
  RecordingSettings,
  RecordingState,
} from "./state.ts";
import { beginHandover } from "./joining.ts";
import { steps } from "./steps.ts";
import { confirmed, react } from "./transfer.ts";
import { beginStop, takeInToStop } from "./winding_down.ts";
import { beginStart } from "./starting.ts";

/** What an event leads to. */
export interface Transition {
  state: RecordingState;
  /** To carry out after `state` is saved: none, or `state.pending`'s. */
  commands: Command[];
  /** To write with the state: the chain, if it changed and ever had a part; parts that changed. */
  chain: Chain | null;
  parts: Part[];
}

/** Platform and server clocks may differ by this much when archives are told apart by time. */
export const CLOCK_TOLERANCE_MS = 10_000;

/**
 * The state after `event`. Never throws for any event in any state; an event that does not fit is
 * ignored. Times in ms of one clock.
 */
export function next(
  state: RecordingState,
  event: RecordingEvent,
  nowMs: number,
  settings: RecordingSettings,
): Transition {
  const draft = new Draft(state, nowMs, settings);
  apply(draft, event);
  const after = draft.state;
  noteAlerts(state, after, draft.endedChain, nowMs, settings);
  const chain = draft.endedChain ?? after.chain;
  const chainChanged = chain !== null && after.nextSeq > 0 &&
    JSON.stringify(chain) !== JSON.stringify(state.chain);
  return {
    state: after,
    commands: after.pending && after.pending.id !== state.pending?.id
      ? [after.pending.command]
      : [],
    chain: chainChanged ? chain : null,
    parts: [...draft.changedParts.values()],
  };
}

function apply(draft: Draft, event: RecordingEvent): void {
  const { state } = draft;
  switch (event.type) {
    case "start":
      if (!state.chain) start(draft, event);
      return;
    case "handover":
      if (state.chain?.state === "recording" && !state.procedure) beginHandover(draft);
      return;
    case "stop":
      if (state.chain && state.procedure?.kind !== "stop") beginStop(draft);
      return;
    case "tick":
      return tick(draft);
    case "seen":
      return seen(draft, event.archive);
    case "measured":
      return draft.measure(event.part);
    case "answer":
      return answered(draft, event.id, event.answer);
  }
}

function start(draft: Draft, event: Extract<RecordingEvent, { type: "start" }>): void {
  const { state } = draft;
  state.chain = {
    id: event.chainId,
    room: state.room,
    name: event.name,
    options: event.options,
    strategy: event.strategy,
    state: "starting",
    createdAtMs: draft.nowMs,
    stopRequestedAtMs: null,
    stoppedAtMs: null,
    gaps: [],
  };
  Object.assign(state, {
    tail: [],
    nextSeq: 0,
    handOverAgainAtMs: 0,
    failedHandovers: 0,
    notice: null,
  });
  draft.begin("start", "starting");
  beginStart(draft, "primary");
}

function tick(draft: Draft): void {
  const { procedure, state } = draft;
  if (procedure) {
    if (!state.pending && draft.nowMs >= (procedure.wakeAtMs ?? 0)) {
      procedure.wakeAtMs = null;
      steps[procedure.step].tick(draft);
    }
    return;
  }
  const dueAtMs = handOverDueAtMs(state, draft.settings);
  if (dueAtMs !== null && draft.nowMs >= dueAtMs) beginHandover(draft);
}

/** When the chain hands over by itself, or null while it cannot. */
export function handOverDueAtMs(
  state: RecordingState,
  settings: RecordingSettings,
): number | null {
  const main = state.tail.find((part) => part.archiveId === state.slots.main);
  if (state.chain?.state !== "recording" || !main) return null;
  return Math.max(main.startedAtMs + settings.rotateAfterMs, state.handOverAgainAtMs);
}

function answered(draft: Draft, id: number, answer: Answer): void {
  const { pending } = draft.state;
  if (!pending || pending.id !== id || !draft.procedure) {
    // Too late to be waited for; what it says of an archive is still true.
    if (answer.ok && answer.archive) seen(draft, answer.archive);
    return;
  }
  draft.state.pending = null;
  const { command } = pending;
  if (noteEnd(draft, command, answer)) {
    if (draft.state.pending === null && draft.procedure) resume(draft);
    return;
  }
  steps[draft.procedure.step].answer(draft, command, answer);
}

/** Writes down the news of a known archive; true if it has ended, and what follows was begun. */
function noteEnd(draft: Draft, command: Command, answer: Answer): boolean {
  if (command.do !== "get-archive" && command.do !== "stop-archive") return false;
  const part = draft.part(command.archiveId);
  if (!part) return false;
  const gone = !answer.ok && answer.certain && answer.kind === "not-found";
  const facts = answer.ok ? answer.archive : gone ? goneFacts : null;
  const ended = facts !== null && draft.note(part, facts);
  if (!ended) return part.endedAtMs !== null;
  draft.running.looks = 0;
  draft.running.attempt = 1;
  react(draft);
  return true;
}

const goneFacts = {
  status: "deleted",
  reason: "not found on the platform",
  createdAtMs: 0,
  durationSeconds: 0,
  sizeBytes: 0,
} as const;

/** A step whose command became pointless goes on by time. */
function resume(draft: Draft): void {
  if (draft.procedure && draft.procedure.wakeAtMs === null) draft.wakeIn(0);
}

function seen(draft: Draft, archive: ArchiveFacts): void {
  const part = draft.part(archive.id);
  if (part) {
    if (draft.note(part, archive)) {
      react(draft);
      if (draft.state.pending === null) resume(draft);
    }
    return;
  }
  const lane = draft.laneOf(archive.sessionId);
  if (lane && isOurs(draft, archive)) turnedUp(draft, archive, lane);
}

/** Whether a running archive that is no part yet was started for this chain: by session, name, time. */
function isOurs(draft: Draft, archive: ArchiveFacts): boolean {
  const { chain } = draft.state;
  return chain !== null && isRunning(archive.status) && archive.name === chain.name &&
    !draft.state.former.includes(archive.id) &&
    archive.createdAtMs >= chain.createdAtMs - CLOCK_TOLERANCE_MS;
}

/** An archive that a lost start made: it is what is waited for, or cover, or superfluous. */
function turnedUp(draft: Draft, archive: ArchiveFacts, lane: Lane): void {
  const { procedure, slots } = draft;
  const starts = procedure && /^(starting|replacing)/.test(procedure.step);
  if (
    procedure && starts && (procedure.starting?.lane === lane || procedure.step === "replacing")
  ) {
    return confirmed(draft, archive, lane);
  }
  if (procedure?.step === "stopping" || procedure?.step === "undoing") {
    takeInToStop(draft, archive, lane);
    return;
  }
  if (procedure || slots.previous !== null) return;
  slots.previous = draft.adopt(archive, lane).archiveId;
  // It may be all that recorded until a moment ago: it is stopped as the archive of a handover is.
  draft.begin("replace", "overlapping-next");
  draft.wakeIn(draft.settings.overlapNextMs);
}
