/** One storm: several app processes, clients, admins and a cloud that misbehaves, all from one seed. */
import { storeOn } from "../../lib/store/mod.ts";
import { Callbacks } from "./callbacks.ts";
import { Calls } from "./calls.ts";
import { Clients } from "./clients.ts";
import { BEGIN_MS, SimClock } from "./clock.ts";
import { Cloud } from "./cloud.ts";
import { OPEN_GATE, SimDatabase } from "./database.ts";
import { type Button, Events } from "./events.ts";
import { Faults, type Mask } from "./faults.ts";
import { Oracle } from "./oracle.ts";
import { type Plan, planOf } from "./plan.ts";
import type { Plant } from "./planted.ts";
import { SimProcess } from "./process.ts";
import { Verdict } from "./verdict.ts";
import { NAME, ROOM, SETTINGS } from "./world.ts";

/** What came of a storm. */
export interface StormResult {
  seed: number;
  violations: string[];
  /** What happened, for reading a failing storm. */
  history: string[];
  /** Names of the faults and events that happened. */
  injected: string[];
  faults: Record<string, number>;
  outcomes: Record<string, number>;
}

/** How to let a storm rage. */
export interface StormOptions {
  mask?: Mask;
  /** A mistake put into the app, to see whether it is found. */
  plant?: Plant;
}

/** What decides the commits of a storm. */
export type DatabaseKind = "real" | "mirror";

/** Once faults have ceased, all is in order after this. */
const CALM_MS = 100_000;
const STEP_MS = 3_000;

/** Lets storms rage one after the other, each on an empty database. */
export class Simulator implements Disposable {
  private constructor(readonly kv: Deno.Kv | null) {}

  /** On a real Deno KV in memory, or (`database: "mirror"`) on what behaves like it, which is faster. */
  static async open({ database = "real" }: { database?: DatabaseKind } = {}): Promise<Simulator> {
    return new Simulator(database === "real" ? await Deno.openKv(":memory:") : null);
  }

  /** Lets one storm rage and tells what the oracle saw. */
  async storm(seed: number, options: StormOptions = {}): Promise<StormResult> {
    const database = new SimDatabase(this.kv);
    try {
      return await new Storm(seed, database, options).run();
    } finally {
      await database.clear();
    }
  }

  [Symbol.dispose](): void {
    this.kv?.close();
  }
}

/** One storm: its pieces find each other here. */
export class Storm {
  readonly clock: SimClock;
  readonly cloud: Cloud;
  readonly faults: Faults;
  readonly plan: Plan;
  readonly plant: Plant;
  readonly processes: SimProcess[] = [];
  readonly oracle = new Oracle(this);
  readonly clients = new Clients(this);
  readonly callbacks = new Callbacks(this);
  readonly events = new Events(this);
  readonly sessions: { primary: string; secondary: string };
  readonly history: string[] = [];
  #ids = 0;

  constructor(readonly seed: number, readonly database: SimDatabase, options: StormOptions) {
    this.clock = new SimClock(database);
    this.plan = planOf(seed);
    this.plant = options.plant ?? {};
    this.faults = new Faults(seed, options.mask ?? {});
    this.cloud = new Cloud(this.clock, seed);
    this.sessions = { primary: this.cloud.createSession(), secondary: this.cloud.createSession() };
    database.onChange = (key, value) => this.oracle.saved(key, value);
    this.cloud.onSignal = (_session, type) => this.clients.signalled(type);
    this.cloud.onStart = (archive) => this.oracle.starts(archive);
    this.cloud.onStop = (archive, asking) => this.oracle.stops(archive, asking);
    this.cloud.onNews = (archive) => this.callbacks.tell(archive);
  }

  /** Writes a line of the history. */
  readonly note = (line: string): void => {
    this.history.push(`${((this.clock.nowMs - BEGIN_MS) / 1000).toFixed(2)} ${line}`);
  };

  /** Ids that the processes make, one after the other. */
  newId(process: string): string {
    return `${process}-${++this.#ids}`;
  }

  async run(): Promise<StormResult> {
    const { clock, plan, oracle, faults } = this;
    const world = await this.#prepare();
    for (let i = 1; i <= plan.processes; i++) this.startProcess(`p${i}`);
    for (let i = 1; i <= plan.clients; i++) this.clients.add();
    const begunMs = clock.nowMs;
    const endMs = begunMs + plan.lengthMs;
    for (const event of plan.events) {
      // Those who come back may do so after the end; everything else happens before it.
      clock.at(begunMs + event.afterMs, () => this.events.happen(event));
    }
    await this.#press("start");
    await clock.runUntil(endMs);

    this.note("the storm is over");
    faults.cease();
    for (const process of this.processes) process.spare();
    for (const client of this.clients.all) this.clients.come(client);
    await this.#becomesOrderly("after the storm", () => this.#disorder());
    if (!oracle.state?.chain && !await this.#press("start")) {
      oracle.violate("In calm weather, Start fails");
    }
    if (!await this.#press("stop")) oracle.violate("In calm weather, Stop fails");
    await this.#becomesOrderly("after Stop", async () => {
      const { items } = await world.parts.unsettled();
      return items.length > 0 ? "parts are unsettled" : this.#disorder();
    });
    const calls = new Calls(this.cloud, clock, faults, oracle, "world", OPEN_GATE.pass);
    await new Verdict(this, world, calls.platform()).judge();
    for (const process of this.processes) process.dead = true;
    await clock.rest();
    await this.database.compare();
    return {
      seed: this.seed,
      violations: oracle.violations,
      history: this.history,
      injected: faults.injected,
      faults: faults.counts,
      outcomes: oracle.counts,
    };
  }

  /** Makes the room; answers the store as the world sees it, without faults. */
  async #prepare() {
    const { clock, plan, cloud, faults, sessions } = this;
    const store = storeOn(this.database.asSeenThrough(OPEN_GATE));
    const simultaneous = plan.simultaneous && faults.inject("plan.simultaneous", "simultaneous");
    await store.rooms.create({
      name: ROOM,
      title: NAME,
      sessions,
      strategy: simultaneous ? "simultaneous" : "dual-session",
      createdAtMs: clock.nowMs,
    });
    if (plan.createdAtSkewMs !== 0 && faults.inject("plan.createdAt-skew", "createdAt-skew")) {
      cloud.createdAtSkewMs = plan.createdAtSkewMs;
    }
    return store;
  }

  /** Starts a process, whose clock may be wrong. */
  startProcess(name: string): void {
    const { plan, faults, oracle } = this;
    const wrong = plan.clockSkewMs !== 0 && name.startsWith("p1") &&
      faults.inject(`plan.clock-wrong.${name}`, "clock-wrong");
    // A wait that one process began by its clock may be ended by another's.
    if (wrong) oracle.leastOverlapMs = 0;
    else if (this.processes.length === 0) oracle.leastOverlapMs = SETTINGS.overlapNextMs;
    this.processes.push(new SimProcess(name, this, wrong ? plan.clockSkewMs : 0));
    this.note(`process ${name} runs`);
  }

  /** Presses a button and waits for what comes of it; false if it failed. */
  async #press(button: Button): Promise<boolean> {
    const process = this.answering;
    if (!process) throw new Error(`Press ${button}: no process answers`);
    let result: boolean | null = null;
    void this.events.press(process, button).then((done) => result = done);
    await this.clock.runUntil(this.clock.nowMs + 60_000, () => result !== null || process.dead);
    return result ?? false;
  }

  /** The process that answers requests now. */
  get answering(): SimProcess | undefined {
    return this.processes.find((process) => process.awake);
  }

  /** Lets time pass until all is in order, which it must be soon. */
  async #becomesOrderly(
    when: string,
    disorder: () => string | null | Promise<string | null>,
  ): Promise<void> {
    const { clock } = this;
    const untilMs = clock.nowMs + CALM_MS;
    let wrong = await disorder();
    while (wrong !== null && clock.nowMs < untilMs) {
      await clock.runUntil(clock.nowMs + STEP_MS);
      wrong = await disorder();
    }
    if (wrong !== null) this.oracle.violate(`${when}: ${wrong}`);
  }

  /** What is not as it has to be while nothing goes wrong, or null. */
  #disorder(): string | null {
    const { state } = this.oracle;
    if (!this.answering) return "no process runs";
    const ill = this.processes.find((p) => !p.dead && (!p.awake || p.closing));
    if (ill) return `${ill.name} is frozen, or closes`;
    if (this.processes.some((process) => !process.dead && process.pressed > 0)) {
      return "somebody waits for a button";
    }
    const running = this.oracle.running().map((archive) => archive.id).join(", ");
    if (state?.procedure) return `still at ${state.procedure.kind} ${state.procedure.step}`;
    const main = state?.chain ? state.slots.main ?? "one archive" : "";
    if (running !== main) return `${main || "nothing"} should run, and not ${running || "nothing"}`;
    if (state?.secondaryWanted) return "the secondary session is still wanted";
    return null;
  }
}
