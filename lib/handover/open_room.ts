/** Opening a room: its two sessions are made once, and every process uses the same two. */
import type { Platform } from "../platform/platform.ts";
import type { Room } from "../recording/model.ts";
import type { Store } from "../store/mod.ts";

/** The room that uses the sessions given by the configuration, and that exists from the start. */
export const MAIN_ROOM = "main";

/**
 * The room of this name, made if there is none. Two processes that make it at once agree on one; the
 * other's sessions are left unused (sessions cost nothing). Sessions given by the configuration are
 * the main room's. Throws PlatformError if sessions cannot be made, StoreError if the store fails.
 */
export async function openRoom(
  { store, platform, mainSessions, now = Date.now }: {
    store: Store;
    platform: Platform;
    mainSessions?: Room["sessions"];
    now?: () => number;
  },
  name: string,
  title: string = name === MAIN_ROOM ? "Main room" : name,
): Promise<Room> {
  const given = name === MAIN_ROOM ? mainSessions : undefined;
  const known = await store.rooms.get(name);
  if (known && given && !sameSessions(known.sessions, given)) {
    return await store.rooms.moveTo(name, given);
  }
  if (known) return known;
  const sessions = given ?? {
    primary: await platform.createSession(),
    secondary: await platform.createSession(),
  };
  return await store.rooms.create({ name, title, sessions, createdAtMs: now() });
}

function sameSessions(a: Room["sessions"], b: Room["sessions"]): boolean {
  return a.primary === b.primary && a.secondary === b.secondary;
}
