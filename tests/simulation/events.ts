/** Carries out what a storm has planned. */
import { ChainError } from "../../lib/handover/mod.ts";
import type { ArchiveOptions } from "../../lib/recording/model.ts";
import type { Callbacks } from "./callbacks.ts";
import type { Clients } from "./clients.ts";
import type { TrueArchive } from "./cloud.ts";
import type { PlannedEvent } from "./plan.ts";
import type { SimProcess } from "./process.ts";
import type { Random } from "./random.ts";
import { ARCHIVE, NAME, ROOM, type World } from "./world.ts";

/** What an admin can press. */
export type Button = "start" | "hand-over" | "stop";

/** Lets things happen to a world. */
export class Events {
  constructor(
    readonly world: World,
    readonly clients: Clients,
    readonly callbacks: Callbacks,
    readonly processes: SimProcess[],
    readonly startProcess: (name: string) => void,
  ) {}

  happen({ name, kind }: PlannedEvent): void {
    const { world } = this;
    if (!world.faults.inject(name, kind)) return;
    world.note(`event ${name}`);
    const random = world.faults.random(name);
    switch (kind) {
      case "hand-over":
      case "start":
        return this.#pressSomewhere(random, kind);
      case "two-admins":
        for (let i = random.int(2, 3); i > 0; i--) {
          const delayMs = random.pick([0, 0, random.int(1, 400)]);
          const button = random.pick(["start", "hand-over", "hand-over", "stop"] as const);
          world.clock.after(delayMs, () => this.#pressSomewhere(random, button));
        }
        return;
      case "stop-start":
        this.#pressSomewhere(random, "stop");
        return void world.clock.after(
          random.int(0, 3000),
          () => this.#pressSomewhere(random, "start"),
        );
      case "archive-fails":
      case "archive-limit":
        return this.#kill(
          random,
          kind === "archive-fails" ? "failure" : "maximum duration exceeded",
        );
      case "rotation":
        return this.#rotate(random);
      case "process-killed":
      case "process-frozen":
      case "process-deployed":
        return this.#befall(random, kind);
      case "client-joins":
        return this.clients.add();
      case "client-leaves":
        return this.clients.go(random.pick(this.clients.all));
      case "client-returns":
        for (const client of this.clients.all) this.clients.come(client);
        return;
      case "client-reloads": {
        const client = random.pick(this.clients.all);
        if (!client.present) return;
        this.clients.go(client);
        return void world.clock.after(random.int(500, 4000), () => this.clients.come(client));
      }
      case "away-59":
      case "away-61":
        return this.#away(kind === "away-59" ? 59_000 : 61_000);
      case "callback-forged": {
        const known = world.cloud.archives.map((archive) => archive.id);
        return this.callbacks.forge(random.pick([...known, "archive-nobody-knows"]));
      }
    }
  }

  /** Somebody presses a button on a page of this process; resolves with whether it was done. */
  async press(process: SimProcess, button: Button): Promise<boolean> {
    const { note, oracle } = this.world;
    note(`${button} is pressed on ${process.name}`);
    oracle.count(`${button} pressed`);
    process.pressed++;
    try {
      if (button === "start") {
        const archive: ArchiveOptions = ARCHIVE;
        await process.chains.start(ROOM, { name: NAME, archive });
      } else if (button === "stop") {
        oracle.stopPressed();
        await process.chains.stop(ROOM);
      } else await process.chains.handOver(ROOM);
      note(`${button} is done on ${process.name}`);
      return true;
    } catch (error) {
      if (!(error instanceof ChainError)) process.trouble(button, error);
      note(`${button} fails on ${process.name}: ${error instanceof Error ? error.message : error}`);
      return false;
    } finally {
      process.pressed--;
    }
  }

  /** An archive may end by itself in the very moment of a call. */
  mayDie(call: string): void {
    if (this.world.faults.strike(call, ["archive-dies"]) === null) return;
    const random = this.world.faults.random(`${call}.death`);
    this.world.clock.after(random.int(0, 400), () => this.#kill(random, "failure"));
  }

  #pressSomewhere(random: Random, button: Button): void {
    const awake = this.processes.filter((process) => process.awake && !process.closing);
    if (this.world.faults.raging && awake.length > 0) void this.press(random.pick(awake), button);
  }

  #kill(random: Random, reason: string): void {
    const { nowMs } = this.world.clock;
    const running = this.world.oracle.running().filter((archive) => archive.startMs <= nowMs);
    if (running.length > 0) this.#end(random, random.pick(running), reason);
  }

  /** The media server of a session is exchanged: all its archives stop. */
  #rotate(random: Random): void {
    const { oracle, sessions } = this.world;
    const session = random.pick([sessions.primary, sessions.primary, sessions.secondary]);
    for (const archive of oracle.running()) {
      if (archive.sessionId === session) this.#end(random, archive, "user initiated");
    }
  }

  #end(random: Random, archive: TrueArchive, reason: string): void {
    const { cloud, note, sessions, clock } = this.world;
    cloud.end(archive, "world", reason);
    note(`${archive.id} ends by itself (${reason})`);
    // A page of the call may see it and say so.
    if (this.clients.all.some((client) => client.present) && random.chance(0.3)) {
      const session = random.pick([archive.sessionId, sessions.primary]);
      clock.after(random.int(50, 600), () => {
        const process = this.processes.find((p) => p.awake);
        process?.chains.hintSession(session).catch((error) => process.trouble("client", error));
      });
    }
  }

  #befall(random: Random, kind: "process-killed" | "process-frozen" | "process-deployed"): void {
    const { clock, oracle } = this.world;
    const awake = this.processes.filter((process) => process.awake && !process.closing);
    if (awake.length === 0) return;
    const process = random.pick(awake);
    const restartMs = random.int(500, 20_000);
    const again = () => clock.after(restartMs, () => this.startProcess(process.name));
    if (kind === "process-deployed") {
      const over = () => {
        if (process.dead) return;
        process.die();
        again();
      };
      process.closing = true;
      process.chains.close().then(over, (error) => process.trouble("close", error));
      clock.after(5_000, over);
      return oracle.disturbed(clock.nowMs + 5_000);
    }
    process.doom(random.int(0, 25), () => {
      if (process.dead) return;
      if (kind === "process-killed") {
        process.die();
        oracle.disturbed(clock.nowMs + restartMs);
        return void again();
      }
      const ms = random.int(1_000, 40_000);
      process.freeze(ms);
      oracle.disturbed(clock.nowMs + ms);
    });
  }

  #away(ms: number): void {
    const { clock } = this.world;
    const gone = this.clients.all.filter((client) => client.present);
    for (const client of gone) this.clients.go(client);
    this.clients.awayUntilMs = clock.nowMs + ms;
    clock.after(ms, () => gone.forEach((client) => this.clients.come(client)));
  }
}
