/** One storm: several app processes, clients, admins and a cloud that misbehaves, all from one seed. */
import { ChainError, type Chains, createChains, openRoom } from "../../lib/handover/mod.ts";
import { storeOn } from "../../lib/store/mod.ts";
import { SimClock } from "./clock.ts";
import { type Gate, SerialKv } from "./sim_kv.ts";
import { NO_FAULTS, SimPlatform, type TrueArchive } from "./sim_platform.ts";
import { Oracle } from "./oracle.ts";
import { Random } from "./random.ts";

export const ROOM = "main";
export const SETTINGS = {
  joinTimeoutMs: 8_000,
  overlapInterimMs: 2_000,
  overlapNextMs: 2_000,
};
const SWEEP_MS = 20_000;

/** What came of a storm. */
export interface StormResult {
  seed: number;
  violations: string[];
  /** What happened, for reading a failing storm. */
  history: string[];
  counts: Record<string, number>;
}

interface Process extends Gate {
  name: string;
  chains: Chains;
  dead: boolean;
  frozenUntilMs: number;
  skewMs: number;
}

interface Client {
  id: string;
  joinDelayMs: number | null;
  present: boolean;
  /** Since when it has been publishing to primary without a break. */
  sinceMs: number;
}

/** Lets one storm rage and tells what the oracle saw. */
export async function storm(seed: number): Promise<StormResult> {
  const kv = await Deno.openKv(":memory:");
  try {
    return await new Storm(seed, kv).run();
  } finally {
    kv.close();
  }
}

class Storm {
  readonly random: Random;
  readonly clock = new SimClock();
  readonly serial: SerialKv;
  readonly platform: SimPlatform;
  readonly processes: Process[] = [];
  readonly clients: Client[] = [];
  readonly history: string[] = [];
  readonly counts: Record<string, number> = {};
  readonly begunMs: number;
  sessions = { primary: "", secondary: "" };
  oracle: Oracle;
  skewed = false;
  killChance = 0;
  commitFailChance = 0;
  #ids = 0;

  constructor(readonly seed: number, kv: Deno.Kv) {
    this.random = new Random(seed);
    this.begunMs = this.clock.nowMs;
    this.serial = new SerialKv(kv);
    this.platform = new SimPlatform(this.clock, this.random);
    this.clock.waitsFor(() => this.serial.busy);
    this.oracle = new Oracle(this.clock, this.platform, (line) => this.note(line));
  }

  note(line: string): void {
    this.history.push(`${((this.clock.nowMs - this.begunMs) / 1000).toFixed(2)} ${line}`);
  }

  count(name: string): void {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }

  async run(): Promise<StormResult> {
    const { random, clock } = this;
    const world = this.addProcess("world");
    const worldStore = storeOn(world.kv);
    const opening = openRoom({ store: worldStore, platform: world.platform, now: () => 0 }, ROOM);
    await clock.runUntil(clock.nowMs + 1_000);
    this.sessions = (await opening).sessions;
    this.oracle.watch(this.sessions, worldStore);
    this.platform.onCall = (line) => this.note(`  ${line}`);
    this.platform.onSignal = (_session, type) => this.signalled(type);
    this.platform.onStop = (archive, askedAtMs) => this.oracle.stopTakesEffect(archive, askedAtMs);

    this.skewed = random.chance(0.3);
    if (random.chance(0.25)) {
      const change = worldStore.rooms.update(ROOM, { strategy: "simultaneous" });
      await clock.runUntil(clock.nowMs + 1_000);
      await change;
    }
    // A wait that one process began by its clock may be ended by another's.
    this.oracle.leastOverlapMs = this.skewed ? 0 : SETTINGS.overlapInterimMs;
    for (let i = random.int(1, 3); i > 0; i--) this.startProcess(`p${i}`);
    for (let i = random.int(1, 4); i > 0; i--) this.addClient(`c${i}`);
    this.tickClients(worldStore);

    await this.press("start");
    const calm = random.chance(0.1);
    if (!calm) this.chooseFaults();
    const stormEndsMs = clock.nowMs + random.int(40, 120) * 1000;
    while (clock.nowMs < stormEndsMs) {
      await clock.runUntil(Math.min(stormEndsMs, clock.nowMs + random.int(200, 12_000)));
      this.somethingHappens();
    }
    this.calmDown();
    await clock.runUntil(clock.nowMs + 100_000);
    await this.oracle.restsCleanly("after the storm");
    await this.press("stop");
    await clock.runUntil(clock.nowMs + 60_000);
    await this.oracle.restsCleanly("after Stop");
    const { killed, frozen } = this.counts;
    await this.oracle.verdict(killed !== undefined || frozen !== undefined);
    this.counts["orphans"] = this.oracle.orphans;
    for (const [name, n] of this.platform.injected) this.counts[name] = n;
    const { violations } = this.oracle;
    for (const process of this.processes) process.dead = true;
    return { seed: this.seed, violations, history: this.history, counts: this.counts };
  }

  addProcess(
    name: string,
  ): Process & { kv: Deno.Kv; platform: ReturnType<SimPlatform["asSeenThrough"]> } {
    const { clock, random } = this;
    const never = new Promise<never>(() => {});
    const gate = {
      name,
      dead: false,
      frozenUntilMs: 0,
      skewMs: 0,
      pass: async <T>(operation: () => Promise<T>): Promise<T> => {
        if (gate.dead) return await never;
        await this.thawed(gate);
        this.maybeKill(gate);
        if (gate.dead) return await never;
        try {
          return await operation();
        } finally {
          await this.thawed(gate);
          this.maybeKill(gate);
          if (gate.dead) await never;
        }
      },
      commitFails: () => name !== "world" && random.chance(this.commitFailChance),
    };
    const kv = this.serial.asSeenThrough(gate);
    const platform = this.platform.asSeenThrough(gate.pass);
    const store = storeOn(kv, { onBroken: (error) => this.oracle.violate(error.message) });
    const chains = createChains({
      store,
      platform,
      settings: { ...SETTINGS, rotateAfterMinutes: 1 },
      now: () => clock.nowMs + gate.skewMs,
      sleep: async (ms, signal) => {
        if (gate.dead) return await never;
        await clock.sleep(ms, signal);
        await this.thawed(gate);
        if (gate.dead) await never;
      },
      newId: () => `${name}-${++this.#ids}`,
      readFile: (url) => Promise.resolve(this.fileOf(url)),
      onTrouble: (action, error) => this.trouble(name, action, error),
    });
    return Object.assign(gate, { chains, kv, platform });
  }

  trouble(name: string, action: string, error: unknown): void {
    const ours = !(error instanceof Error) || !["PlatformError", "ChainError"].includes(error.name);
    const text = `${name}: ${action}: ${error instanceof Error ? error.message : error}`;
    if (ours) this.oracle.violate(`Trouble in ${text}`);
    else this.note(text);
  }

  fileOf(url: string) {
    const archive = this.platform.archives.find((a) => url === `sim:${a.id}`);
    if (!archive?.endMs) throw new Error(`No file at ${url}`);
    return { durationMs: archive.endMs - archive.startMs, epochMs: archive.startMs };
  }

  startProcess(name: string): void {
    const process = this.addProcess(name);
    if (this.skewed && this.random.chance(0.5)) process.skewMs = this.random.int(-5000, 5000);
    this.processes.push(process);
    const sweep = () => {
      if (process.dead) return;
      process.chains.sweep().catch((error) => this.trouble(name, "sweep", error));
      this.clock.at(this.clock.nowMs + SWEEP_MS, sweep);
    };
    this.clock.at(this.clock.nowMs + this.random.int(0, SWEEP_MS), sweep);
  }

  async thawed(gate: { frozenUntilMs: number }): Promise<void> {
    while (gate.frozenUntilMs > this.clock.nowMs) {
      await this.clock.sleep(gate.frozenUntilMs - this.clock.nowMs);
    }
  }

  maybeKill(gate: { name: string; dead: boolean }): void {
    if (gate.dead || gate.name === "world" || !this.random.chance(this.killChance)) return;
    this.kill(gate);
  }

  kill(gate: { name: string; dead: boolean }): void {
    gate.dead = true;
    this.note(`process ${gate.name} is killed`);
    this.count("killed");
    const name = `${gate.name}'`;
    this.clock.at(this.clock.nowMs + this.random.int(500, 20_000), () => this.startProcess(name));
  }

  addClient(id: string): void {
    const slow = this.random.chance(0.1);
    const client: Client = {
      id,
      joinDelayMs: slow ? (this.random.chance(0.5) ? null : 12_000) : this.random.int(200, 1500),
      present: true,
      sinceMs: this.clock.nowMs,
    };
    this.clients.push(client);
    this.platform.publishing(this.sessions.primary).add(id);
  }

  /** Clients learn from the room's state what the signal may have failed to tell them. */
  tickClients(store: ReturnType<typeof storeOn>): void {
    const tick = async () => {
      const { state } = await store.recordings.get(ROOM);
      this.signalled(state?.secondaryWanted ? "join" : "leave");
    };
    const loop = () => {
      tick().catch((error) => this.trouble("world", "tick", error));
      this.endIdleArchives();
      this.clock.at(this.clock.nowMs + 3000, loop);
    };
    loop();
  }

  signalled(type: string): void {
    const secondary = this.platform.publishing(this.sessions.secondary);
    for (const client of this.clients) {
      if (type === "leave") secondary.delete(client.id);
      else if (client.present && client.joinDelayMs !== null && !secondary.has(client.id)) {
        this.clock.at(this.clock.nowMs + client.joinDelayMs, () => {
          if (client.present) secondary.add(client.id);
        });
      }
    }
  }

  /** Nobody in a session for a minute: its archives stop. */
  #emptySince = new Map<string, number>();
  endIdleArchives(): void {
    for (const session of [this.sessions.primary, this.sessions.secondary]) {
      if (this.platform.publishing(session).size > 0) this.#emptySince.delete(session);
      else {
        const since = this.#emptySince.get(session) ?? this.clock.nowMs;
        this.#emptySince.set(session, since);
        if (this.clock.nowMs - since < 60_000) continue;
        for (const archive of this.platform.running(session)) this.dies(archive, "session ended");
      }
    }
  }

  async press(what: "start" | "handOver" | "stop"): Promise<void> {
    const alive = this.processes.filter((p) => !p.dead && p.frozenUntilMs <= this.clock.nowMs);
    if (alive.length === 0) return;
    const process = this.random.pick(alive);
    let over = false;
    const done = this.pressOn(process, what).finally(() => over = true);
    done.catch((error) => this.trouble(process.name, what, error));
    await this.clock.runUntil(this.clock.nowMs + 30_000, () => over || process.dead);
  }

  async pressOn(process: Process, what: "start" | "handOver" | "stop"): Promise<void> {
    this.note(`${what} is pressed on ${process.name}`);
    this.count(`pressed ${what}`);
    try {
      if (what === "start") {
        await process.chains.start(ROOM, { name: "Weekly", archive: ARCHIVE });
      } else if (what === "stop") {
        this.oracle.stopPressed();
        await process.chains.stop(ROOM);
      } else await process.chains.handOver(ROOM);
      this.note(`${what} is done on ${process.name}`);
      this.count(`done ${what}`);
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      this.note(`${what} fails on ${process.name}: ${error.message}`);
    }
  }

  chooseFaults(): void {
    const { random } = this;
    const some = (most: number) => random.chance(0.4) ? random.next() * most : 0;
    this.platform.faults = {
      refused: some(0.2),
      brokenBefore: some(0.2),
      answerLost: some(0.25),
      slow: some(0.2),
      hung: some(0.08),
      hungWithEffect: some(0.08),
      lateEffect: some(0.03),
      listLagMs: random.chance(0.3) ? random.int(500, 4000) : 0,
      createdAtSkewMs: random.chance(0.2) ? random.int(-3000, 3000) : 0,
    };
    this.killChance = some(0.004);
    this.commitFailChance = some(0.05);
  }

  calmDown(): void {
    this.note("the storm is over");
    this.platform.faults = { ...NO_FAULTS, createdAtSkewMs: this.platform.faults.createdAtSkewMs };
    this.killChance = 0;
    this.commitFailChance = 0;
    for (const client of this.clients) this.comes(client);
    this.oracle.calm();
  }

  somethingHappens(): void {
    const { random } = this;
    const roll = random.next();
    const detached = (promise: Promise<void>, name: string) =>
      promise.catch((error) => this.trouble(name, "press", error));
    const alive = this.processes.filter((p) => !p.dead && p.frozenUntilMs <= this.clock.nowMs);
    if (roll < 0.35 && alive.length > 0) {
      const admins = random.chance(0.3) ? 2 : 1;
      for (let i = 0; i < admins; i++) {
        const process = random.pick(alive);
        void detached(this.pressOn(process, "handOver"), process.name);
      }
    } else if (roll < 0.4 && alive.length > 0) {
      const process = random.pick(alive);
      void detached(this.pressOn(process, "stop"), process.name);
      if (random.chance(0.7)) {
        const other = random.pick(alive);
        void detached(this.pressOn(other, "start"), other.name);
      }
    } else if (roll < 0.45 && alive.length > 0) {
      const process = random.pick(alive);
      void detached(this.pressOn(process, "start"), process.name);
    } else if (roll < 0.6) {
      const running = [this.sessions.primary, this.sessions.secondary]
        .flatMap((session) => this.platform.running(session));
      if (running.length > 0) {
        this.dies(random.pick(running), random.pick(["failure", "maximum duration exceeded"]));
      }
    } else if (roll < 0.68) {
      const process = this.processes.find((p) => !p.dead);
      if (process && random.chance(0.5)) this.kill(process);
      else if (process) {
        process.frozenUntilMs = this.clock.nowMs + random.int(1000, 40_000);
        this.note(`process ${process.name} freezes`);
        this.oracle.frozenUntil(process.frozenUntilMs);
        this.count("frozen");
      }
    } else if (roll < 0.8) {
      const client = random.pick(this.clients);
      if (client.present) this.goes(client);
      else this.comes(client);
    }
  }

  goes(client: Client): void {
    client.present = false;
    this.platform.publishing(this.sessions.primary).delete(client.id);
    this.platform.publishing(this.sessions.secondary).delete(client.id);
    this.note(`client ${client.id} leaves`);
  }

  comes(client: Client): void {
    if (client.present) return;
    client.present = true;
    client.sinceMs = this.clock.nowMs;
    this.platform.publishing(this.sessions.primary).add(client.id);
    this.note(`client ${client.id} comes back`);
  }

  dies(archive: TrueArchive, reason: string): void {
    if (archive.startMs > this.clock.nowMs) return;
    this.platform.end(archive, "world", reason);
    this.note(`${archive.id} ends by itself (${reason})`);
    this.count("died");
    const times = this.random.pick([0, 1, 1, 1, 2]);
    for (let i = 0; i < times; i++) {
      this.clock.at(this.clock.nowMs + this.random.int(50, 5000), () => {
        const process = this.processes.find((p) => !p.dead);
        process?.chains.hint(archive.id).catch((error) => this.trouble("callback", "hint", error));
      });
    }
  }
}

export const ARCHIVE = {
  hasAudio: true,
  hasVideo: true,
  outputMode: "composed" as const,
  resolution: "1280x720" as const,
};
