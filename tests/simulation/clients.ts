/** The people in the call: they come, go, reload, and join the secondary session when it is wanted. */
import { isSecondaryWanted } from "../../lib/call/wanted.ts";
import type { Stretch } from "./spans.ts";
import type { Storm } from "./storm.ts";
import { CLIENT_POLL_MS } from "./world.ts";

/** Those who answer the join signal as one may expect. */
const PROMPT_MS = 1_500;

/** One browser in the call. */
export class Client {
  present = false;
  /** When it published to each session; the last stretch may be open. */
  readonly primary: Stretch[] = [];
  readonly secondary: Stretch[] = [];
  cancelJoin: (() => void) | null = null;
  /** What the room's state said when this page last saw it, and the newest signal. */
  view: boolean | null = null;
  latest: { wanted: boolean; atMs: number } | null = null;

  /** It takes `joinDelayMs` to publish to secondary; null: it never does. */
  constructor(readonly id: string, readonly joinDelayMs: number | null) {}

  /** Whether it is at fault if such a client is not recorded by the interim archive. */
  get isPrompt(): boolean {
    return this.joinDelayMs !== null && this.joinDelayMs <= PROMPT_MS;
  }
}

/** Everybody who is ever in the call. */
export class Clients {
  readonly all: Client[] = [];
  /** While everybody is away together, nobody comes back alone. */
  awayUntilMs = 0;

  constructor(readonly storm: Storm) {}

  /** A new client joins the call. */
  add(): void {
    const { faults, clock } = this.storm;
    const id = `c${this.all.length + 1}`;
    const random = faults.random(`client.${id}`);
    let joinDelayMs: number | null = random.int(200, PROMPT_MS);
    const roll = random.next();
    if (roll < 0.05 && faults.inject(`client.${id}.never-joins`, "client-never-joins")) {
      joinDelayMs = null;
    } else if (roll > 0.95 && faults.inject(`client.${id}.slow`, "client-slow")) {
      joinDelayMs = 12_000;
    }
    const client = new Client(id, joinDelayMs);
    this.all.push(client);
    this.come(client);
    const look = () => {
      const { plant, oracle } = this.storm;
      if (!plant.clientsTrustSignals) client.view = oracle.state?.secondaryWanted ?? false;
      this.#weigh(client);
      clock.after(CLIENT_POLL_MS, look);
    };
    clock.after(random.int(0, CLIENT_POLL_MS), look);
  }

  come(client: Client): void {
    const { clock, cloud, sessions, note } = this.storm;
    if (client.present || clock.nowMs < this.awayUntilMs) return;
    client.present = true;
    cloud.publish(sessions.primary, client.id);
    client.primary.push({ fromMs: clock.nowMs, toMs: Infinity });
    note(`client ${client.id} publishes`);
  }

  go(client: Client): void {
    const { clock, cloud, sessions, note } = this.storm;
    if (!client.present) return;
    client.present = false;
    client.view = null;
    client.latest = null;
    this.#leave(client);
    cloud.unpublish(sessions.primary, client.id);
    close(client.primary, clock.nowMs);
    note(`client ${client.id} leaves`);
  }

  /** The room tells by a signal that the secondary session is wanted, or no more. */
  signalled(type: string): void {
    for (const client of this.all.filter(({ present }) => present)) {
      client.latest = { wanted: type === "join", atMs: this.storm.clock.nowMs };
      this.#weigh(client);
    }
  }

  /** Joins or leaves as a page does. */
  #weigh(client: Client): void {
    const { clock, cloud, sessions } = this.storm;
    if (!isSecondaryWanted(client.view, client.latest, clock.nowMs)) return this.#leave(client);
    const isThere = cloud.publishing(sessions.secondary).has(client.id);
    if (!client.present || isThere || client.cancelJoin || client.joinDelayMs === null) return;
    client.cancelJoin = clock.after(client.joinDelayMs, () => {
      client.cancelJoin = null;
      cloud.publish(sessions.secondary, client.id);
      client.secondary.push({ fromMs: clock.nowMs, toMs: Infinity });
    });
  }

  #leave(client: Client): void {
    const { clock, cloud, sessions } = this.storm;
    client.cancelJoin?.();
    client.cancelJoin = null;
    if (cloud.unpublish(sessions.secondary, client.id)) close(client.secondary, clock.nowMs);
  }
}

function close(stretches: Stretch[], atMs: number): void {
  const last = stretches.at(-1);
  if (last && last.toMs === Infinity) last.toMs = atMs;
}
