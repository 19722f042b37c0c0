/** What is to happen in a storm besides faults of calls: who presses what, who dies, who leaves. */
import { Random } from "./random.ts";

/** How often each kind of event is planned, in proportion. */
const WEIGHTS = {
  "hand-over": 30,
  "two-admins": 10,
  "stop-start": 4,
  "start": 4,
  "archive-fails": 9,
  "archive-limit": 5,
  "rotation": 4,
  "process-killed": 7,
  "process-frozen": 7,
  "process-deployed": 3,
  "client-leaves": 6,
  "client-joins": 4,
  "client-returns": 6,
  "client-reloads": 6,
  "away-59": 1.5,
  "away-61": 1.5,
  "callback-forged": 4,
};

/** Something that will happen. */
export type EventKind = keyof typeof WEIGHTS;

/** When what happens, under which name. */
export interface PlannedEvent {
  name: string;
  kind: EventKind;
  afterMs: number;
}

/** A storm as it is planned. */
export interface Plan {
  lengthMs: number;
  processes: number;
  clients: number;
  simultaneous: boolean;
  /** The clock of the first process is wrong by this. */
  clockSkewMs: number;
  createdAtSkewMs: number;
  events: PlannedEvent[];
}

const KINDS = Object.keys(WEIGHTS) as EventKind[];
const TOTAL_WEIGHT = KINDS.reduce((sum, kind) => sum + WEIGHTS[kind], 0);
/** Nothing is left to chance longer than this after everybody went away. */
const AWAY_MS = 66_000;

/** The plan that a seed makes. */
export function planOf(seed: number): Plan {
  const random = Random.of(seed, "plan");
  let lengthMs = random.int(15_000, 60_000);
  const events: PlannedEvent[] = [];
  const count = random.int(2, 4 + Math.round(lengthMs / 5_000));
  for (let i = 1; i <= count; i++) {
    const kind = kindAt(random.next() * TOTAL_WEIGHT);
    events.push({ name: `event.${i}.${kind}`, kind, afterMs: random.int(0, lengthMs) });
  }
  for (const { kind, afterMs } of events) {
    if (kind.startsWith("away")) lengthMs = Math.max(lengthMs, afterMs + AWAY_MS);
  }
  return {
    lengthMs,
    processes: random.int(1, 3),
    clients: random.int(1, 4),
    simultaneous: random.chance(0.25),
    clockSkewMs: random.chance(0.3) ? random.pick([-5000, -3000, 3000, 5000]) : 0,
    createdAtSkewMs: random.chance(0.2) ? random.int(-3000, 3000) : 0,
    events: events.sort((a, b) => a.afterMs - b.afterMs),
  };
}

function kindAt(weight: number): EventKind {
  let left = weight;
  for (const kind of KINDS) {
    left -= WEIGHTS[kind];
    if (left < 0) return kind;
  }
  return "hand-over";
}
