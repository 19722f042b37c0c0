import { setImmediate } from "node:timers";
import type { SimDatabase } from "./database.ts";

interface Timer {
  atMs: number;
  run: () => void;
}

/** Resolves in the next turn of the event loop: by then, all that can go on has gone on. */
export function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** When virtual time begins. */
export const BEGIN_MS = 1_800_000_000_000;

/** Virtual time: moves to the next timer only when everything that runs has come to rest. */
export class SimClock {
  nowMs = BEGIN_MS;
  #timers: Timer[] = [];

  /** Waits for the real work of the database, where any is under way. */
  constructor(readonly database: SimDatabase) {}

  /** Runs `run` at `atMs`, after all that was asked for the same moment; answers how to cancel it. */
  at(atMs: number, run: () => void): () => void {
    const timer = { atMs: Math.max(atMs, this.nowMs), run };
    let index = this.#timers.length;
    while (index > 0 && (this.#timers[index - 1]?.atMs ?? 0) > timer.atMs) index--;
    this.#timers.splice(index, 0, timer);
    return () => {
      const place = this.#timers.indexOf(timer);
      if (place >= 0) this.#timers.splice(place, 1);
    };
  }

  /** Runs `run` after `ms`. */
  after(ms: number, run: () => void): () => void {
    return this.at(this.nowMs + ms, run);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const cancel = this.at(this.nowMs + Math.max(0, ms), resolve);
      signal?.addEventListener("abort", () => {
        cancel();
        resolve();
      });
    });
  }

  /** Lets everything run until nothing is left to do at the present moment. */
  async rest(): Promise<void> {
    while (true) {
      await turn();
      if (!this.database.busy) return;
      await this.database.done();
    }
  }

  /** Lets time pass until `untilMs`, or until `stop` says so after an event. */
  async runUntil(untilMs: number, stop: () => boolean = () => false): Promise<void> {
    await this.rest();
    while (!stop()) {
      const timer = this.#timers[0];
      if (!timer || timer.atMs > untilMs) break;
      this.#timers.shift();
      this.nowMs = timer.atMs;
      timer.run();
      await this.rest();
    }
    if (!stop()) this.nowMs = Math.max(this.nowMs, untilMs);
  }
}
