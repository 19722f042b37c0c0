/** An app process: the real handover on the real store, which may die, freeze or have a wrong clock. */
import { type Chains, createChains } from "../../lib/handover/mod.ts";
import { storeOn } from "../../lib/store/mod.ts";
import { Calls } from "./calls.ts";
import type { Gate } from "./database.ts";
import type { Storm } from "./storm.ts";
import { SETTINGS, SWEEP_MS } from "./world.ts";

const never = new Promise<never>(() => {});
/** Errors that the app expects when the platform fails or a request cannot be granted. */
const EXPECTED = new Set(["PlatformError", "ChainError"]);

/** One process; it sweeps when it starts, and regularly from then on. */
export class SimProcess implements Gate {
  readonly chains: Chains;
  dead = false;
  frozenUntilMs = 0;
  /** It was told to end, and will not begin anything. */
  closing = false;
  /** Buttons that were pressed on its pages and not yet answered. */
  pressed = 0;
  #doom: { operations: number; befall: () => void } | null = null;

  constructor(readonly name: string, readonly storm: Storm, readonly skewMs: number) {
    const { clock, plant, oracle, cloud, faults } = storm;
    const pass = <T>(operation: () => Promise<T>) => this.pass(operation);
    const platform = new Calls(cloud, clock, faults, oracle, name, pass).platform();
    const store = storeOn(storm.database.asSeenThrough(this), {
      onBroken: (error) => oracle.violate(error.message),
    });
    const chains = createChains({
      store: {
        ...store,
        recordings: { ...store.recordings, ...plant.recordings?.(store.recordings) },
        chains: { ...store.chains, ...plant.chainRecords?.(store.chains) },
        leases: { ...store.leases, ...plant.leases?.(store.leases) },
      },
      platform: { ...platform, ...plant.platform?.(platform) },
      settings: { ...SETTINGS, ...plant.settings },
      now: () => clock.nowMs + this.skewMs,
      sleep: async (ms, signal) => {
        if (this.dead) await never;
        await clock.sleep(ms, signal);
        await this.#awake();
      },
      newId: () => storm.newId(name),
      readFile: (url) => this.pass(() => Promise.resolve(this.#fileAt(url))),
      onTrouble: (action, error) => this.trouble(action, error),
    });
    this.chains = { ...chains, ...plant.chains };
    clock.after(faults.random(`${name}.sweep`).int(0, 5_000), () => this.#sweep());
  }

  /** Whether it would answer now. */
  get awake(): boolean {
    return !this.dead && this.frozenUntilMs <= this.storm.clock.nowMs;
  }

  async pass<T>(operation: () => Promise<T>): Promise<T> {
    await this.#step();
    try {
      return await operation();
    } finally {
      await this.#step();
    }
  }

  commitFails(): boolean {
    const { faults } = this.storm;
    return faults.strike(`kv.${faults.number("kv")}`, ["kv-conflict"]) !== null;
  }

  /** Lets `befall` happen after so many more of its calls to the outside. */
  doom(operations: number, befall: () => void): void {
    this.#doom = { operations, befall };
  }

  /** Nothing will befall it any more. */
  spare(): void {
    this.#doom = null;
  }

  die(): void {
    this.dead = true;
    this.storm.note(`process ${this.name} dies`);
  }

  freeze(ms: number): void {
    this.frozenUntilMs = this.storm.clock.nowMs + ms;
    this.storm.note(`process ${this.name} freezes for ${ms} ms`);
  }

  /** Notes what was to be expected; anything else is a mistake of ours. */
  trouble(action: string, error: unknown): void {
    if (this.dead) return;
    const text = `${this.name}: ${action}: ${error instanceof Error ? error.message : error}`;
    if (error instanceof Error && EXPECTED.has(error.name)) this.storm.note(text);
    else this.storm.oracle.violate(`Trouble in ${text}`);
  }

  async #step(): Promise<void> {
    if (this.#doom && this.#doom.operations-- <= 0) {
      const { befall } = this.#doom;
      this.#doom = null;
      befall();
    }
    await this.#awake();
  }

  async #awake(): Promise<void> {
    const { clock } = this.storm;
    while (!this.dead && this.frozenUntilMs > clock.nowMs) {
      await clock.sleep(this.frozenUntilMs - clock.nowMs);
    }
    if (this.dead) await never;
  }

  #sweep(): void {
    if (this.dead) return;
    this.chains.sweep().catch((error) => this.trouble("sweep", error));
    this.storm.clock.after(SWEEP_MS, () => this.#sweep());
  }

  #fileAt(url: string) {
    const { cloud, faults } = this.storm;
    const archive = cloud.archives.find((a) => url === `sim:${a.id}`);
    if (!archive || archive.endMs === null) throw new Error(`No file at ${url}`);
    const name = `file.${faults.number("file")}`;
    if (faults.strike(name, ["file-unreadable"])) {
      throw Object.assign(new Error(`Read ${url}: it broke off`), { name: "PlatformError" });
    }
    const durationMs = archive.endMs - archive.startMs;
    return { durationMs, epochMs: archive.startMs, gaps: [], losses: null };
  }
}
