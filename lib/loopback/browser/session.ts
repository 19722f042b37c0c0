/** A session with the interface of OpenTok.js's: one client's way in, out and back in. */
import type OT from "@opentok/client";
import type { ClientMessage, ServerMessage } from "../protocol.ts";
import { Emitter } from "./emitter.ts";
import { ClientError, clientError } from "./errors.ts";
import { Line } from "./line.ts";
import { settle, withPromise } from "./promise.ts";
import { Publisher } from "./publisher.ts";
import { Publishing } from "./publishing.ts";
import { recorder } from "./recorder.ts";
import type { RecordedStream, RecordingSession } from "./recorder.ts";
import { warmUpWorkers } from "./recorder_worker.ts";
import { type Connection, Roster, type Stream } from "./roster.ts";
import { Signals } from "./signals.ts";
import type { Subscriber } from "./subscriber.ts";
import { Subscribing } from "./subscribing.ts";
import type { Welcome } from "./wire.ts";

/** How long a recording may still be written after leaving, ms. */
const farewellMs = 3_000;

/** A session, as far as a call needs it. */
export class Session extends Emitter implements RecordingSession {
  /** What the token allows, in OpenTok.js's form; the platform refuses the rest. */
  readonly capabilities = {
    forceDisconnect: 0,
    forceUnpublish: 0,
    forceMute: 0,
    publish: 1,
    subscribe: 1,
  };
  /** This client's own connection. */
  connection: Connection | undefined;
  readonly #roster: Roster = new Roster({
    emit: (type, fields) => void this.emit(type, fields),
    own: (stream) => this.#publishing.confirm(stream),
    gone: (stream, reason) => this.#streamGone(stream, reason),
    changed: () => recorder.sessionChanged(this),
  });
  readonly #publishing: Publishing = new Publishing(this.#roster, (message) => this.send(message));
  readonly #subscribing = new Subscribing(this.#roster, (message) => this.send(message));
  readonly #signals = new Signals((message) => this.send(message));
  readonly #line: Line;

  constructor(readonly apiUrl: URL, readonly sessionId: string) {
    super();
    this.#line = new Line(apiUrl, {
      receive: (message) => this.#receive(message),
      interrupted: () => {
        this.#signals.failAll("the connection was lost");
        this.emit("sessionReconnecting");
      },
      restored: (welcome) => this.#reenter(welcome),
      ended: (reason) => this.#expelled(reason),
    });
  }

  /** Everybody in the session. */
  get connections(): ReadonlyMap<string, Connection> {
    return this.#roster.connections;
  }

  /** Everything published to the session. */
  get streams(): ReadonlyMap<string, Stream> {
    return this.#roster.streams;
  }

  /** True while connected, or trying to be again. */
  isConnected(): boolean {
    return this.#line.isUp;
  }

  /** Enters the session; the callback gets no error when it worked. */
  readonly connect = withPromise((token: string, callback?: (error?: Error) => void) => {
    settle(this.#connect(token), callback);
    return this;
  }, (token: string) => this.#connect(token).then(() => this));

  /** Publishes a publisher made with `initPublisher`. */
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
    const { subscriber, done } = this.#subscribing.subscribe(stream, target, properties);
    settle(done, callback);
    return subscriber;
  }, (stream: Stream, target?: HTMLElement | string, properties: OT.SubscriberProperties = {}) => {
    const { subscriber, done } = this.#subscribing.subscribe(stream, target, properties);
    return done.then(() => subscriber);
  });

  /** Ends the publisher's stream. Unless its `streamDestroyed` is prevented, it is destroyed too. */
  unpublish(publisher: Publisher): void {
    for (const streamId of this.#publishing.streamIds(publisher)) {
      this.send({ type: "unpublish", streamId });
      this.#publishing.end(streamId, "clientDisconnected");
    }
  }

  /** Ends a subscription. */
  unsubscribe(subscriber: Subscriber): void {
    this.#subscribing.unsubscribe(subscriber);
  }

  /** Sends a signal to everybody (the sender too) or to one connection. */
  signal(
    signal: { type?: string; data?: string; to?: Connection },
    callback?: (error?: Error) => void,
  ): Promise<void> {
    const { type = "", data = "", to } = signal;
    const sent = this.#signals.add(type, data, to?.connectionId ?? null);
    settle(sent, callback);
    return sent;
  }

  /** Leaves the session. A recording that this page makes of it is finished first, for up to 3 s. */
  async disconnect(): Promise<void> {
    const wasIn = this.isConnected();
    const wire = this.#line.close();
    if (!wasIn) return;
    const farewell = recorder.leave(this, farewellMs, (message) => wire?.send(message) ?? false);
    for (const streamId of this.#publishing.streamIds()) {
      wire?.send({ type: "unpublish", streamId });
    }
    this.#clear("clientDisconnected");
    this.emit("sessionDisconnected", { reason: "clientDisconnected" }, true);
    await farewell;
    wire?.close();
  }

  /** The subscribers of a stream. */
  getSubscribersForStream(stream: Stream): Subscriber[] {
    return this.#subscribing.of(stream.streamId);
  }

  /** The publisher of one of this client's own streams. */
  getPublisherForStream(stream: Stream): Publisher | undefined {
    return this.#publishing.publisher(stream.streamId);
  }

  /** A publisher sends something else now; tells the session. */
  publisherChanged(publisher: Publisher): void {
    this.#publishing.changed(publisher);
  }

  /** Sends another track in the place of one that a publisher sends. */
  replaceTrack(
    publisher: Publisher,
    old: MediaStreamTrack,
    track: MediaStreamTrack,
  ): Promise<void> {
    return this.#publishing.replaceTrack(publisher, old, track);
  }

  /** Sends a message to the platform; false while there is no socket. */
  send(message: ClientMessage): boolean {
    return this.#line.send(message);
  }

  /** What a recorder of this session must record. */
  recordedStreams(): RecordedStream[] {
    return [...this.streams.values()].map(({ streamId, name, hasAudio, hasVideo }) => ({
      streamId,
      source: this.#roster.sources.get(streamId) || streamId,
      name,
      hasAudio,
      hasVideo,
      local: this.#publishing.publisher(streamId)?.media.getTracks() ?? null,
      inbound: () => this.#subscribing.inbound(streamId),
      feed: (take) => this.#subscribing.feed(streamId, take),
    }));
  }

  async #connect(token: string): Promise<void> {
    if (!this.#line.isClosed) return;
    try {
      const welcome = await this.#line.open(token);
      this.connection = this.#roster.enter(welcome.connection);
      this.emit("sessionConnected");
      this.#roster.welcome(welcome, new Set());
    } catch (error) {
      throw clientError(error, "OT_CONNECT_FAILED");
    }
  }

  /** Goes on with a new socket: publishes again, and records on. */
  #reenter(welcome: Welcome): void {
    this.connection = this.#roster.enter(welcome.connection);
    this.emit("sessionReconnected");
    this.#roster.welcome(welcome, new Set(this.#publishing.streamIds()));
    this.#publishing.republish(this.connection);
    recorder.resume(this);
  }

  #expelled(reason: string): void {
    void recorder.leave(this, farewellMs, () => false);
    this.#clear(reason);
    this.emit("sessionDisconnected", { reason }, true);
  }

  #clear(reason: string): void {
    for (const streamId of this.#publishing.streamIds()) this.#publishing.end(streamId, reason);
    this.#roster.clear(reason);
    this.#signals.failAll("the session was disconnected");
    this.connection = undefined;
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
    // Whoever publishes may be chosen to record.
    warmUpWorkers();
    try {
      await this.#publishing.publish(publisher);
    } catch (error) {
      publisher.session = undefined;
      throw error;
    }
  }

  #receive(message: ServerMessage): void {
    switch (message.type) {
      case "connection-created":
        return this.#roster.addConnection(message.connection);
      case "connection-destroyed":
        return this.#roster.removeConnection(message.connectionId, message.reason);
      case "stream-created":
        return this.#roster.addStream(message.stream);
      case "stream-changed":
        // What this client sends itself, it knows better than an echo.
        if (this.#publishing.publisher(message.stream.id) !== undefined) return;
        return this.#roster.changeStream(message.stream.id, message.stream);
      case "stream-destroyed":
        if (this.#publishing.publisher(message.streamId) === undefined) {
          return this.#roster.removeStream(message.streamId, message.reason);
        }
        return this.#publishing.end(message.streamId, message.reason);
      case "signal":
        return this.#takeSignal(message);
      case "signal-result":
        return this.#signals.answered(message.id, message.error);
      case "rtc": {
        const { from, streamId, subscription, rtc } = message;
        if (this.#publishing.receive(from, streamId, subscription, rtc)) return;
        return this.#subscribing.receive(streamId, subscription, rtc);
      }
      case "archive":
        return this.#roster.changeArchive(message.archive);
      case "record":
        return recorder.start(this, {
          ...message,
          uploadUrl: new URL(message.uploadUrl, this.apiUrl).href,
        });
      case "stop-recording":
        return recorder.stop(message.archiveId);
      case "error":
        return this.#publishing.refuse(message.message);
    }
  }

  #takeSignal(message: Extract<ServerMessage, { type: "signal" }>): void {
    const from = message.from === null ? null : this.connections.get(message.from) ?? null;
    const type = message.signalType === "" ? "signal" : `signal:${message.signalType}`;
    const fields = { type, data: message.data, from };
    if (type !== "signal") this.emit(type, fields);
    this.emit("signal", fields);
  }

  #streamGone(stream: Stream, reason: string): void {
    this.#subscribing.closeMedia(stream.streamId);
    const event = this.emit("streamDestroyed", { stream, reason }, true);
    if (!event.isDefaultPrevented()) this.#subscribing.end(stream.streamId, reason);
  }
}
