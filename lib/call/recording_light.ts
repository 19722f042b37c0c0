/** Whether the room is being recorded, from two witnesses: the call's archive events and the server. */
import type { Signal } from "@preact/signals";
import type { RoomView } from "../recording/views.ts";
import type { Lane } from "./lane.ts";

/** What the call itself was told of each archive, by id. */
export type ArchiveEvents = ReadonlyMap<string, "started" | "stopped">;

/**
 * True while an archive runs. Events come first, the view catches up and settles what events missed:
 * an archive runs if either says so and the other has not seen its end.
 */
export function isRecording(events: ArchiveEvents, view: RoomView | null): boolean {
  const parts = view?.parts ?? [];
  if (parts.some((part) => part.endedAtMs === null && events.get(part.archiveId) !== "stopped")) {
    return true;
  }
  const ended = new Set(parts.filter((p) => p.endedAtMs !== null).map((p) => p.archiveId));
  return [...events].some(([id, state]) => state === "started" && !ended.has(id));
}

/** Keeps in `events` what a lane tells of archives, until it closes; says when one `ended`. */
export function followArchives(lane: Lane, events: Signal<ArchiveEvents>, ended: () => void): void {
  const { session } = lane;
  const seen = new Set<string>();
  const mark = (id: string, state: "started" | "stopped") => {
    seen.add(id);
    events.value = new Map(events.value).set(id, state);
  };
  const started = (event: { id: string }) => mark(event.id, "started");
  const stopped = (event: { id: string }) => {
    mark(event.id, "stopped");
    ended();
  };
  session.on("archiveStarted", started);
  session.on("archiveStopped", stopped);
  lane.onClose(() => {
    session.off("archiveStarted", started);
    session.off("archiveStopped", stopped);
    // Nobody tells us their end any more: the room's state does.
    const rest = new Map(events.value);
    for (const id of seen) if (rest.get(id) === "started") rest.delete(id);
    events.value = rest;
  });
}
