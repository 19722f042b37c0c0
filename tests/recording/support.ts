import { next, type Transition } from "../../lib/recording/machine.ts";
import type { Part } from "../../lib/recording/model.ts";
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

  archive(sessionId: string, more: Partial<ArchiveFacts> = {}): ArchiveFacts {
    return {
      id: `a${++this.#archives}`,
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
    const part = this.state.tail.find((p) => p.archiveId === id);
    if (!part) throw new Error(`End archive ${id}: it is no part`);
    return this.archive(part.sessionId, {
      id,
      status: "stopped",
      reason,
      durationSeconds: (this.nowMs - part.startedAtMs) / 1000,
    });
  }

  /** A chain that records `a1` on primary. */
  recording(): this {
    this.event({
      type: "start",
      chainId: "chain",
      name: "Weekly",
      options: OPTIONS,
      strategy: "dual-session",
    });
    this.answer({ archive: this.archive("P") });
    return this;
  }

  /** The failure of the procedure that ended last, or null if it went well. */
  get failure() {
    return this.state.outcomes.at(-1)?.failure ?? null;
  }
}

export function partOf(seq: number, fromMs: number, toMs: number | null, more: Partial<Part> = {}) {
  const part: Part = {
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
  return part;
}
