/** Rooms: made once, listed, renamed, deleted. */
import type { z } from "zod";
import { type Room, roomSchema } from "../recording/model.ts";
import { StoreError } from "./errors.ts";
import { keys } from "./keys.ts";
import {
  commit,
  listEntries,
  type Page,
  type PageOptions,
  parseOrReport,
  readRecord,
  type StoreContext,
  untilCommitted,
} from "./records.ts";

/** The rooms of the store. */
export interface Rooms {
  /** Makes a room, or answers the one that another process made first. */
  create(room: z.input<typeof roomSchema>): Promise<Room>;
  get(name: string): Promise<Room | null>;
  /** By name. */
  list(options?: PageOptions): Promise<Page<Room>>;
  /** Changes what an admin chose; a recording that runs keeps the strategy it began with. Throws `not-found`. */
  update(name: string, changes: Partial<Pick<Room, "title" | "strategy">>): Promise<Room>;
  /** Gives the room two other sessions. Throws `not-found`, and `conflict` while it is being recorded. */
  moveTo(name: string, sessions: Room["sessions"]): Promise<Room>;
  /** Throws `conflict` while the room is being recorded. Its chains stay. */
  delete(name: string): Promise<void>;
}

/** The rooms in this KV. */
export function createRooms(context: StoreContext): Rooms {
  const { kv } = context;

  function change(
    name: string,
    action: string,
    changes: Partial<Room>,
    onlyAtRest: boolean,
  ): Promise<Room> {
    const key = keys.room(name);
    return untilCommitted(action, async () => {
      const { value, versionstamp } = await readRecord(context, roomSchema, key);
      if (!value) throw new StoreError("not-found", `${action}: there is no such room`);
      const active = onlyAtRest && (await kv.get(keys.activeRoom(name))).versionstamp !== null;
      if (active) {
        throw new StoreError("conflict", `${action}: it is being recorded, stop it first`);
      }
      const room = roomSchema.parse({ ...value, ...changes, name });
      const operation = kv.atomic().check({ key, versionstamp }).set(key, room);
      if (onlyAtRest) operation.check({ key: keys.activeRoom(name), versionstamp: null });
      return await commit(operation, action) ? { done: room } : null;
    });
  }

  return {
    create(room) {
      const parsed = roomSchema.parse(room);
      return untilCommitted(`Create room "${room.name}"`, async () => {
        const { value } = await readRecord(context, roomSchema, keys.room(room.name));
        if (value) return { done: value };
        const operation = kv.atomic()
          .check({ key: keys.room(room.name), versionstamp: null })
          .set(keys.room(room.name), parsed);
        return await commit(operation, `Create room "${room.name}"`) ? { done: parsed } : null;
      });
    },
    async get(name) {
      return (await readRecord(context, roomSchema, keys.room(name))).value;
    },
    async list(options) {
      const page = await listEntries(context, keys.rooms, options);
      const items = page.items
        .map((entry) => parseOrReport(context, roomSchema, entry.key, entry))
        .filter((room) => room !== null);
      return { items, cursor: page.cursor };
    },
    update: (name, changes) => change(name, `Change room "${name}"`, changes, false),
    moveTo: (name, sessions) =>
      change(name, `Move room "${name}" to other sessions`, { sessions }, true),
    async delete(name) {
      const operation = kv.atomic()
        .check({ key: keys.activeRoom(name), versionstamp: null })
        .delete(keys.room(name))
        .delete(keys.recording(name));
      if (!await commit(operation, `Delete room "${name}"`)) {
        throw new StoreError(
          "conflict",
          `Delete room "${name}": it is being recorded, stop it first`,
        );
      }
    },
  };
}
