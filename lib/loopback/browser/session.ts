/** One client's view of a session: who is there, what they publish, and what is said. */
import type OT from "@opentok/client";
import type { ClientMessage, ServerMessage, WireConnection, WireStream } from "../protocol.ts";
import { Emitter } from "./emitter.ts";
import { ClientError, clientError } from "./errors.ts";
import { Inbound, Outbound } from "./peers.ts";
import { settle, withPromise } from "./promise.ts";
import { Publisher } from "./publisher.ts";
import { recorder } from "./recorder.ts";
import type { RecordedStream, RecordingSession } from "./recorder.ts";
import { Subscriber } from "./subscriber.ts";
import { closeCodes, Wire } from "./wire.ts";

/** Longest wait for the platform to confirm a stream, ms (OpenTok.js: 15 s). */
const publishTimeoutMs = 15_000;
/** Longest wait for a stream's media, ms (OpenTok.js: 30 s). */
const subscribeTimeoutMs = 30_000;
/** Longest wait for a signal's confirmation, ms. */
const signalTimeoutMs = 10_000;
/** How long a lost socket is tried again, ms. */
const reconnectForMs = 30_000;
/** Longest wait between two attempts, ms. */
const reconnectEveryMs = 3_000;
/** How long a recording may still be written after leaving, ms. */
const farewellMs = 3_000;

/** Somebody in the session. */
export interface Connection {
  connectionId: string;
  creationTime: number;
  data: string;
}

/** Something that is published to the session. */
export interface Stream {
  connection: Connection;
  creationTime: number;
  frameRate: number;
  hasAudio: boolean;
  hasCaptions: boolean;
  hasVideo: boolean;
  initials: string;
  name: string;
  streamId: string;
  videoDimensions: { width: number; height: number };
  videoType: "camera" | "screen" | "custom" | undefined;
}

interface Published {
  publisher: Publisher;
  outbound: Outbound;
  confirmed: PromiseWithResolvers<void>;
}

/** A session with the interface of OpenTok.js's, as far as a call needs it. */
export class Session extends Emitter implements RecordingSession {
  readonly capabilities = {
    forceDisconnect: 0,
    forceUnpublish: 0,
    forceMute: 0,
    publish: 1,
    subscribe: 1,
  };
  connection: Connection | undefined;
  readonly connections = new Map<string, Connection>();
  readonly streams = new Map<string, Stream>();
  readonly #sources = new Map<string, string>();
  readonly #published = new Map<string, Published>();
  readonly #subscribers = new Map<Subscriber, string>();
  readonly #inbounds = new Map<string, Inbound>();
  readonly #archives = new Set<string>();
  readonly #signals = new Map<number, (error: string | null) => void>();
  #wire: Wire | undefined;
  #state: "disconnected" | "connecting" | "connected" | "reconnecting" = "disconnected";
  #epoch = 0;
  #nextSignal = 0;
  #token = "";

  constructor(readonly apiUrl: URL, readonly sessionId: string) {
    super();
  }

  /** True while connected, or trying to be again. */
  isConnected(): boolean {
    return this.#state === "connected" || this.#state === "reconnecting";
  }

  /** Enters the session; the callback gets no error when it worked. */
  readonly connect = withPromise((token: string, callback?: (error?: Error) => void) => {
    settle(this.#connect(token), callback);
    return this;
  }, (token: string) => this.#connect(token).then(() => this));

  /** Publishes a publisher, made with `initPublisher`. */
  readonly publish = withPromise((publisher: Publisher, callback?: (error?: Error) => void) => {
    settle(this.#publish(publisher), callback);
    return publisher;
  }, (publisher: Publisher) => this.#publish(publisher).then(() => publisher));

  /** Takes somebody's stream. */
  readonly subscribe = withPromise((
    stream: Stream,
    target?: HTMLElement | string,
    properties: OT.SubscriberProperties = {},
    callback?: (error?: Error) => void,
  ) => {
    const { subscriber, done } = this.#subscribe(stream, target, properties);
    settle(done, callback);
    return subscriber;
  }, async (
    stream: Stream,
    target?: HTMLElement | string,
    properties: OT.SubscriberProperties = {},
  ) => {
    const { subscriber, done } = this.#subscribe(stream, target, properties);
    await done;
    return subscriber;
  });

  /** Ends the publisher's stream. Unless its `streamDestroyed` is prevented, it is destroyed too. */
  unpublish(publisher: Publisher): void {
    for (const [streamId, published] of this.#published) {
      if (published.publisher !== publisher) continue;
      this.send({ type: "unpublish", streamId });
      this.#endPublished(streamId, "clientDisconnected");
    }
  }

  /** Ends a subscription. */
  unsubscribe(subscriber: Subscriber): void {
    if (this.#subscribers.delete(subscriber)) subscriber.end("unsubscribed");
  }

  /** Sends a signal to everybody (the sender too) or to one connection. */
  signal(
    signal: { type?: string; data?: string; to?: Connection },
    callback?: (error?: Error) => void,
  ): Promise<void> {
    const sent = this.#signal(signal);
    settle(sent, callback);
    return sent;
  }

  /** Leaves the session. A recording that this page makes for it is finished first, for up to 3 s. */
  async disconnect(): Promise<void> {
    const wire = this.#wire;
    const wasIn = this.isConnected();
    this.#state = "disconnected";
    this.#wire = undefined;
    this.#epoch += 1;
    if (!wasIn) return;
    const farewell = recorder.leave(this, farewellMs, (message) => wire?.send(message));
    for (const streamId of this.#published.keys()) wire?.send({ type: "unpublish", streamId });
    this.#clear("clientDisconnected");
    this.emit("sessionDisconnected", { reason: "clientDisconnected" }, true);
    await farewell;
    wire?.close();
  }

  /** The subscribers of a stream. */
  getSubscribersForStream(stream: Stream): Subscriber[] {
    return [...this.#subscribers].flatMap(([subscriber, streamId]) =>
      streamId === stream.streamId ? [subscriber] : []
    );
  }

  /** The publisher of one of this client's own streams. */
  getPublisherForStream(stream: Stream): Publisher | undefined {
    return this.#published.get(stream.streamId)?.publisher;
  }

  /** Tells the session what a publisher sends now. */
  publisherChanged(publisher: Publisher): void {
    for (const [streamId, published] of this.#published) {
      if (published.publisher !== publisher) continue;
      const { hasAudio, hasVideo, width, height } = publisher.describe(streamId);
      const stream = this.streams.get(streamId);
      if (stream !== undefined) this.#changeStream(stream, { hasAudio, hasVideo, width, height });
      this.send({ type: "stream-changed", streamId, hasAudio, hasVideo, width, height });
    }
  }

  /** Sends another track in the place of one that a publisher sends. */
  async replaceTrack(
    publisher: Publisher,
    old: MediaStreamTrack,
    track: MediaStreamTrack,
  ): Promise<void> {
    for (const published of this.#published.values()) {
      if (published.publisher === publisher) await published.outbound.replaceTrack(old, track);
    }
  }

  /** Sends a message to the platform; false while there is no socket. */
  send(message: ClientMessage): boolean {
    return this.#wire?.send(message) ?? false;
  }

  /** What a recorder of this session must record. */
  recordedStreams(): RecordedStream[] {
    return [...this.streams.values()].map((stream) => {
      const published = this.#published.get(stream.streamId);
      return {
        streamId: stream.streamId,
        source: this.#sources.get(stream.streamId) || stream.streamId,
        name: stream.name,
        hasAudio: stream.hasAudio,
        hasVideo: stream.hasVideo,
        local: published?.publisher.media.getTracks() ?? null,
        inbound: () => this.#inbound(stream.streamId, stream.connection.connectionId),
      };
    });
  }

  async #connect(token: string): Promise<void> {
    if (this.#state !== "disconnected") return;
    this.#state = "connecting";
    this.#token = token;
    const epoch = ++this.#epoch;
    try {
      const wire = await Wire.open(this.#address());
      if (epoch !== this.#epoch) {
        wire.close();
        throw new ClientError("OT_CONNECT_FAILED", "Connect to the session: it was disconnected");
      }
      this.#enter(wire);
    } catch (error) {
      if (epoch === this.#epoch) this.#state = "disconnected";
      throw clientError(error, "OT_CONNECT_FAILED");
    }
    this.emit("sessionConnected");
    this.#announce();
  }

  #address(): URL {
    const url = new URL(`${this.apiUrl.pathname.replace(/\/$/, "")}/socket`, this.apiUrl);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("token", this.#token);
    return url;
  }

  #enter(wire: Wire): void {
    this.#wire = wire;
    this.#state = "connected";
    this.connection = toConnection(wire.welcome.connection);
    this.connections.set(this.connection.connectionId, this.connection);
    wire.onMessage = (message) => this.#receive(message);
    wire.onClose = (code) => void this.#lost(code);
  }

  /** Tells the page of everything in the welcome that it does not know yet. */
  #announce(): void {
    const welcome = this.#wire?.welcome;
    if (welcome === undefined) return;
    for (const connection of welcome.connections) this.#addConnection(connection);
    if (this.connection !== undefined) {
      this.emit("connectionCreated", { connection: this.connection });
    }
    for (const stream of welcome.streams) this.#addStream(stream);
    for (const archive of welcome.archives) this.#changeArchive(archive);
  }

  /** Finds a way back in for half a minute, then gives up. */
  async #lost(code: number): Promise<void> {
    if (this.#state !== "connected") return;
    const epoch = this.#epoch;
    this.#wire = undefined;
    if (code === closeCodes.forced) return this.#expelled("forceDisconnected");
    this.#state = "reconnecting";
    for (const done of this.#signals.values()) done("the connection was lost");
    this.emit("sessionReconnecting");
    const deadlineMs = performance.now() + reconnectForMs;
    for (let waitMs = 200; performance.now() < deadlineMs; waitMs *= 2) {
      await new Promise((done) => setTimeout(done, Math.min(waitMs, reconnectEveryMs)));
      if (epoch !== this.#epoch) return;
      try {
        const wire = await Wire.open(this.#address());
        if (epoch !== this.#epoch) return wire.close();
        return this.#reenter(wire);
      } catch (error) {
        if (error instanceof ClientError && error.name === "OT_AUTHENTICATION_ERROR") break;
      }
    }
    if (epoch === this.#epoch) this.#expelled("networkDisconnected");
  }

  #expelled(reason: string): void {
    this.#state = "disconnected";
    this.#epoch += 1;
    void recorder.leave(this, farewellMs, () => {});
    this.#clear(reason);
    this.emit("sessionDisconnected", { reason }, true);
  }

  /** Takes the new connection's welcome for the truth, and publishes again. */
  #reenter(wire: Wire): void {
    const { connections, streams, archives } = wire.welcome;
    const previous = this.connection?.connectionId ?? "";
    this.#enter(wire);
    this.connections.delete(previous);
    for (const [streamId, stream] of [...this.streams]) {
      if (this.#published.has(streamId) || streams.some(({ id }) => id === streamId)) continue;
      this.#removeStream(stream, "networkDisconnected");
    }
    for (const { connectionId } of [...this.connections.values()]) {
      if (connectionId === this.connection?.connectionId) continue;
      if (!connections.some(({ id }) => id === connectionId)) {
        this.#removeConnection(connectionId, "networkDisconnected");
      }
    }
    this.emit("sessionReconnected");
    for (const connection of connections) this.#addConnection(connection);
    for (const stream of streams) {
      if (stream.connectionId !== previous) this.#addStream(stream);
    }
    for (const id of [...this.#archives]) {
      if (!archives.some((archive) => archive.id === id)) {
        this.#changeArchive({ id, name: "", status: "stopped" });
      }
    }
    for (const archive of archives) this.#changeArchive(archive);
    for (const [streamId, published] of [...this.#published]) this.#republish(streamId, published);
    recorder.resume(this);
  }

  #republish(streamId: string, published: Published): void {
    const stream = this.streams.get(streamId);
    const fresh = crypto.randomUUID();
    this.#published.delete(streamId);
    this.streams.delete(streamId);
    this.#published.set(fresh, published);
    published.outbound.close();
    if (stream !== undefined && this.connection !== undefined) {
      Object.assign(stream, { streamId: fresh, connection: this.connection });
      this.streams.set(fresh, stream);
      this.#sources.set(fresh, this.#sources.get(streamId) ?? "");
    }
    this.#sources.delete(streamId);
    this.send({ type: "publish", stream: published.publisher.describe(fresh) });
  }

  async #publish(publisher: Publisher): Promise<void> {
    if (!(publisher instanceof Publisher)) {
      throw new ClientError("OT_INVALID_PARAMETER", "Publish: make a publisher with initPublisher");
    }
    if (publisher.session !== undefined) {
      throw new ClientError("OT_INVALID_PARAMETER", "Publish: the publisher is published already");
    }
    if (!this.isConnected()) throw new ClientError("OT_NOT_CONNECTED", "Publish: not connected");
    publisher.session = this;
    const streamId = crypto.randomUUID();
    try {
      await publisher.ready;
      const outbound = new Outbound(
        () => publisher.media.getTracks(),
        (to, subscription, rtc) => {
          const id = publisher.stream?.streamId ?? streamId;
          this.send({ type: "rtc", to, streamId: id, subscription, rtc });
        },
      );
      const confirmed = Promise.withResolvers<void>();
      this.#published.set(streamId, { publisher, outbound, confirmed });
      if (!this.send({ type: "publish", stream: publisher.describe(streamId) })) {
        throw new ClientError("OT_NOT_CONNECTED", "Publish: not connected");
      }
      await deadline(confirmed.promise, publishTimeoutMs, "Publish: no answer");
    } catch (error) {
      this.#published.get(streamId)?.outbound.close();
      this.#published.delete(streamId);
      publisher.session = undefined;
      throw clientError(error, "OT_STREAM_CREATE_FAILED");
    }
  }

  #subscribe(
    stream: Stream,
    target: HTMLElement | string | undefined,
    properties: OT.SubscriberProperties,
  ): { subscriber: Subscriber; done: Promise<void> } {
    const known = this.streams.has(stream.streamId) && this.isConnected();
    const inbound = known
      ? this.#inbound(stream.streamId, stream.connection.connectionId)
      : new Inbound(() => {});
    const subscriber = new Subscriber(stream, target, properties, inbound);
    if (!known) {
      subscriber.end("streamDestroyed");
      const error = new ClientError(
        this.isConnected() ? "OT_STREAM_DESTROYED" : "OT_NOT_CONNECTED",
        `Subscribe to the stream "${stream.streamId}": it is not there any more`,
      );
      return { subscriber, done: Promise.reject(error) };
    }
    this.#subscribers.set(subscriber, stream.streamId);
    const connected = Promise.withResolvers<void>();
    const unwatch = inbound.watch((state) => {
      if (state === "media") connected.resolve();
      else if (state === "closed") {
        connected.reject(
          new ClientError("OT_CREATE_PEER_CONNECTION_FAILED", "Subscribe: no media came"),
        );
      }
    });
    if (inbound.connected) {
      queueMicrotask(() => {
        subscriber.start();
        connected.resolve();
      });
    }
    const done = deadline(connected.promise, subscribeTimeoutMs, "Subscribe: no media came")
      .finally(unwatch);
    return { subscriber, done };
  }

  #inbound(streamId: string, connectionId: string): Inbound {
    const known = this.#inbounds.get(streamId);
    if (known !== undefined && !known.closed) return known;
    const inbound = new Inbound((subscription, rtc) => {
      this.send({ type: "rtc", to: connectionId, streamId, subscription, rtc });
    });
    this.#inbounds.set(streamId, inbound);
    return inbound;
  }

  async #signal(signal: { type?: string; data?: string; to?: Connection }): Promise<void> {
    const id = this.#nextSignal++;
    const result = Promise.withResolvers<string | null>();
    this.#signals.set(id, result.resolve);
    try {
      const sent = this.send({
        type: "signal",
        id,
        signalType: signal.type ?? "",
        data: signal.data ?? "",
        to: signal.to?.connectionId ?? null,
      });
      if (!sent) throw new ClientError("OT_NOT_CONNECTED", "Send a signal: not connected");
      const error = await deadline(result.promise, signalTimeoutMs, "Send a signal: no answer");
      if (error !== null) {
        throw new ClientError("OT_UNEXPECTED_SERVER_RESPONSE", `Send a signal: ${error}`);
      }
    } finally {
      this.#signals.delete(id);
    }
  }

  #receive(message: ServerMessage): void {
    switch (message.type) {
      case "connection-created":
        return this.#addConnection(message.connection, true);
      case "connection-destroyed":
        return this.#removeConnection(message.connectionId, message.reason);
      case "stream-created":
        return this.#addStream(message.stream);
      case "stream-changed": {
        const stream = this.streams.get(message.stream.id);
        if (stream !== undefined && !this.#published.has(message.stream.id)) {
          this.#changeStream(stream, message.stream);
        }
        return;
      }
      case "stream-destroyed": {
        const stream = this.streams.get(message.streamId);
        if (this.#published.has(message.streamId)) {
          this.#endPublished(message.streamId, message.reason);
        } else if (stream !== undefined) this.#removeStream(stream, message.reason);
        return;
      }
      case "signal":
        return this.#takeSignal(message);
      case "signal-result":
        return this.#signals.get(message.id)?.(message.error);
      case "rtc": {
        const { from, streamId, subscription, rtc } = message;
        const own = this.#published.get(streamId);
        if (own !== undefined) own.outbound.receive(from, subscription, rtc);
        else this.#inbounds.get(streamId)?.receive(subscription, rtc);
        return;
      }
      case "archive":
        return this.#changeArchive(message.archive);
      case "record":
        return recorder.start(this, {
          ...message,
          uploadUrl: new URL(message.uploadUrl, this.apiUrl).href,
        });
      case "stop-recording":
        return recorder.stop(message.archiveId);
      case "error":
        for (const { confirmed } of this.#published.values()) {
          confirmed.reject(new ClientError("OT_STREAM_CREATE_FAILED", message.message));
        }
        return;
    }
  }

  #takeSignal(message: Extract<ServerMessage, { type: "signal" }>): void {
    const from = message.from === null ? null : this.connections.get(message.from) ?? null;
    const type = message.signalType === "" ? "signal" : `signal:${message.signalType}`;
    const fields = { type, data: message.data, from };
    if (type !== "signal") this.emit(type, fields);
    this.emit("signal", fields);
  }

  #addConnection(wire: WireConnection, announce = true): void {
    if (this.connections.has(wire.id)) return;
    const connection = toConnection(wire);
    this.connections.set(wire.id, connection);
    if (announce) this.emit("connectionCreated", { connection });
  }

  #removeConnection(connectionId: string, reason: string): void {
    const connection = this.connections.get(connectionId);
    if (connection === undefined) return;
    this.connections.delete(connectionId);
    this.emit("connectionDestroyed", { connection, reason });
  }

  #addStream(wire: WireStream): void {
    if (this.streams.has(wire.id)) return;
    const connection = this.connections.get(wire.connectionId);
    if (connection === undefined) return;
    const stream = toStream(wire, connection);
    this.streams.set(wire.id, stream);
    this.#sources.set(wire.id, wire.source);
    const published = this.#published.get(wire.id);
    if (published === undefined) this.emit("streamCreated", { stream });
    else {
      published.publisher.stream = stream;
      published.confirmed.resolve();
      published.publisher.emit("streamCreated", { stream });
    }
    recorder.sessionChanged(this);
  }

  #changeStream(
    stream: Stream,
    next: { hasAudio: boolean; hasVideo: boolean; width: number; height: number },
  ): void {
    const tell = (changedProperty: string, oldValue: unknown, newValue: unknown) =>
      this.emit("streamPropertyChanged", { stream, changedProperty, oldValue, newValue });
    for (const property of ["hasAudio", "hasVideo"] as const) {
      const oldValue = stream[property];
      if (oldValue === next[property]) continue;
      stream[property] = next[property];
      tell(property, oldValue, next[property]);
    }
    const { width, height } = next;
    const old = stream.videoDimensions;
    if (old.width !== width || old.height !== height) {
      stream.videoDimensions = { width, height };
      tell("videoDimensions", old, stream.videoDimensions);
    }
    recorder.sessionChanged(this);
  }

  #removeStream(stream: Stream, reason: string): void {
    const { streamId } = stream;
    this.streams.delete(streamId);
    this.#sources.delete(streamId);
    this.#inbounds.get(streamId)?.close();
    this.#inbounds.delete(streamId);
    recorder.sessionChanged(this);
    const event = this.emit("streamDestroyed", { stream, reason }, true);
    if (event.isDefaultPrevented()) return;
    for (const subscriber of this.getSubscribersForStream(stream)) {
      this.#subscribers.delete(subscriber);
      subscriber.end(reason);
    }
  }

  #endPublished(streamId: string, reason: string): void {
    const published = this.#published.get(streamId);
    if (published === undefined) return;
    const { publisher, outbound, confirmed } = published;
    this.#published.delete(streamId);
    const stream = this.streams.get(streamId);
    this.streams.delete(streamId);
    this.#sources.delete(streamId);
    outbound.close();
    confirmed.reject(new ClientError("OT_STREAM_CREATE_FAILED", `Publish: ended (${reason})`));
    confirmed.promise.catch(() => {}); // already settled, or nobody waits any more
    publisher.session = undefined;
    publisher.stream = undefined;
    recorder.sessionChanged(this);
    if (stream === undefined) return;
    const event = publisher.emit("streamDestroyed", { stream, reason }, true);
    if (!event.isDefaultPrevented()) publisher.destroy();
  }

  #changeArchive(archive: { id: string; name: string; status: string }): void {
    const running = archive.status !== "stopped";
    if (running === this.#archives.has(archive.id)) return;
    if (running) this.#archives.add(archive.id);
    else this.#archives.delete(archive.id);
    this.emit(running ? "archiveStarted" : "archiveStopped", {
      id: archive.id,
      name: archive.name,
    });
  }

  #clear(reason: string): void {
    for (const streamId of [...this.#published.keys()]) this.#endPublished(streamId, reason);
    for (const stream of [...this.streams.values()]) this.#removeStream(stream, reason);
    for (const [subscriber] of [...this.#subscribers]) subscriber.end(reason);
    this.#subscribers.clear();
    this.#inbounds.clear();
    this.connections.clear();
    this.#archives.clear();
    for (const done of this.#signals.values()) done("the session was disconnected");
    this.connection = undefined;
  }
}

function toConnection(wire: WireConnection): Connection {
  return { connectionId: wire.id, creationTime: wire.creationTime, data: wire.data };
}

function toStream(wire: WireStream, connection: Connection): Stream {
  return {
    connection,
    creationTime: wire.creationTime,
    frameRate: 30,
    hasAudio: wire.hasAudio,
    hasCaptions: false,
    hasVideo: wire.hasVideo,
    initials: "",
    name: wire.name,
    streamId: wire.id,
    videoDimensions: { width: wire.width, height: wire.height },
    videoType: wire.videoType,
  };
}

/** Bounds a wait. */
function deadline<T>(promise: Promise<T>, limitMs: number, message: string): Promise<T> {
  const timer = Promise.withResolvers<never>();
  const timeout = setTimeout(
    () => timer.reject(new ClientError("OT_TIMEOUT", `${message} in ${limitMs / 1000} s`)),
    limitMs,
  );
  return Promise.race([promise, timer.promise]).finally(() => clearTimeout(timeout));
}
