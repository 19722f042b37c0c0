/** Every key the store uses, in one place: the map of the database. */
import type { Chain } from "../recording/model.ts";

/** Longest piece of a chain's name that goes into a key (a key holds 2 KiB). */
const NAME_KEY_LENGTH = 256;

export const keys = {
  /** Version of everything stored here. */
  version: ["version"],

  rooms: ["room"],
  room: (name: string) => ["room", name],

  chain: (id: string) => ["chain", id],
  chainsByTime: ["chain-by-time"],
  chainsByRoom: (room: string) => ["chain-by-room", room],
  chainsByName: (name: string) => ["chain-by-name", name.slice(0, NAME_KEY_LENGTH)],
  /** The secondary keys of a chain; each holds its id. */
  chainIndexes: (chain: Chain) => [
    ["chain-by-time", chain.createdAtMs, chain.id],
    [...keys.chainsByRoom(chain.room), chain.createdAtMs, chain.id],
    [...keys.chainsByName(chain.name), chain.createdAtMs, chain.id],
  ],

  parts: (chainId: string) => ["part", chainId],
  part: (chainId: string, seq: number) => ["part", chainId, seq],
  /** archive id -> where it is a part. */
  archive: (archiveId: string) => ["archive", archiveId],
  /** Parts whose archive may still change; holds how often its file was tried. */
  unsettled: ["unsettled-part"],
  unsettledPart: (chainId: string, seq: number) => ["unsettled-part", chainId, seq],

  /** State of a room's recording procedure. */
  recording: (room: string) => ["recording", room],
  /** Rooms that need looking after now. */
  activeRooms: ["active-room"],
  activeRoom: (room: string) => ["active-room", room],

  lease: (name: string) => ["lease", name],
  /** The emulator's own. */
  emulator: {
    project: ["emulator", "project"],
    host: ["emulator", "host"],
    session: (id: string) => ["emulator", "session", id],
    connections: ["emulator", "connection"],
    connection: (id: string) => ["emulator", "connection", id],
    archives: ["emulator", "archive"],
    archive: (id: string) => ["emulator", "archive", id],
  },
  values: (key: readonly string[]) => ["value", ...key],
};
