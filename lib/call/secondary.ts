/**
 * Our presence on the room's second session: there while a handover wants it, gone otherwise. It
 * follows a level ("wanted now"), not edges, so that a lost or doubled message does no harm.
 */
import { signal } from "@preact/signals";
import { type Problem, toProblem } from "./errors.ts";
import type { Lane } from "./lane.ts";

/** Attempts in one handover; the last ones are 8 s apart, longer than any handover waits. */
const MAX_ATTEMPTS = 10;

/** Joins and leaves the second session as wanted, one step at a time, and tries again on failure. */
export class Secondary {
  /** What a person may be told: nothing is wrong with the call itself in any of these. */
  readonly state = signal<"off" | "joining" | "on" | "failed">("off");
  /** Why the last attempt failed, while the session is wanted and not joined; else null. */
  readonly problem = signal<Problem | null>(null);
  #wanted = false;
  #lane: Lane | null = null;
  /** The lane that is being opened: closed, it ends the attempt at once. */
  #opening: Lane | null = null;
  #running: Promise<void> | null = null;
  #wake: (() => void) | null = null;

  /**
   * `open` makes a lane for attempt n (from 1) that calls `lost` if its session drops; `enter` connects and publishes on it.
   * `pauseMs` is the wait before attempt n (from 1) is repeated.
   */
  constructor(
    readonly open: (attempt: number, lost: (lane: Lane) => void) => Lane,
    readonly enter: (lane: Lane) => Promise<void>,
    readonly pauseMs: (attempt: number) => number = (attempt) =>
      Math.min(8_000, 500 * 2 ** (attempt - 1)),
  ) {}

  /** The lane while it is up. */
  get lane(): Lane | null {
    return this.#lane;
  }

  /** Says whether the second session is wanted now. Safe to repeat. */
  want(wanted: boolean): void {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    this.problem.value = null;
    this.#opening?.close();
    this.#wake?.();
    this.#start();
  }

  /** Tries again at once, if it is wanted and the last attempt failed. */
  retry(): void {
    this.#wake?.();
    this.#start();
  }

  /** No longer wanted; resolves when it is gone. */
  async close(): Promise<void> {
    this.want(false);
    while (this.#running) await this.#running;
  }

  #start(): void {
    if (this.#running) return;
    this.#running = this.#run().finally(() => {
      this.#running = null;
      // News that came while the last step was ending.
      if (this.#wanted !== (this.#lane !== null) && this.state.value !== "failed") this.#start();
    });
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (this.#wanted !== (this.#lane !== null)) {
      if (!this.#wanted) {
        const lane = this.#lane;
        this.#lane = null;
        await lane?.close();
        continue;
      }
      this.state.value = "joining";
      try {
        this.#lane = await this.#openOnce(failures + 1);
      } catch (error) {
        if (!this.#wanted) continue;
        failures++;
        this.problem.value = toProblem(error);
        if (failures >= MAX_ATTEMPTS) {
          this.state.value = "failed";
          return;
        }
        await this.#pause(this.pauseMs(failures));
      }
    }
    this.problem.value = null;
    this.state.value = this.#lane ? "on" : "off";
  }

  async #openOnce(attempt: number): Promise<Lane> {
    const lane = this.open(attempt, (lost) => {
      if (this.#lane !== lost) return;
      this.#lane = null;
      lost.close();
      this.#start();
    });
    this.#opening = lane;
    try {
      await this.enter(lane);
      return lane;
    } catch (error) {
      await lane.close();
      throw error;
    } finally {
      this.#opening = null;
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
