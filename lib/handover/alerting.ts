/**
 * Handing alerts on to whoever is to be told outside of the page: each once, whichever process is
 * first, tried again for a while. Nothing that records waits for it.
 */
import { z } from "zod";
import type { Alert } from "../recording/views.ts";
import type { RecordingState } from "../recording/state.ts";
import type { RunnerContext } from "./runner.ts";

/** An alert with what it is about. */
export interface ToldAlert extends Alert {
  room: string;
  /** Name of the recording. */
  recording: string;
}

/** Hands one alert on; throws if it did not arrive. `attempt` counts from 1. */
export type TellAlert = (alert: ToldAlert, attempt: number) => Promise<void>;

/** Hands alerts on. */
export interface Alerting {
  /** Sees to the alerts of this state, in the background. */
  tell(state: RecordingState): void;
  /** Whether nothing is left to be told of this state, as far as is known. */
  toldAll(state: RecordingState): boolean;
  /** Resolves when no try runs in this process. */
  idle(): Promise<void>;
}

const MAX_ATTEMPTS = 6;
/** Longer than a try takes: whoever holds a claim for longer is gone. */
const CLAIM_MS = 15_000;
/** How long it is remembered that an alert was told: far longer than a recording keeps it. */
const REMEMBERED_MS = 30 * 24 * 60 * 60_000;
/** Alerts that this process knows to be told; beyond that it looks again. */
const MAX_KNOWN = 1_000;

const claimSchema = z.object({
  attempts: z.number().int().nonnegative(),
  /** Nobody else tries before this. */
  untilMs: z.number(),
  by: z.string(),
  done: z.boolean(),
});

/** Alerting through `send`. */
export function createAlerting(context: RunnerContext, send: TellAlert): Alerting {
  const { store, now, newId, onTrouble } = context;
  const me = newId();
  const known = new Set<string>();
  const trying = new Map<string, Promise<void>>();
  const key = (alert: Alert) => ["alert", alert.id];
  const keep = (alert: Alert, change: Partial<z.infer<typeof claimSchema>>) =>
    store.values.update(
      key(alert),
      claimSchema,
      (claim) => claim?.by === me ? { ...claim, ...change } : claim,
      { expireInMs: REMEMBERED_MS },
    );

  /** Takes the next try, or answers null if there is none to take now. */
  async function claim(alert: Alert): Promise<number | null> {
    const seen = await store.values.get(key(alert), claimSchema);
    if (seen?.done) remember(alert);
    if (seen && (seen.done || seen.untilMs > now())) return null;
    let mine = false;
    const claim = await store.values.update(key(alert), claimSchema, (before) => {
      const free = !before || (!before.done && before.untilMs <= now());
      mine = free;
      if (!free) return before;
      const attempts = (before?.attempts ?? 0) + 1;
      return { attempts, untilMs: now() + CLAIM_MS, by: me, done: false };
    }, { expireInMs: REMEMBERED_MS });
    return mine && claim ? claim.attempts : null;
  }

  function remember(alert: Alert): void {
    if (known.size >= MAX_KNOWN) known.clear();
    known.add(alert.id);
  }

  async function tellOne(alert: ToldAlert): Promise<void> {
    const attempt = await claim(alert);
    if (attempt === null) return;
    try {
      await send(alert, attempt);
    } catch (error) {
      onTrouble(`Tell of the alert ${alert.id}, attempt ${attempt} of ${MAX_ATTEMPTS}`, error);
      if (attempt < MAX_ATTEMPTS) {
        await keep(alert, { untilMs: now() + 2_500 * 2 ** attempt });
        return;
      }
    }
    await keep(alert, { done: true });
    remember(alert);
  }

  return {
    tell(state) {
      for (const alert of state.alerts) {
        if (known.has(alert.id) || trying.has(alert.id)) continue;
        const chain = [state.chain, state.lastChain].find((c) => c?.id === alert.chainId);
        const told = tellOne({ ...alert, room: state.room, recording: chain?.name ?? "" })
          .catch((error) => onTrouble(`Tell of the alert ${alert.id}`, error))
          .finally(() => trying.delete(alert.id));
        trying.set(alert.id, told);
      }
    },
    idle: async () => {
      await Promise.all(trying.values());
    },
    toldAll: (state) => state.alerts.every((alert) => known.has(alert.id)),
  };
}
