/** Requests of clients: joining, publishing, subscribing, signals, moderation. */
import { z } from "zod";
import { type EmulatorRecords, streamContentSchema } from "../../store/mod.ts";
import { EmulatorError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import {
  type ClientSocket,
  type Connection,
  connectionView,
  permissionsOf,
  type Sessions,
  streamView,
} from "./sessions.ts";
import type { Tokens } from "./tokens.ts";

/** A request as a client sends it. */
export const requestSchema = z.object({
  method: z.string(),
  uri: z.string().max(2_000),
  content: z.unknown(),
});
/** A request as a client sends it. */
export type Request = z.infer<typeof requestSchema>;

/** Answer to a request: `data` is the body; `after` runs after it was sent. */
export interface Answer {
  data?: unknown;
  after?: () => Promise<void> | void;
}

/** What requests are served with. */
export interface SignallingDeps {
  sessions: Sessions;
  records: EmulatorRecords;
  tokens: Tokens;
  /** The archives of a session that record or pause now, as clients see them. */
  runningArchives(sessionId: string): { id: string; name: string; status: string }[];
}

const ID = z.string().regex(/^[\w-]{1,64}$/);
const channelUpdateSchema = z.looseObject({ active: z.boolean().optional() });
const signalSchema = z.object({ type: z.string().optional(), data: z.unknown() });
const muteSchema = z.object({
  active: z.boolean().default(true),
  exclusion: z.array(z.string()).default([]),
});
const negotiationMethods = new Set(["offer", "answer", "pranswer", "candidate"]);

/** A resource's address: `/v2/partner/K/session/S/stream/X` is `{partner: K, session: S, stream: X}`. */
function parseUri(uri: string): { kind: string; ids: Record<string, string> } {
  const [, , ...segments] = uri.split("/");
  const ids: Record<string, string> = {};
  const kinds: string[] = [];
  for (let i = 0; i + 1 <= segments.length; i += 2) {
    const kind = segments[i] ?? "";
    kinds.push(kind);
    ids[kind] = segments[i + 1] ?? "";
  }
  return { kind: kinds.slice(2).join("/"), ids };
}

function parse<T>(schema: z.ZodType<T>, value: unknown, action: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new EmulatorError(400, `Cannot ${action}: the request does not have the expected form`);
}

function demand(connection: Connection, permission: string): void {
  if (permissionsOf(connection).includes(permission)) return;
  throw new EmulatorError(403, `Cannot ${permission}: the token's role does not permit it`);
}

/**
 * Throws an {@link EmulatorError} if a session, or a token, has as many connections as it may. A
 * connection whose client is away does not count: it may be the one that now comes again.
 */
export function checkRoom(sessions: Sessions, sessionId: string, tokenHash: string): void {
  const present = sessions.connections(sessionId).filter(({ socket }) => socket !== null);
  const own = present.filter((connection) => connection.tokenHash === tokenHash);
  if (
    present.length < LIMITS.connectionsPerSession && own.length < LIMITS.connectionsPerToken
  ) return;
  throw new EmulatorError(
    403,
    present.length < LIMITS.connectionsPerSession
      ? `Cannot connect: one token may be used by ${LIMITS.connectionsPerToken} clients at once`
      : `Cannot connect: a session may have ${LIMITS.connectionsPerSession} clients`,
  );
}

/** Serves the first request on a socket, which creates its connection. */
export async function connect(
  { method, uri }: Request,
  token: string | undefined,
  { socket, socketId, tokenHash }: { socket: ClientSocket; socketId: string; tokenHash: string },
  deps: SignallingDeps,
): Promise<{ connection: Connection; data: unknown }> {
  const { sessions, tokens } = deps;
  const { kind, ids } = parseUri(uri);
  if (kind !== "connection" || method !== "create") {
    throw new EmulatorError(403, "Cannot act: the client has not joined the session");
  }
  const identity = await tokens.verifyClient(token);
  const { sessionId, role, data } = identity;
  if (sessionId !== ids.session || identity.tokenHash !== tokenHash) {
    throw new EmulatorError(403, "Cannot connect: the token is for another session");
  }
  const id = parse(ID, ids.connection, "connect");
  if (sessions.connections(sessionId).some((connection) => connection.id === id)) {
    throw new EmulatorError(409, "Cannot connect: the connection id is in use");
  }
  checkRoom(sessions, sessionId, tokenHash);
  const connection: Connection = {
    ...{ id, sessionId, socketId, tokenHash, data, role, socket },
    createdAtMs: Date.now(),
    streams: new Map(),
    subscribers: new Map(),
    unacknowledged: new Map(),
    answers: new Map(),
  };
  await sessions.join(connection);
  return {
    connection,
    data: {
      connection: sessions.connections(sessionId).map(connectionView),
      stream: sessions.streams(sessionId).map(streamView),
      archive: deps.runningArchives(sessionId),
    },
  };
}

/** Serves any later request. Throws {@link EmulatorError}, whose status is the answer's. */
export async function serveRequest(
  connection: Connection,
  { method, uri, content }: Request,
  { sessions }: SignallingDeps,
): Promise<Answer> {
  const { sessionId } = connection;
  const { kind, ids } = parseUri(uri);
  if (ids.session !== sessionId) {
    throw new EmulatorError(403, "Cannot act: the address is of another session");
  }
  switch (`${method} ${kind}`) {
    case "delete connection": {
      const target = sessions.connection(sessionId, ids.connection);
      if (target !== connection) demand(connection, "forcedisconnect");
      return { after: () => sessions.forceDisconnect(target) };
    }
    case "create stream": {
      demand(connection, "publish");
      const announce = await sessions.publish(connection, {
        id: parse(ID, ids.stream, "publish"),
        createdAtMs: Date.now(),
        content: parse(streamContentSchema, content, "publish"),
      });
      return { data: { content: { iceServers: [] } }, after: announce };
    }
    case "delete stream": {
      const target = sessions.stream(sessionId, ids.stream);
      const isOwn = target.publisher === connection;
      if (!isOwn) demand(connection, "forceunpublish");
      const reason = isOwn ? "clientDisconnected" : "forceUnpublished";
      return { after: () => sessions.unpublish(target, reason) };
    }
    case "update stream/channel": {
      const target = sessions.stream(sessionId, ids.stream);
      if (target.publisher !== connection) {
        throw new EmulatorError(403, "Cannot update the stream: another client publishes it");
      }
      const update = parse(channelUpdateSchema, content, "update the stream");
      return { after: () => sessions.updateChannel(target, ids.channel ?? "", update) };
    }
    case "create stream/subscriber": {
      demand(connection, "subscribe");
      const { stream, publisher } = sessions.stream(sessionId, ids.stream);
      await sessions.subscribe(connection, parse(ID, ids.subscriber, "subscribe"), stream.id);
      // Peer to peer, the publisher makes an offer to each subscriber.
      const offer = {
        peerId: crypto.randomUUID(),
        sourceStreamId: "P2P",
        simulcastEnabled: false,
      };
      return {
        data: { content: { iceServers: [] } },
        after: () =>
          sessions.send(publisher, connection.id, { method: "generateoffer", uri, content: offer }),
      };
    }
    case "delete stream/subscriber":
      await sessions.unsubscribe(connection, ids.subscriber ?? "");
      return {};
    case "signal signal":
    case "signal connection/signal": {
      demand(connection, "signal");
      const signal = parse(signalSchema, content, "signal");
      const address = { from: connection.id, to: ids.connection, id: ids.signal ?? "" };
      sessions.signal(sessionId, address, signal);
      return {};
    }
    case "update ": {
      demand(connection, "forcemute");
      const { active, exclusion } = parse(muteSchema, content, "mute");
      const wish = { active, excludedStreamIds: exclusion };
      return { after: () => sessions.forceMuteAll(sessionId, connection.id, wish) };
    }
    case "update stream": {
      demand(connection, "forcemute");
      const target = sessions.stream(sessionId, ids.stream);
      return { after: () => sessions.forceMute(target, connection.id) };
    }
  }
  if (kind === "stream/subscriber" && negotiationMethods.has(method)) {
    // Relayed between a stream's publisher and the subscriber, and nobody else.
    const { stream, publisher } = sessions.stream(sessionId, ids.stream);
    const subscriber = sessions.connections(sessionId)
      .find(({ subscribers }) => subscribers.get(ids.subscriber ?? "") === stream.id);
    if (!subscriber || (connection !== publisher && connection !== subscriber)) {
      throw new EmulatorError(404, "Cannot negotiate: the client has no such subscriber");
    }
    const to = connection === publisher ? subscriber : publisher;
    return { after: () => sessions.send(to, connection.id, { method, uri, content }) };
  }
  // Statistics, preferences of subscribers and the like: nobody is notified.
  return {};
}
