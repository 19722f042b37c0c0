import { next, type Transition } from "../../lib/recording/machine.ts";
import type { Part, Strategy } from "../../lib/recording/model.ts";
import {
  type Answer,
  type ArchiveFacts,
  type Command,
  emptyRecording,
  type RecordingEvent,
} from "../../lib/recording/state.ts";

export const SETTINGS = {
  joinTimeoutMs: 10_000,
  overlapInterimMs: 2_000,
  overlapNextMs: 3_000,
  rotateAfterMs: 600_000,
};

export const OPTIONS = { hasAudio: true, hasVideo: true, outputMode: "composed" as const };

/** A machine that a test plays with: it keeps the state, the time and what was asked for. */
export class Play {
  state = emptyRecording("main", { primary: "P", secondary: "S" });
  nowMs = 1_000_000;
  last: Transition | null = null;
  #archives = 0;

  /** Works an event in; answers the command that is out afterwards. */
  event(event: RecordingEvent): Command | null {
    this.last = next(this.state, event, this.nowMs, SETTINGS);
    this.state = this.last.state;
    return this.state.pending?.command ?? null;
  }

  answer(answer: Partial<Extract<Answer, { ok: true }>> | Extract<Answer, { ok: false }>) {
    const id = this.state.pending?.id;
    if (id === undefined) throw new Error("Answer a command: none is out");
    const full: Answer = answer.ok === false
      ? answer
      : { archive: null, streams: null, ...answer, ok: true };
    return this.event({ type: "answer", id, answer: full });
  }

  refuse(kind: Extract<Answer, { ok: false }>["kind"]) {
    const certain = !["timeout", "unavailable", "unexpected", "lost"].includes(kind);
    return this.answer({ ok: false, certain, kind, message: kind });
  }

  pass(ms: number) {
    this.nowMs += ms;
    return this.event({ type: "tick" });
  }

  seen(archive: ArchiveFacts) {
    return this.event({ type: "seen", archive });
  }

  /** Answers that a part's archive runs. */
  confirm(archiveId: string) {
    const { sessionId } = this.#part(archiveId);
    return this.answer({ archive: this.archive(sessionId, { id: archiveId }) });
  }

  /** Answers that a part's archive has been stopped as it was asked for. */
  confirmEnd(archiveId: string) {
    return this.answer({ archive: this.ended(archiveId) });
  }

  /** One that runs; the first is `a1`. */
  archive(sessionId: string, more: Partial<ArchiveFacts> = {}): ArchiveFacts {
    return {
      id: more.id ?? `a${++this.#archives}`,
      sessionId,
      name: "Weekly",
      status: "started",
      reason: "",
      createdAtMs: this.nowMs,
      durationSeconds: 0,
      sizeBytes: 0,
      ...more,
    };
  }

  ended(id: string, reason = "user initiated"): ArchiveFacts {
    const { sessionId, startedAtMs } = this.#part(id);
    const durationSeconds = (this.nowMs - startedAtMs) / 1000;
    return this.archive(sessionId, { id, status: "stopped", reason, durationSeconds });
  }

  #part(archiveId: string): Part {
    const part = this.state.tail.find((p) => p.archiveId === archiveId);
    if (!part) throw new Error(`Find archive ${archiveId}: it is no part`);
    return part;
  }

  /** Asks for a chain; answers the start of its archive. */
  start(strategy: Strategy = "dual-session", chainId = "chain") {
    return this.event({ type: "start", chainId, name: "Weekly", options: OPTIONS, strategy });
  }

  /** A chain that records `a1` on primary. */
  recording(strategy?: Strategy): this {
    this.start(strategy);
    this.answer({ archive: this.archive("P") });
    return this;
  }

  /** Begins a handover, up to where its interim archive overlaps. */
  startInterim(): void {
    this.event({ type: "handover" });
    this.answer({});
    this.answer({ streams: { primary: 1, secondary: 1 } });
    this.answer({ archive: this.archive("S") });
  }

  /** A handover that nobody joins, up to where clients are asked to leave; answers that command. */
  joinInVain() {
    this.event({ type: "handover" });
    this.answer({});
    this.nowMs += 10_000;
    return this.answer({ streams: { primary: 2, secondary: 0 } });
  }

  /** The failure of the procedure that ended last, or null if it went well. */
  get failure() {
    return this.state.outcomes.at(-1)?.failure ?? null;
  }
}

/** A part of `chain`; it runs if `toMs` is null. */
export function partOf(
  seq: number,
  fromMs: number,
  toMs: number | null,
  more: Partial<Part> = {},
): Part {
  return {
    chainId: "chain",
    seq,
    archiveId: `a${seq}`,
    sessionId: "P",
    lane: seq % 2 === 0 ? "primary" : "secondary",
    status: toMs === null ? "started" : "available",
    reason: "",
    startedAtMs: fromMs,
    startSource: "file",
    startUncertaintyMs: 20,
    endedAtMs: toMs,
    durationMs: toMs === null ? null : toMs - fromMs,
    sizeBytes: 0,
    nudgeMs: 0,
    ...more,
  };
}
