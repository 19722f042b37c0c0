import { setImmediate } from "node:timers";

interface Timer {
  atMs: number;
  order: number;
  run: () => void;
}

/** Virtual time: moves to the next timer only when everything that runs has come to rest. */
export class SimClock {
  nowMs = 1_800_000_000_000;
  #timers: Timer[] = [];
  #order = 0;
  #busy: () => boolean = () => false;

  /** Tells the clock how to see that real work (the database) is still under way. */
  waitsFor(busy: () => boolean): void {
    this.#busy = busy;
  }

  /** Runs `run` at `atMs`; answers how to cancel it. */
  at(atMs: number, run: () => void): () => void {
    const timer = { atMs: Math.max(atMs, this.nowMs), order: this.#order++, run };
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#timers[middle];
      if (other && (other.atMs < timer.atMs || other.atMs === timer.atMs)) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
    return () => {
      const index = this.#timers.indexOf(timer);
      if (index >= 0) this.#timers.splice(index, 1);
    };
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
    do await new Promise<void>((resolve) => void setImmediate(resolve)); while (this.#busy());
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
