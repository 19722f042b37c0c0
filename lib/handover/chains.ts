/** The one door to recording a room: everything that starts, hands over or stops a chain uses it. */
import type { ArchiveOptions, Chain } from "../recording/model.ts";
import type { RoomView } from "../recording/views.ts";

/**
 * Records rooms. Every verb is safe to call twice, from two processes, in any order; each returns
 * when its procedure is done, and throws `ChainError` when it cannot be done.
 */
export interface Chains {
  /** Starts a chain, or returns the one that already records. */
  start(room: string, options: { name: string; archive: ArchiveOptions }): Promise<Chain>;
  /** Hands over once; a handover that already runs is joined, not doubled. */
  handOver(room: string): Promise<Chain>;
  /** Stops the chain; answers when its last archive is confirmed stopped. */
  stop(room: string): Promise<Chain>;
  /** Something may have happened to this archive: read it from the platform and act on it. */
  hint(archiveId: string): Promise<void>;
  /** Something may have happened to what records in this room: look at it and act on it. */
  hintRoom(room: string): Promise<void>;
  /** Something may have happened in this session: look at what records there and act on it. */
  hintSession(sessionId: string): Promise<void>;
  /** Looks after every room once: resumes procedures, replaces dead archives, hands over when due. */
  sweep(): Promise<void>;
  /** The state of a room's recording now. */
  view(room: string): Promise<RoomView>;
  /** The state now and after every change, until `signal` aborts. Sees other processes' changes too. */
  watch(room: string, signal: AbortSignal): AsyncIterable<RoomView>;
  /** Finishes or hands back what this process runs; resolves within 5 s. */
  close(): Promise<void>;
}

/** A recording action that cannot be done. */
export class ChainError extends Error {
  override readonly name = "ChainError";
  constructor(
    readonly kind: "not-found" | "conflict" | "nobody-in-call" | "platform",
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
