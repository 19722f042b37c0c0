/** What a page asks before it shows or does anything: is this caller allowed to. */
import { type Identity, mayBrowse, mayJoin, mayWatch } from "./auth/mod.ts";
import { MAIN_ROOM } from "./handover/mod.ts";
import { PageError } from "./page_error.ts";
import { DEFAULT_STRATEGY, type Room } from "./recording/model.ts";
import type { Services } from "./services.ts";

/** The part of a request's context that guards look at. */
interface Caller {
  url: URL;
  state: { identity: Identity };
}

/** A segment of the address, by its name in the route. */
export function param(route: { params: Record<string, string> }, name: string): string {
  const value = route.params[name];
  if (value === undefined) throw new PageError(404, `The address has no "${name}"`);
  return value;
}

/** A redirect to the sign-in page, which leads back to `next`; null for an admin. */
export function signInFirst(caller: Caller, next?: string): Response | null {
  if (caller.state.identity.role === "admin") return null;
  const back = next ?? caller.url.pathname + caller.url.search;
  return seeOther(`/sign-in?next=${encodeURIComponent(back)}`);
}

/** Refuses (403) a caller who holds no link to this room. */
export function requireJoin(caller: Caller, room: string): void {
  if (!mayJoin(caller.state.identity, room)) {
    throw new PageError(403, "This call opens with a link. Ask its host for one");
  }
}

/** Refuses (403) a caller who holds no link to this chain. */
export function requireWatch(caller: Caller, chainId: string): void {
  if (!mayWatch(caller.state.identity, chainId)) {
    throw new PageError(403, "This recording opens with a link. Ask whoever made it for one");
  }
}

/** Refuses (403) a caller who may not look through everything. */
export function requireBrowse(caller: Caller): void {
  if (!mayBrowse(caller.state.identity)) {
    throw new PageError(403, "This list is for admins. Sign in, or open the link you were sent");
  }
}

/** Leads to another page after a form, with GET. */
export function seeOther(location: string): Response {
  return new Response(null, {
    status: 303,
    headers: { location, "cache-control": "no-store" },
  });
}

/** What pages show of a room; answers 404 if there is none of that name. */
export async function requireRoom(
  services: Services,
  name: string,
): Promise<Pick<Room, "name" | "title" | "strategy">> {
  const room = await services.store.rooms.get(name);
  if (room) return room;
  // The main room exists from the start; its sessions are made when somebody joins.
  if (name === MAIN_ROOM) return { name, title: "Main room", strategy: DEFAULT_STRATEGY };
  throw new PageError(404, `There is no room "${name}"`);
}

/** A room as it was made; answers 404 where there is none to change. */
export async function requireStoredRoom(services: Services, name: string): Promise<Room> {
  const room = await services.store.rooms.get(name);
  if (!room) throw new PageError(404, `There is no room "${name}" to change`);
  return room;
}

/** An archive's id from an address; anything else is 404 before it reaches the platform. */
export function requireArchiveId(id: string): string {
  if (!/^[\w-]{1,100}$/.test(id)) throw new PageError(404, "There is no archive of that id");
  return id;
}

/** Refuses (403) a caller who may neither look through everything nor watch this archive's chain. */
export async function requireWatchArchive(
  caller: Caller & { state: { services: Services } },
  archiveId: string,
): Promise<void> {
  if (mayBrowse(caller.state.identity)) return;
  const part = await caller.state.services.store.parts.byArchive(archiveId);
  if (!part) throw new PageError(403, "This file opens with a link. Ask whoever made it for one");
  requireWatch(caller, part.chainId);
}
