/** The state while one event is worked in: what may be done to it, and what has to be written. */
import type { ArchiveStatus, Chain, Lane, Part } from "./model.ts";
import { keptContinuity, updatedGaps } from "./coverage.ts";
import type {
  ArchiveFacts,
  Command,
  Failure,
  Procedure,
  RecordingSettings,
  RecordingState,
} from "./state.ts";

/** Parts that the state keeps at hand; all that run are always among them. */
const TAIL_LENGTH = 12;
/** Outcomes that are kept for those who wait for a procedure. */
const OUTCOMES = 8;
/** How long after a start an archive that it made unseen is looked for. */
const SUSPECT_MS = 5 * 60_000;
const MAX_SUSPECTS = 8;
/** After a handover failed, the chain does not try another by itself for this long. */
const HAND_OVER_AGAIN_MS = 30_000;

/** Whether an archive in this status still runs. */
export function isRunning(status: ArchiveStatus): boolean {
  return status === "started" || status === "paused";
}

/** A copy of the state that one event changes. */
export class Draft {
  readonly state: RecordingState;
  readonly changedParts = new Map<number, Part>();
  /** The chain as it ended in this event. */
  endedChain: Chain | null = null;

  constructor(
    before: RecordingState,
    readonly nowMs: number,
    readonly settings: RecordingSettings,
  ) {
    this.state = structuredClone(before);
  }

  get procedure(): Procedure | null {
    return this.state.procedure;
  }

  /** The running procedure; asking for it when there is none is a mistake of ours. */
  get running(): Procedure {
    if (!this.state.procedure) throw new Error("Work on a procedure: none is running");
    return this.state.procedure;
  }

  /** The chain that records; asking for it when there is none is a mistake of ours. */
  get chain(): Chain {
    if (!this.state.chain) throw new Error("Work on a chain: none is recording");
    return this.state.chain;
  }

  get slots(): RecordingState["slots"] {
    return this.state.slots;
  }

  /** True while an archive runs that nobody has decided to stop. */
  get covered(): boolean {
    return this.slots.main !== null || this.slots.interim !== null;
  }

  session(lane: Lane): string {
    return this.state.sessions[lane];
  }

  laneOf(sessionId: string): Lane | null {
    if (sessionId === this.state.sessions.primary) return "primary";
    return sessionId === this.state.sessions.secondary ? "secondary" : null;
  }

  part(archiveId: string): Part | null {
    return this.state.tail.find((part) => part.archiveId === archiveId) ?? null;
  }

  /** Begins a procedure; one that runs ends with `conflict`. */
  begin(kind: Procedure["kind"], step: Procedure["step"]): Procedure {
    if (this.procedure) {
      this.conclude({ kind: "conflict", message: `The ${this.procedure.kind} was cut short` });
    }
    const id = ++this.state.lastProcedureId;
    const { nowMs } = this;
    this.state.pending = null;
    this.state.procedure = {
      id,
      kind,
      step,
      startedAtMs: nowMs,
      stepStartedAtMs: nowMs,
      attempt: 1,
      wakeAtMs: null,
      starting: null,
      looks: 0,
      streams: null,
      trouble: null,
      failure: null,
    };
    return this.state.procedure;
  }

  /** Moves the procedure to a step, and drops whatever the last step still waited for. */
  enter(step: Procedure["step"]): Procedure {
    const procedure = this.running;
    Object.assign(procedure, {
      step,
      stepStartedAtMs: this.nowMs,
      attempt: 1,
      wakeAtMs: null,
      looks: 0,
      trouble: null,
    });
    this.state.pending = null;
    return procedure;
  }

  /** Ends the procedure well. Notices that it has outlived go. */
  finish(): void {
    const { startedAtMs, kind } = this.running;
    const { notice } = this.state;
    if (kind === "handover") this.state.failedHandovers = 0;
    if (notice && notice.atMs < startedAtMs) this.state.notice = null;
    this.conclude(null);
  }

  /** Ends the procedure badly and says so; the chain goes on if it can. */
  fail(failure: Failure): void {
    if (this.running.kind === "handover") {
      this.state.handOverAgainAtMs = this.nowMs + HAND_OVER_AGAIN_MS;
      this.state.failedHandovers++;
    }
    this.conclude(failure);
  }

  private conclude(failure: Failure | null): void {
    const { id, kind } = this.running;
    const chainId = this.state.chain?.id ?? this.state.lastChain?.id ?? null;
    this.state.outcomes = [...this.state.outcomes, { id, kind, chainId, failure }].slice(-OUTCOMES);
    this.state.procedure = null;
    this.state.pending = null;
  }

  /** Remembers that a start of this chain may take effect later than anybody waits for it. */
  suspect(): void {
    const { chain, nowMs } = this;
    const suspect = { name: chain.name, sinceMs: chain.createdAtMs, untilMs: nowMs + SUSPECT_MS };
    const others = this.state.suspects.filter((s) =>
      s.untilMs > nowMs && s.sinceMs !== suspect.sinceMs
    );
    this.state.suspects = [...others, suspect].slice(-MAX_SUSPECTS);
  }

  /** Puts a command out; the one that was out, if any, is no longer waited for. */
  issue(command: Command): void {
    this.running.wakeAtMs = null;
    const id = ++this.state.lastCommandId;
    this.state.pending = { id, command, decidedAtMs: this.nowMs, issuedBy: 0 };
  }

  /** Goes on after `delayMs` if nothing happens before. */
  wakeIn(delayMs: number): void {
    this.state.pending = null;
    this.running.wakeAtMs = this.nowMs + delayMs;
  }

  say(level: "info" | "warning" | "error", text: string): void {
    this.state.notice = { atMs: this.nowMs, level, text };
  }

  /** Says what keeps the running step from going on. */
  complain(level: "warning" | "error", text: string): void {
    this.running.trouble = { atMs: this.nowMs, level, text };
  }

  /** Notes that an archive is to end because this app wants it. */
  askStop(archiveId: string): void {
    const part = this.part(archiveId);
    if (!part || part.stopAskedAtMs !== undefined) return;
    part.stopAskedAtMs = this.nowMs;
    this.changedParts.set(part.seq, part);
  }

  /** Takes an archive into the chain as its next part, or answers the part that it is already. */
  adopt(archive: ArchiveFacts, lane: Lane): Part {
    const known = this.part(archive.id);
    if (known) return known;
    const part: Part = {
      chainId: this.chain.id,
      seq: this.state.nextSeq++,
      archiveId: archive.id,
      sessionId: archive.sessionId,
      lane,
      status: archive.status,
      reason: "",
      startedAtMs: archive.createdAtMs,
      startSource: "platform",
      startUncertaintyMs: 1000,
      endedAtMs: null,
      durationMs: null,
      sizeBytes: 0,
      nudgeMs: 0,
    };
    this.state.tail.push(part);
    this.changedParts.set(part.seq, part);
    const drop = this.state.tail.filter((p) => p.endedAtMs !== null);
    while (this.state.tail.length > TAIL_LENGTH && drop.length > 0) {
      const oldest = drop.shift();
      this.state.tail = this.state.tail.filter((p) => p !== oldest);
    }
    this.recount();
    return part;
  }

  /** Writes down what is known of a part's archive; true if it was running and has ended. */
  note(part: Part, archive: Omit<ArchiveFacts, "id" | "sessionId" | "name">): boolean {
    if (part.endedAtMs !== null) return false;
    if (part.status !== archive.status || part.reason !== archive.reason) {
      part.status = archive.status;
      part.reason = archive.reason;
      this.changedParts.set(part.seq, part);
    }
    if (isRunning(archive.status)) return false;
    const { durationSeconds } = archive;
    part.endedAtMs = durationSeconds > 0
      ? part.startedAtMs + durationSeconds * 1000
      : Math.max(part.startedAtMs, this.nowMs);
    part.durationMs = durationSeconds > 0 ? durationSeconds * 1000 : null;
    part.sizeBytes = archive.sizeBytes;
    const { slots } = this;
    for (const slot of ["main", "interim", "previous"] as const) {
      if (slots[slot] === part.archiveId) slots[slot] = null;
    }
    this.recount();
    return true;
  }

  /** Takes over what is stored of an ended part already: its file was read. */
  measure(part: Part): void {
    const at = this.state.tail.findIndex((p) => p.archiveId === part.archiveId);
    if (at < 0 || this.state.tail[at]?.endedAtMs === null) return;
    this.state.tail[at] = part;
    this.recount();
  }

  /** Brings the chain's gaps up to date with its parts. */
  private recount(): void {
    const { chain, tail } = this.state;
    if (!chain) return;
    chain.gaps = updatedGaps(chain.gaps, tail, chain.stopRequestedAtMs ?? null);
  }

  /** Ends the chain in this state. */
  endChain(state: "stopped" | "failed"): void {
    const { chain } = this;
    chain.state = state;
    this.recount();
    chain.stoppedAtMs = this.nowMs;
    chain.continuity = keptContinuity(chain, this.state.tail);
    this.endedChain = chain;
    this.state.lastChain = chain;
    this.state.chain = null;
    this.state.former = this.state.tail.map((part) => part.archiveId);
    this.state.tail = [];
    this.state.slots = { main: null, interim: null, previous: null };
    this.state.secondaryWanted = false;
  }
}
