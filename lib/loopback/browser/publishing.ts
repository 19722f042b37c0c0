/** What one client publishes to a session, and how it reaches the others. */
import type { ClientMessage, WireRtc } from "../protocol.ts";
import { ClientError, clientError } from "./errors.ts";
import { Outbound } from "./outbound.ts";
import { deadline } from "./promise.ts";
import { Publisher } from "./publisher.ts";
import type { Connection, Roster, Stream } from "./roster.ts";

/** Longest wait for the platform to confirm a stream, ms (OpenTok.js: 15 s). */
const publishTimeoutMs = 15_000;

interface Published {
  publisher: Publisher;
  outbound: Outbound;
  confirmed: PromiseWithResolvers<void>;
}

/** The streams of this client. */
export class Publishing {
  readonly #published = new Map<string, Published>();

  constructor(
    private readonly roster: Roster,
    private readonly send: (message: ClientMessage) => boolean,
  ) {}

  /** Publishes what a publisher captures; resolves when the platform confirms. Throws ClientError. */
  async publish(publisher: Publisher): Promise<void> {
    const streamId = crypto.randomUUID();
    try {
      await publisher.ready;
      const confirmed = Promise.withResolvers<void>();
      confirmed.promise.catch(() => {}); // whoever waits is told below; later, nobody does
      const outbound = new Outbound(
        () => publisher.media.getTracks(),
        (to, subscription, rtc) => {
          const id = publisher.stream?.streamId ?? streamId;
          this.send({ type: "rtc", to, streamId: id, subscription, rtc });
        },
      );
      this.#published.set(streamId, { publisher, outbound, confirmed });
      if (!this.send({ type: "publish", stream: publisher.describe(streamId) })) {
        throw new ClientError("OT_NOT_CONNECTED", "Publish: not connected");
      }
      await deadline(confirmed.promise, publishTimeoutMs, "Publish: no answer");
    } catch (error) {
      this.#published.get(streamId)?.outbound.close();
      this.#published.delete(streamId);
      throw clientError(error, "OT_STREAM_CREATE_FAILED");
    }
  }

  /** The publisher of one of this client's streams. */
  publisher(streamId: string): Publisher | undefined {
    return this.#published.get(streamId)?.publisher;
  }

  /** The streams of one publisher, or all. */
  streamIds(publisher?: Publisher): string[] {
    return [...this.#published].flatMap(([streamId, published]) =>
      publisher === undefined || published.publisher === publisher ? [streamId] : []
    );
  }

  /** The platform confirms a stream; false if it is not of this client. */
  confirm(stream: Stream): boolean {
    const published = this.#published.get(stream.streamId);
    if (published === undefined) return false;
    published.publisher.stream = stream;
    published.confirmed.resolve();
    published.publisher.emit("streamCreated", { stream });
    return true;
  }

  /** The platform refuses something; whatever waits for its word fails. */
  refuse(message: string): void {
    for (const { confirmed } of this.#published.values()) {
      confirmed.reject(new ClientError("OT_STREAM_CREATE_FAILED", message));
    }
  }

  /** Tells the session what a publisher sends now. */
  changed(publisher: Publisher): void {
    for (const streamId of this.streamIds(publisher)) {
      this.#published.get(streamId)?.outbound.tracksChanged();
      const { hasAudio, hasVideo, width, height } = publisher.describe(streamId);
      this.roster.changeStream(streamId, { hasAudio, hasVideo, width, height });
      this.send({ type: "stream-changed", streamId, hasAudio, hasVideo, width, height });
    }
  }

  /** Sends another track in the place of one. */
  async replaceTrack(
    publisher: Publisher,
    old: MediaStreamTrack,
    track: MediaStreamTrack,
  ): Promise<void> {
    for (const published of this.#published.values()) {
      if (published.publisher === publisher) await published.outbound.replaceTrack(old, track);
    }
  }

  /** Takes one step of a negotiation; false if the stream is not of this client. */
  receive(from: string, streamId: string, subscription: string, rtc: WireRtc): boolean {
    const published = this.#published.get(streamId);
    published?.outbound.receive(from, subscription, rtc);
    return published !== undefined;
  }

  /** Publishes everything again on a new connection, under the same ids: who receives it, goes on. */
  republish(connection: Connection): void {
    for (const [streamId, { publisher }] of this.#published) {
      this.roster.moveStream(streamId, connection);
      this.send({ type: "publish", stream: publisher.describe(streamId) });
    }
  }

  /** One of this client's streams has ended; unless prevented, its publisher is destroyed. */
  end(streamId: string, reason: string): void {
    const published = this.#published.get(streamId);
    if (published === undefined) return;
    const { publisher, outbound, confirmed } = published;
    this.#published.delete(streamId);
    const stream = this.roster.withdraw(streamId);
    outbound.close();
    confirmed.reject(new ClientError("OT_STREAM_CREATE_FAILED", `Publish: ended (${reason})`));
    publisher.session = undefined;
    publisher.stream = undefined;
    if (stream === undefined) return;
    const event = publisher.emit("streamDestroyed", { stream, reason }, true);
    if (!event.isDefaultPrevented()) publisher.destroy();
  }
}
