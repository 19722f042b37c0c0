/** Everybody else in the call: who is there, what they send, and the elements that show it. */
import { type ReadonlySignal, signal } from "@preact/signals";
import * as z from "zod";
import type { Connection, Session, Stream, Subscriber } from "./client.ts";
import { withDeadline } from "./deadline.ts";
import { type Problem, toProblem } from "./errors.ts";
import type { StreamMedia } from "./recorder.ts";

/** Automatic attempts to receive one stream. After the first failure the tile offers "Retry". */
const MAX_ATTEMPTS = 3;
/** Loudness (0 to 1, as the platform reports it) above which somebody counts as speaking. */
const SPEAKING_LEVEL = 0.08;
/** How long the speaking mark stays after the last loud moment, ms. */
const SPEAKING_HOLD_MS = 700;

/** One other person in the call. */
export interface Participant {
  /** Connection id: two people may share a name. */
  id: string;
  name: string;
  /** False while they send nothing, or have muted themselves. */
  hasAudio: boolean;
  hasVideo: boolean;
  /** Plays their sound and shows their picture; null until it arrives. */
  element: HTMLElement | null;
  speaking: boolean;
  /** Why they cannot be seen, or null. */
  problem: Problem | null;
}

/** Tokens carry who somebody is; other programs may put anything there. */
const connectionDataSchema = z.object({ name: z.string().min(1) });

function nameOf(connection: Connection, stream: Stream | null): string {
  if (stream?.name) return stream.name;
  try {
    return connectionDataSchema.parse(JSON.parse(connection.data)).name;
  } catch {
    // Not ours: the plain text, if there is any.
    return connection.data?.trim().slice(0, 120) || "Guest";
  }
}

/** What is kept of one stream that is received. */
interface Receiving {
  stream: Stream;
  subscriber: Subscriber | null;
  /** What it plays; null until it arrives. */
  media: MediaStream | null;
  /** Grows with every run of attempts: an older one gives way. */
  run: number;
}

/** Follows one session and receives everybody's stream. */
export class People {
  readonly list = signal<readonly Participant[]>([]);
  readonly #media = signal<readonly StreamMedia[]>([]);
  /** The streams that are received, with their tracks. */
  readonly media: ReadonlySignal<readonly StreamMedia[]> = this.#media;
  readonly #streams = new Map<string, Receiving>();
  readonly #quiet = new Map<string, ReturnType<typeof setTimeout>>();
  #closed = false;

  constructor(readonly session: Session, readonly subscribeMs: number) {}

  /** Listens from now on; returns what undoes it. Call it before connecting. */
  follow(): () => void {
    const session = this.session;
    const connected = (event: { connection: Connection }) => this.#arrived(event.connection);
    const gone = (event: { connection: Connection }) => this.#left(event.connection);
    const created = (event: { stream: Stream }) => this.#add(event.stream);
    const destroyed = (event: { stream: Stream }) => this.#remove(event.stream);
    const changed = (event: { stream: Stream }) => this.#changed(event.stream);
    session.on("connectionCreated", connected);
    session.on("connectionDestroyed", gone);
    session.on("streamCreated", created);
    session.on("streamDestroyed", destroyed);
    session.on("streamPropertyChanged", changed);
    return () => {
      this.#closed = true;
      session.off("connectionCreated", connected);
      session.off("connectionDestroyed", gone);
      session.off("streamCreated", created);
      session.off("streamDestroyed", destroyed);
      session.off("streamPropertyChanged", changed);
      for (const timer of this.#quiet.values()) clearTimeout(timer);
      this.#streams.clear();
      this.list.value = [];
      this.#media.value = [];
    };
  }

  /** Receives a participant's stream again after it failed, at once. */
  retry(id: string): void {
    const receiving = this.#newest(id);
    if (!receiving) return;
    this.#update(id, { problem: null });
    this.#receive(receiving);
  }

  #arrived(connection: Connection): void {
    const own = this.session.connection?.connectionId;
    if (connection.connectionId === own || this.#find(connection.connectionId)) return;
    this.list.value = [...this.list.value, {
      id: connection.connectionId,
      name: nameOf(connection, null),
      hasAudio: false,
      hasVideo: false,
      element: null,
      speaking: false,
      problem: null,
    }];
  }

  #left(connection: Connection): void {
    this.list.value = this.list.value.filter((one) => one.id !== connection.connectionId);
  }

  #add(stream: Stream): void {
    this.#arrived(stream.connection);
    const receiving: Receiving = { stream, subscriber: null, media: null, run: 0 };
    this.#streams.set(stream.streamId, receiving);
    this.#changed(stream);
    this.#receive(receiving);
  }

  /** The platform takes down the subscriber of a destroyed stream by itself. */
  #remove(stream: Stream): void {
    this.#streams.delete(stream.streamId);
    this.#updateMedia();
    const id = stream.connection.connectionId;
    const other = this.#newest(id);
    if (other) {
      this.#changed(other.stream);
    } else {
      this.#update(id, { hasAudio: false, hasVideo: false, element: null, problem: null });
    }
  }

  #changed(stream: Stream): void {
    const id = stream.connection.connectionId;
    if (this.#newest(id)?.stream.streamId !== stream.streamId) return;
    const { hasAudio, hasVideo } = stream;
    this.#update(id, { hasAudio, hasVideo, name: nameOf(stream.connection, stream) });
  }

  async #receive(receiving: Receiving): Promise<void> {
    const { stream } = receiving;
    const id = stream.connection.connectionId;
    const run = ++receiving.run;
    const current = () =>
      !this.#closed && this.#streams.get(stream.streamId) === receiving && receiving.run === run;
    this.#drop(receiving);
    for (let attempt = 1; attempt <= MAX_ATTEMPTS && current(); attempt++) {
      try {
        await withDeadline(
          { action: `Showing "${nameOf(stream.connection, stream)}"`, ms: this.subscribeMs },
          (done) => {
            const subscriber = this.session.subscribe(
              stream,
              undefined,
              { insertDefaultUI: false },
              done,
            );
            receiving.subscriber = subscriber;
            this.#show(receiving, subscriber, current);
          },
        );
        if (current()) this.#update(id, { problem: null });
        return;
      } catch (error) {
        if (!current()) return;
        this.#drop(receiving);
        this.#update(id, { problem: toProblem(error), element: null });
      }
    }
  }

  #drop(receiving: Receiving): void {
    if (receiving.subscriber) this.session.unsubscribe(receiving.subscriber);
    receiving.subscriber = null;
    receiving.media = null;
    this.#updateMedia();
  }

  /** The handlers go with the subscriber, which nobody else holds. */
  #show(receiving: Receiving, subscriber: Subscriber, current: () => boolean): void {
    const id = receiving.stream.connection.connectionId;
    subscriber.on("videoElementCreated", ({ element }) => {
      if (!current()) return;
      this.#update(id, { element });
      if (!(element instanceof HTMLMediaElement)) return;
      const media = element.srcObject;
      receiving.media = media instanceof MediaStream ? media : null;
      const changed = () => this.#updateMedia();
      receiving.media?.addEventListener("addtrack", changed);
      receiving.media?.addEventListener("removetrack", changed);
      changed();
    });
    subscriber.on("audioLevelUpdated", (event) => {
      if (current() && event.audioLevel >= SPEAKING_LEVEL) this.#heard(id);
    });
  }

  #heard(id: string): void {
    clearTimeout(this.#quiet.get(id));
    this.#quiet.set(id, setTimeout(() => this.#update(id, { speaking: false }), SPEAKING_HOLD_MS));
    if (!this.#find(id)?.speaking) this.#update(id, { speaking: true });
  }

  #updateMedia(): void {
    this.#media.value = [...this.#streams.values()].flatMap(({ stream, media }) =>
      media ? [{ streamId: stream.streamId, tracks: media.getTracks() }] : []
    );
  }

  #find(id: string): Participant | undefined {
    return this.list.value.find((one) => one.id === id);
  }

  /** While somebody changes devices they have two streams for a moment: the later one counts. */
  #newest(id: string): Receiving | undefined {
    return [...this.#streams.values()].findLast((one) => one.stream.connection.connectionId === id);
  }

  #update(id: string, change: Partial<Participant>): void {
    if (!this.#find(id)) return;
    this.list.value = this.list.value.map((one) => one.id === id ? { ...one, ...change } : one);
  }
}
