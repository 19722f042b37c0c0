/** Whether the room is being recorded, from two witnesses: the call's archive events and the server. */
import type { RoomView } from "../recording/views.ts";

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
