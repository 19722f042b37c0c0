/** Carries out what a storm has planned. */
import { ChainError } from "../../lib/handover/mod.ts";
import type { TrueArchive } from "./cloud.ts";
import type { PlannedEvent } from "./plan.ts";
import type { SimProcess } from "./process.ts";
import type { Random } from "./random.ts";
import type { Storm } from "./storm.ts";
import { ARCHIVE, NAME, ROOM } from "./world.ts";

/** What an admin can press. */
export type Button = "start" | "hand-over" | "stop";

/** Lets things happen in a storm. */
export class Events {
  constructor(readonly storm: Storm) {}

  happen({ name, kind }: PlannedEvent): void {
    const { faults, clock, cloud, clients, callbacks, note } = this.storm;
    if (!faults.inject(name, kind)) return;
    note(`event ${name}`);
    const random = faults.random(name);
    switch (kind) {
      case "hand-over":
      case "start":
        return this.#pressSomewhere(random, kind);
      case "two-admins":
        for (let i = random.int(2, 3); i > 0; i--) {
          const delayMs = random.pick([0, 0, random.int(1, 400)]);
          const button = random.pick(["start", "hand-over", "hand-over", "stop"] as const);
          clock.after(delayMs, () => this.#pressSomewhere(random, button));
        }
        return;
      case "stop-start":
        this.#pressSomewhere(random, "stop");
        clock.after(random.int(0, 3000), () => this.#pressSomewhere(random, "start"));
        return;
      case "archive-fails":
        return this.#kill(random, "failure");
      case "archive-limit":
        return this.#kill(random, "maximum duration exceeded");
      case "rotation":
        return this.#rotate(random);
      case "process-killed":
      case "process-frozen":
      case "process-deployed":
        return this.#befall(random, kind);
      case "client-joins":
        return clients.add();
      case "client-leaves":
        return clients.go(random.pick(clients.all));
      case "client-returns":
        return clients.all.forEach((client) => clients.come(client));
      case "client-reloads": {
        const client = random.pick(clients.all);
        if (!client.present) return;
        clients.go(client);
        clock.after(random.int(500, 4000), () => clients.come(client));
        return;
      }
      case "away-59":
        return this.#away(59_000);
      case "away-61":
        return this.#away(61_000);
      case "callback-forged": {
        const known = cloud.archives.map((archive) => archive.id);
        callbacks.deliver(random.pick([...known, "archive-nobody-knows"]));
      }
    }
  }

  /** Somebody presses a button on a page of this process; resolves with whether it was done. */
  async press(process: SimProcess, button: Button): Promise<boolean> {
    const { note, oracle } = this.storm;
    note(`${button} is pressed on ${process.name}`);
    oracle.count(`${button} pressed`);
    process.pressed++;
    try {
      if (button === "start") await process.chains.start(ROOM, { name: NAME, archive: ARCHIVE });
      else if (button === "stop") {
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
    const { faults, clock } = this.storm;
    if (faults.strike(call, ["archive-dies"]) === null) return;
    const random = faults.random(`${call}.death`);
    clock.after(random.int(0, 400), () => this.#kill(random, "failure"));
  }

  #pressSomewhere(random: Random, button: Button): void {
    const working = this.#working();
    if (this.storm.faults.raging && working.length > 0) {
      void this.press(random.pick(working), button);
    }
  }

  /** Processes that begin what they are asked for. */
  #working(): SimProcess[] {
    return this.storm.processes.filter((process) => process.awake && !process.closing);
  }

  #kill(random: Random, reason: string): void {
    const { clock, oracle } = this.storm;
    const running = oracle.running().filter((archive) => archive.startMs <= clock.nowMs);
    if (running.length > 0) this.#end(random, random.pick(running), reason);
  }

  /** The media server of a session is exchanged: all its archives stop. */
  #rotate(random: Random): void {
    const { oracle, sessions } = this.storm;
    const session = random.pick([sessions.primary, sessions.primary, sessions.secondary]);
    for (const archive of oracle.running()) {
      if (archive.sessionId === session) this.#end(random, archive, "user initiated");
    }
  }

  #end(random: Random, archive: TrueArchive, reason: string): void {
    const { cloud, note, sessions, clock, clients } = this.storm;
    cloud.end(archive, "world", reason);
    note(`${archive.id} ends by itself (${reason})`);
    // A page of the call may see it and say so.
    if (clients.all.some((client) => client.present) && random.chance(0.3)) {
      const session = random.pick([archive.sessionId, sessions.primary]);
      clock.after(random.int(50, 600), () => {
        const process = this.storm.answering;
        process?.chains.hintSession(session).catch((error) => process.trouble("client", error));
      });
    }
  }

  #befall(random: Random, kind: "process-killed" | "process-frozen" | "process-deployed"): void {
    const { clock, oracle } = this.storm;
    const working = this.#working();
    if (working.length === 0) return;
    const process = random.pick(working);
    const restartMs = random.int(500, 20_000);
    const again = () => clock.after(restartMs, () => this.storm.startProcess(`${process.name}'`));
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
    const { clock, clients } = this.storm;
    const gone = clients.all.filter((client) => client.present);
    for (const client of gone) clients.go(client);
    clients.awayUntilMs = clock.nowMs + ms;
    clock.after(ms, () => gone.forEach((client) => clients.come(client)));
  }
}
