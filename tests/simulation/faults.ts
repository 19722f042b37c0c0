/**
 * Every fault of a storm is decided here. Each has a name of its own ("start.3.answer-lost": the
 * third start of an archive, its answer lost) and a chance of its own, so that one can be left out
 * while the others stay as they are: that is how a failing storm is shrunk.
 */
import { Random } from "./random.ts";

/** How often each fault happens in the worst storm: probability of one call, callback or commit. */
const WORST = {
  "refused": 0.15,
  "429": 0.15,
  "5xx": 0.15,
  "slow": 0.2,
  "hung": 0.08,
  "hung-took-effect": 0.08,
  "late-effect": 0.03,
  "answer-lost": 0.25,
  "own-retry-409": 0.1,
  "list-lags": 0.5,
  "archive-dies": 0.04,
  "callback-lost": 0.5,
  "callback-late": 0.3,
  "callback-doubled": 0.3,
  "callback-reordered": 0.3,
  "kv-conflict": 0.06,
  "file-unreadable": 0.5,
} as const;

/** A fault that may happen at any call, callback, commit or file. */
export type Fault = keyof typeof WORST;

/** Which of the faults happen: all but `without`, or none but `only`. */
export interface Mask {
  only?: ReadonlySet<string>;
  without?: ReadonlySet<string>;
}

/** The faults of one storm. */
export class Faults {
  /** Names of the faults that happened, in order. */
  readonly injected: string[] = [];
  readonly counts: Record<string, number> = {};
  readonly #rates = new Map<Fault, number>();
  /** Until it is over, things may go wrong. */
  raging = true;
  #numbers = new Map<string, number>();

  constructor(readonly seed: number, readonly mask: Mask) {
    const random = Random.of(seed, "rates");
    const calm = random.chance(0.1);
    for (const [fault, worst] of Object.entries(WORST)) {
      const rate = random.chance(0.4) ? random.next() * worst : 0;
      this.#rates.set(fault as Fault, calm ? 0 : rate);
    }
  }

  /** The next number of something that is counted, from 1. */
  number(what: string): number {
    const n = (this.#numbers.get(what) ?? 0) + 1;
    this.#numbers.set(what, n);
    return n;
  }

  /** The chance of a decision that is no fault, such as how long an ordinary call takes. */
  random(decision: string): Random {
    return Random.of(this.seed, decision);
  }

  /** Which of these happens to `what`, if any; at most one. */
  strike(what: string, faults: readonly Fault[]): Fault | null {
    if (!this.raging) return null;
    for (const fault of faults) {
      const rate = this.#rates.get(fault) ?? 0;
      if (rate > 0 && this.random(`${what}.${fault}`).chance(rate)) {
        if (this.inject(`${what}.${fault}`, fault)) return fault;
      }
    }
    return null;
  }

  /** Counts a fault that was planned, unless it is masked: then it must not happen. */
  inject(name: string, kind: string): boolean {
    const { only, without } = this.mask;
    if (without?.has(name) || (only && !only.has(name))) return false;
    this.injected.push(name);
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    return true;
  }

  /** From now on nothing goes wrong. */
  cease(): void {
    this.raging = false;
  }
}
