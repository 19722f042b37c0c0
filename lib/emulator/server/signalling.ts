/** Requests of clients, some of them also of the app: publishing, subscribing, signals, moderation. */
import { z } from "zod";
import { type ConnectionRecord, streamContentSchema } from "../../store/mod.ts";
import { ensure, parse } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import {
  type EventOptions,
  PERMISSIONS,
  type PublishedStream,
  SERVER_ADDRESS,
  type Sessions,
  streamView,
} from "./sessions.ts";

/** A request as a client sends it: a method on a resource, whose address is taken apart. */
export const requestSchema = z.object({
  method: z.string(),
  uri: z.string().max(2_000),
  content: z.unknown(),
}).transform(({ uri, ...request }) => ({ ...request, ...parseUri(uri) }));
/** A request of a client, or of the app. */
export type ClientRequest = z.infer<typeof requestSchema>;

/** An id that a client makes. */
export const idSchema = z.string().regex(/^[\w-]{1,64}$/);
const channelUpdateSchema = z.looseObject({ active: z.boolean().optional() });
const signalSchema = z.object({ type: z.string().default(""), data: z.unknown() });
/** Streams are excluded by `exclusion` in signalling, by `excludedStreamIds` in REST. */
const muteSchema = z.object({
  active: z.boolean().default(true),
  exclusion: z.array(z.string()).default([]),
  excludedStreamIds: z.array(z.string()).default([]),
});
/** OpenTok: letters, numbers, "-", "_", "~" and ".". */
const SIGNAL_TYPE = /^[\w.~-]*$/;
/** What a client mutes on request. */
const MUTE = { reason: "mute", channels: ["audio"] };

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
 * Serves a request of a client, or of the app, which is a moderator without an id. Resolves to what
 * follows the answer: the events that the request causes. Throws {@link EmulatorError}, whose status
 * is the answer's.
 */
export async function serveRequest(
  sessions: Sessions,
  { id: from, sessionId, role }: Pick<ConnectionRecord, "id" | "sessionId" | "role">,
  { method, kind, ids, content }: ClientRequest,
): Promise<(() => Promise<void> | void) | undefined> {
  ensure(ids.session === sessionId, 403, "Cannot act: the address is of another session");
  const demand = (permission: string) => {
    const isPermitted = PERMISSIONS[role].includes(permission);
    ensure(isPermitted, 403, `Cannot ${permission}: the token's role does not permit it`);
  };
  const self = () => sessions.connection(sessionId, from);
  const target = () => sessions.stream(sessionId, ids.stream);
  const path = kind.split("/").map((each) => each && `/${each}/${ids[each]}`).join("");
  const send = (method: string, event: EventOptions, to = path) =>
    sessions.send(sessionId, method, to, { from, ...event });
  const mute = ({ stream, publisher }: PublishedStream) =>
    send("update", { to: [publisher], content: { ...MUTE, active: true } }, `/stream/${stream.id}`);
  switch (`${method} ${kind}`) {
    case "delete connection": {
      const client = sessions.connection(sessionId, ids.connection);
      if (client.id !== from) demand("forcedisconnect");
      return () => sessions.leave(client, "forceDisconnected");
    }
    case "create stream": {
      demand("publish");
      const publisher = self();
      const stream = {
        id: parse(idSchema, ids.stream, "publish"),
        createdAtMs: Date.now(),
        content: parse(streamContentSchema, content, "publish"),
      };
      const isShort = JSON.stringify(stream).length <= LIMITS.streamContentBytes;
      ensure(isShort, 413, "Cannot publish: the stream's description is too long");
      const isNew = sessions.streams(sessionId).every((other) => other.stream.id !== stream.id);
      ensure(isNew, 409, "Cannot publish: the stream id is in use");
      const isFree = publisher.streams.length < LIMITS.streamsPerConnection;
      ensure(isFree, 403, "Cannot publish: the client has too many streams");
      publisher.streams.push(stream);
      await sessions.save(publisher);
      const view = streamView({ stream, publisher });
      return () => send("created", { from: SERVER_ADDRESS, content: view });
    }
    case "delete stream": {
      const published = target();
      const isOwn = published.publisher.id === from;
      if (!isOwn) demand("forceunpublish");
      return () => sessions.unpublish(published, isOwn ? "clientDisconnected" : "forceUnpublished");
    }
    case "update stream/channel": {
      const { stream, publisher } = target();
      const isOwn = publisher.id === from;
      ensure(isOwn, 403, "Cannot update the stream: another client publishes it");
      const update = Object.entries(parse(channelUpdateSchema, content, "update the stream"));
      const channel = stream.content.channel.find(({ id }) => id === ids.channel);
      // Clients send every value several times, some of them old: only changes are passed on.
      const changes = update.filter(([name, value]) => channel?.[name] !== value);
      if (!channel || changes.length === 0) return;
      return async () => {
        const isShort = JSON.stringify([stream, changes]).length <= LIMITS.streamContentBytes;
        ensure(isShort, 413, "Cannot update the stream: its description is too long");
        const changed = Object.fromEntries(changes);
        Object.assign(channel, changed);
        await sessions.save(publisher);
        send("updated", { content: changed });
      };
    }
    case "create stream/subscriber": {
      demand("subscribe");
      const { stream, publisher } = target();
      const client = self();
      const id = parse(idSchema, ids.subscriber, "subscribe");
      const others = client.subscribers.filter((each) => each.id !== id);
      const isFree = others.length < LIMITS.subscribersPerConnection;
      ensure(isFree, 403, "Cannot subscribe: the client has too many subscribers");
      client.subscribers = [...others, { id, streamId: stream.id }];
      await sessions.save(client);
      // Peer to peer, the publisher makes an offer to each subscriber.
      const peer = { peerId: crypto.randomUUID(), sourceStreamId: "P2P", simulcastEnabled: false };
      return () => send("generateoffer", { content: peer, to: [publisher] });
    }
    case "delete stream/subscriber":
      await sessions.unsubscribe(self(), ids.subscriber);
      return;
    case "offer stream/subscriber":
    case "answer stream/subscriber":
    case "pranswer stream/subscriber":
    case "candidate stream/subscriber": {
      // Relayed between a stream's publisher and the subscriber, and nobody else.
      const { stream, publisher } = target();
      const subscriber = sessions.connections(sessionId).find(({ subscribers }) =>
        subscribers.some(({ id, streamId }) => id === ids.subscriber && streamId === stream.id)
      );
      const peer = publisher.id === from ? subscriber : publisher;
      const isPart = publisher.id === from || subscriber?.id === from;
      ensure(peer && isPart, 404, "Cannot negotiate: the client has no such subscriber");
      return () => send(method, { content, to: [peer] });
    }
    case "signal signal":
    case "signal connection/signal": {
      demand("signal");
      const { type, data = "" } = parse(signalSchema, content, "signal");
      const { length } = typeof data === "string" ? data : JSON.stringify(data);
      const isShort = type.length <= LIMITS.signalTypeLength && length <= LIMITS.signalDataLength;
      ensure(isShort, 413, "Cannot signal: the type or the data is too long");
      ensure(SIGNAL_TYPE.test(type), 400, "Cannot signal: the type has forbidden characters");
      const to = ids.connection === undefined
        ? sessions.connections(sessionId)
        : [sessions.connection(sessionId, ids.connection)];
      return () => send("signal", { content: { type, data }, to });
    }
    case "update ": {
      demand("forcemute");
      const { active, exclusion, excludedStreamIds } = parse(muteSchema, content, "mute");
      const excluded = [...exclusion, ...excludedStreamIds];
      const to = sessions.connections(sessionId).filter(({ id }) => id !== from);
      const muted = sessions.streams(sessionId).filter(({ stream, publisher }) =>
        publisher.id !== from && !excluded.includes(stream.id)
      );
      return () => {
        send("update", { content: { ...MUTE, active }, to });
        // Otherwise it is lifted, for streams that come later.
        if (active) muted.forEach(mute);
      };
    }
    case "update stream": {
      demand("forcemute");
      const published = target();
      return () => mute(published);
    }
  }
  // Statistics, preferences of subscribers and the like: nobody is notified.
}
