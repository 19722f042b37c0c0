/** Requests of clients: publishing, subscribing, signals, moderation. */
import { z } from "zod";
import { streamContentSchema, type StreamRecord } from "../../store/mod.ts";
import { EmulatorError, parse } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import {
  type Connection,
  connectionView,
  type PublishedStream,
  type Sessions,
  streamView,
} from "./sessions.ts";

/** A request as a client sends it: a method on a resource. */
export const requestSchema = z.object({
  method: z.string(),
  uri: z.string().max(2_000).transform(parseUri),
  content: z.unknown(),
});
/** A request as a client sends it. */
export type ClientRequest = z.infer<typeof requestSchema>;

/** An id that a client makes. */
export const idSchema = z.string().regex(/^[\w-]{1,64}$/);
const channelUpdateSchema = z.looseObject({ active: z.boolean().optional() });
const signalSchema = z.object({ type: z.string().default(""), data: z.unknown() });
const muteSchema = z.object({
  active: z.boolean().default(true),
  exclusion: z.array(z.string()).default([]),
});

/** `/v2/partner/K/session/S/stream/X` is of the kind "stream", with the ids K, S and X by kind. */
function parseUri(uri: string) {
  const segments = uri.split("/").slice(2);
  const kinds = segments.filter((_, i) => i % 2 === 0);
  const ids: Record<string, string | undefined> = Object.fromEntries(
    kinds.map((kind, i) => [kind, segments[2 * i + 1] ?? ""]),
  );
  return { kind: kinds.slice(2).join("/"), ids };
}

/**
 * Serves a request. `answer` sends the answer, which comes before the events that the request causes.
 * Throws {@link EmulatorError}, whose status is the answer's unless it was sent.
 */
export async function serveRequest(
  sessions: Sessions,
  connection: Connection,
  { method, uri: { kind, ids }, content }: ClientRequest,
  answer: (data?: unknown) => void,
): Promise<void> {
  const { sessionId, id: from } = connection;
  if (ids.session !== sessionId) {
    throw new EmulatorError(403, "Cannot act: the address is of another session");
  }
  const demand = (permission: string) => {
    if (connectionView(connection).permissions.includes(permission)) return;
    throw new EmulatorError(403, `Cannot ${permission}: the token's role does not permit it`);
  };
  const target = () => sessions.stream(sessionId, ids.stream);
  const subscriberPath = `/stream/${ids.stream}/subscriber/${ids.subscriber}`;
  switch (`${method} ${kind}`) {
    case "delete connection": {
      const client = sessions.connection(sessionId, ids.connection);
      if (client !== connection) demand("forcedisconnect");
      answer();
      return await sessions.forceDisconnect(client);
    }
    case "create stream":
      demand("publish");
      await publish(sessions, connection, {
        id: parse(idSchema, ids.stream, "publish"),
        createdAtMs: Date.now(),
        content: parse(streamContentSchema, content, "publish"),
      }, answer);
      return;
    case "delete stream": {
      const published = target();
      const isOwn = published.publisher === connection;
      if (!isOwn) demand("forceunpublish");
      answer();
      return await sessions.unpublish(published, isOwn ? "clientDisconnected" : "forceUnpublished");
    }
    case "update stream/channel": {
      const published = target();
      if (published.publisher !== connection) {
        throw new EmulatorError(403, "Cannot update the stream: another client publishes it");
      }
      const update = parse(channelUpdateSchema, content, "update the stream");
      answer();
      return await updateChannel(sessions, published, ids.channel, update);
    }
    case "create stream/subscriber": {
      demand("subscribe");
      const { stream, publisher } = target();
      if (connection.subscribers.size >= LIMITS.subscribersPerConnection) {
        throw new EmulatorError(403, "Cannot subscribe: the client has too many subscribers");
      }
      connection.subscribers.set(parse(idSchema, ids.subscriber, "subscribe"), stream.id);
      await sessions.save(connection);
      answer({ content: { iceServers: [] } });
      // Peer to peer, the publisher makes an offer to each subscriber.
      const peer = { peerId: crypto.randomUUID(), sourceStreamId: "P2P", simulcastEnabled: false };
      const event = { method: "generateoffer", path: subscriberPath, from, content: peer };
      return sessions.send(sessionId, event, [publisher]);
    }
    case "delete stream/subscriber":
      await sessions.unsubscribe(connection, ids.subscriber ?? "");
      return answer();
    case "offer stream/subscriber":
    case "answer stream/subscriber":
    case "pranswer stream/subscriber":
    case "candidate stream/subscriber": {
      // Relayed between a stream's publisher and the subscriber, and nobody else.
      const { stream, publisher } = target();
      const subscriber = sessions.connections(sessionId)
        .find(({ subscribers }) => subscribers.get(ids.subscriber ?? "") === stream.id);
      if (!subscriber || (connection !== publisher && connection !== subscriber)) {
        throw new EmulatorError(404, "Cannot negotiate: the client has no such subscriber");
      }
      const peer = connection === publisher ? subscriber : publisher;
      answer();
      return sessions.send(sessionId, { method, path: subscriberPath, from, content }, [peer]);
    }
    case "signal signal":
    case "signal connection/signal": {
      demand("signal");
      const address = { from, to: ids.connection, id: ids.signal ?? "" };
      sessions.signal(sessionId, address, parse(signalSchema, content, "signal"));
      return answer();
    }
    case "update ": {
      demand("forcemute");
      const { active, exclusion } = parse(muteSchema, content, "mute");
      answer();
      return sessions.forceMuteAll(sessionId, from, active, exclusion);
    }
    case "update stream": {
      demand("forcemute");
      const published = target();
      answer();
      return sessions.forceMute(published, from);
    }
    default:
      // Statistics, preferences of subscribers and the like: nobody is notified.
      answer();
  }
}

/** Adds a stream, and notifies everyone, the publisher included. */
async function publish(
  sessions: Sessions,
  publisher: Connection,
  stream: StreamRecord,
  answer: (data: unknown) => void,
): Promise<void> {
  const { sessionId, streams } = publisher;
  if (JSON.stringify(stream).length > LIMITS.streamContentBytes) {
    throw new EmulatorError(413, "Cannot publish: the stream's description is too long");
  }
  if (sessions.streams(sessionId).some((other) => other.stream.id === stream.id)) {
    throw new EmulatorError(409, "Cannot publish: the stream id is in use");
  }
  if (streams.size >= LIMITS.streamsPerConnection) {
    throw new EmulatorError(403, "Cannot publish: the client has too many streams");
  }
  streams.set(stream.id, stream);
  await sessions.save(publisher);
  answer({ content: { iceServers: [] } });
  const content = streamView({ stream, publisher });
  sessions.send(sessionId, { method: "created", path: `/stream/${stream.id}`, content });
  sessions.changed();
}

/** Other properties of a stream's channel: saves them and notifies everyone. */
async function updateChannel(
  sessions: Sessions,
  { stream, publisher }: PublishedStream,
  channelId: string | undefined,
  update: Record<string, unknown>,
): Promise<void> {
  const channel = stream.content.channel.find(({ id }) => id === channelId);
  // Clients send every value several times, some of them old: only changes are passed on.
  const changed = Object.fromEntries(
    Object.entries(update).filter(([name, value]) => channel?.[name] !== value),
  );
  if (!channel || Object.keys(changed).length === 0) return;
  if (JSON.stringify([stream, changed]).length > LIMITS.streamContentBytes) {
    throw new EmulatorError(413, "Cannot update the stream: its description is too long");
  }
  Object.assign(channel, changed);
  await sessions.save(publisher);
  sessions.send(publisher.sessionId, {
    method: "updated",
    path: `/stream/${stream.id}/channel/${channelId}`,
    from: publisher.id,
    content: changed,
  });
  sessions.changed();
}
