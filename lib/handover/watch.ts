/** Following a room's recording, whichever process changes it; who follows it also drives its care. */
import type { RoomView } from "../recording/views.ts";
import type { Changes } from "./changes.ts";
import type { RunnerContext } from "./runner.ts";

/** Another process's changes are not told by the SQLite file: it is looked at this often. */
const POLL_MS = 1_000;
/** While somebody watches, what records is looked after this often by this process. */
const TEND_MS = 10_000;
/** While somebody watches, the streams of the call are counted this often. */
const COUNT_MS = 5_000;

/** What this process did last for a room that is watched. */
interface Watched {
  tendedAtMs: number;
  countedAtMs: number;
  streams: number | undefined;
}

/** What watching a room needs of the rest, and what it knows. */
export interface Watch {
  /** `Chains.watch`. */
  watch(room: string, signal: AbortSignal): AsyncIterable<RoomView>;
  /** How many streams the call carried a moment ago; undefined while nobody watches. */
  streams(room: string): number | undefined;
}

/** Watching on top of `view`. */
export function createWatch(
  context: RunnerContext,
  changes: Changes,
  chains: {
    view(room: string): Promise<RoomView>;
    tend(room: string): Promise<void>;
    kick(room: string): Promise<void>;
  },
): Watch {
  const { store, platform, now, sleep, onTrouble } = context;
  const rooms = new Map<string, Watched>();

  function care(room: string): void {
    const watched = rooms.get(room) ?? { tendedAtMs: now(), countedAtMs: 0, streams: undefined };
    rooms.set(room, watched);
    if (now() - watched.tendedAtMs >= TEND_MS) {
      watched.tendedAtMs = now();
      chains.tend(room).catch((error) => onTrouble(`Look after room "${room}"`, error));
    }
    if (now() - watched.countedAtMs >= COUNT_MS) {
      watched.countedAtMs = now();
      count(room, watched).catch((error) => {
        watched.streams = undefined;
        onTrouble(`Count the streams of room "${room}"`, error);
      });
    }
  }

  async function count(room: string, watched: Watched): Promise<void> {
    const found = await store.rooms.get(room);
    if (!found) return;
    const before = watched.streams;
    watched.streams = (await platform.listStreams(found.sessions.primary)).length;
    if (before !== watched.streams) changes.notify(room);
  }

  async function* watch(room: string, signal: AbortSignal): AsyncGenerator<RoomView> {
    let told = "";
    while (!signal.aborted) {
      const version = changes.version(room);
      care(room);
      const view = await chains.view(room);
      // Whoever ran it may be gone: then this process goes on.
      if (view.procedure) void chains.kick(room);
      const news = JSON.stringify({ ...view, nowMs: 0 });
      if (news !== told) {
        told = news;
        yield view;
      }
      const wake = new AbortController();
      const stop = () => wake.abort();
      signal.addEventListener("abort", stop);
      await Promise.race([changes.after(room, version, wake.signal), sleep(POLL_MS, wake.signal)]);
      signal.removeEventListener("abort", stop);
      wake.abort();
    }
  }

  return {
    watch,
    streams(room) {
      const watched = rooms.get(room);
      const recent = watched && now() - watched.countedAtMs < 3 * COUNT_MS;
      return recent ? watched.streams : undefined;
    },
  };
}
