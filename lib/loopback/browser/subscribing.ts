/** What one client takes of a session. */
import type OT from "@opentok/client";
import type { ClientMessage, WireRtc } from "../protocol.ts";
import { ClientError } from "./errors.ts";
import { Inbound } from "./inbound.ts";
import type { SendRtc } from "./negotiation.ts";
import { deadline } from "./promise.ts";
import type { Roster, Stream } from "./roster.ts";
import { Subscriber } from "./subscriber.ts";

/** Longest wait for a stream's media, ms (OpenTok.js: 30 s). */
const subscribeTimeoutMs = 30_000;

/** The subscriptions of this client, and the media of each stream. */
export class Subscribing {
  readonly #subscribers = new Map<Subscriber, string>();
  readonly #inbounds = new Map<string, Inbound>();
  /** What this page records of a stream. */
  readonly #feeds = new Map<string, Inbound>();

  constructor(
    private readonly roster: Roster,
    private readonly send: (message: ClientMessage) => boolean,
  ) {}

  /** Takes a stream; `done` resolves when its media is there, or throws ClientError. */
  subscribe(
    stream: Stream,
    target: HTMLElement | string | undefined,
    properties: OT.SubscriberProperties,
  ): { subscriber: Subscriber; done: Promise<void> } {
    const known = this.roster.streams.has(stream.streamId);
    const inbound = known ? this.inbound(stream.streamId) : new Inbound(() => {});
    const subscriber = new Subscriber(stream, target, properties, inbound);
    if (!known) {
      subscriber.end("streamDestroyed");
      const message = `Subscribe to the stream "${stream.streamId}": it is not there any more`;
      return { subscriber, done: Promise.reject(new ClientError("OT_STREAM_DESTROYED", message)) };
    }
    this.#subscribers.set(subscriber, stream.streamId);
    const connected = Promise.withResolvers<void>();
    const unwatch = inbound.watch((state) => {
      if (state === "media") connected.resolve();
      else if (state === "closed") {
        const message = `Subscribe to the stream "${stream.streamId}": no media came`;
        connected.reject(new ClientError("OT_CREATE_PEER_CONNECTION_FAILED", message));
      }
    });
    if (inbound.connected) {
      queueMicrotask(() => {
        subscriber.start();
        connected.resolve();
      });
    }
    const done = deadline(connected.promise, subscribeTimeoutMs, "Subscribe: no media came");
    return { subscriber, done: done.finally(unwatch) };
  }

  /** Ends a subscription. */
  unsubscribe(subscriber: Subscriber): void {
    if (this.#subscribers.delete(subscriber)) subscriber.end("unsubscribed");
  }

  /** The subscribers of a stream. */
  of(streamId: string): Subscriber[] {
    return [...this.#subscribers].flatMap(([subscriber, id]) => id === streamId ? subscriber : []);
  }

  /** The media of a stream, shared by all who take it in this page. */
  inbound(streamId: string): Inbound {
    const known = this.#inbounds.get(streamId);
    if (known !== undefined && !known.closed) return known;
    const inbound = new Inbound(this.#sender(streamId));
    this.#inbounds.set(streamId, inbound);
    return inbound;
  }

  /** A stream's feed, for the recorder: all of it, late rather than lost. */
  feed(streamId: string, take: (message: ArrayBuffer) => void): Inbound {
    const feed = new Inbound(this.#sender(streamId), take);
    this.#feeds.get(streamId)?.close();
    this.#feeds.set(streamId, feed);
    return feed;
  }

  #sender(streamId: string): SendRtc {
    return (subscription, rtc) => {
      const to = this.roster.streams.get(streamId)?.connection.connectionId;
      if (to !== undefined) this.send({ type: "rtc", to, streamId, subscription, rtc });
    };
  }

  /** Takes one step of a negotiation. */
  receive(streamId: string, subscription: string, rtc: WireRtc): void {
    this.#inbounds.get(streamId)?.receive(subscription, rtc);
    this.#feeds.get(streamId)?.receive(subscription, rtc);
  }

  /** A stream's media can never come again. */
  closeMedia(streamId: string): void {
    for (const inbounds of [this.#inbounds, this.#feeds]) {
      inbounds.get(streamId)?.close();
      inbounds.delete(streamId);
    }
  }

  /** Ends the subscriptions of a stream. */
  end(streamId: string, reason: string): void {
    for (const subscriber of this.of(streamId)) {
      this.#subscribers.delete(subscriber);
      subscriber.end(reason);
    }
  }
}
