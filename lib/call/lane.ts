/** One session of a room as this browser uses it: connected, publishing, and left without a trace. */
import { type ReadonlySignal, signal } from "@preact/signals";
import type { Client, Publisher, Session } from "./client.ts";
import { type Limit, withDeadline } from "./deadline.ts";
import { CallError } from "./errors.ts";
import type { StreamMedia } from "./recorder.ts";

/** How long the platform may take, ms. Its own limits are longer or missing. */
export interface LaneLimits {
  /** For each attempt to connect. */
  connectMs: readonly number[];
  publishMs: number;
  subscribeMs: number;
}
/**
 * Limits for the call itself, where each step takes a second at most if nothing is wrong. The second
 * attempt is the patient one: browsers hold a request back for 20 s behind a same one that hangs.
 */
export const LANE_LIMITS: LaneLimits = {
  connectMs: [8_000, 24_000],
  publishMs: 20_000,
  subscribeMs: 15_000,
};
/** Limits for the n-th attempt on the second session, from 1: wanted for seconds, so say early what fails. */
export function secondaryLimits(attempt: number): LaneLimits {
  return { ...LANE_LIMITS, connectMs: [attempt === 1 ? 6_000 : 24_000], publishMs: 10_000 };
}
/** How long to wait for the answer to a disconnect, ms. */
const DISCONNECT_MS = 3_000;

/** What this person sends. The tracks stay the caller's; every lane sends clones of them. */
export interface Source {
  name: string;
  microphone: MediaStreamTrack | null;
  camera: MediaStreamTrack | null;
  microphoneOn: boolean;
  cameraOn: boolean;
}

/** What is sent on one lane: a publisher and the clones it was given. */
interface Sending {
  publisher: Publisher;
  tracks: MediaStreamTrack[];
}

/** One session, from connecting to leaving. Make a new one to join again. */
export class Lane {
  readonly session: Session;
  readonly #media = signal<StreamMedia | null>(null);
  /** The stream that is sent, with its tracks; null while nothing is. */
  readonly media: ReadonlySignal<StreamMedia | null> = this.#media;
  #sending: Sending | null = null;
  #source: Source | null = null;
  #changes: Promise<void> = Promise.resolve();
  readonly #closing = new AbortController();
  #left: Promise<void> | null = null;
  #offs: (() => void)[] = [];

  constructor(
    readonly client: Client,
    apiKey: string,
    readonly entry: { sessionId: string; token: string },
    readonly limits: LaneLimits = LANE_LIMITS,
  ) {
    this.session = client.initSession(apiKey, entry.sessionId);
  }

  /** Runs `off` when the lane closes: the platform keeps one session object, with its handlers, per id. */
  onClose(off: () => void): void {
    this.#offs.push(off);
  }

  /** Enters the session. An attempt that gets no answer is broken off, and made again as limited. */
  async connect(): Promise<void> {
    for (const [n, ms] of this.limits.connectMs.entries()) {
      try {
        return await this.#connectOnce(ms);
      } catch (error) {
        const last = n === this.limits.connectMs.length - 1;
        if (last || this.#closed || !(error instanceof CallError)) throw error;
        await this.#disconnect();
      }
    }
  }

  /**
   * Sends `source`, or nothing when it has neither microphone nor camera. What was sent before is
   * taken down only when the new stream is up, so that a recording misses nothing of a change, and
   * stays when the new one fails. One change after the other.
   */
  publish(source: Source): Promise<void> {
    const change = this.#changes.then(async () => {
      const next = source.microphone || source.camera ? await this.#publish(source) : null;
      this.#takeDown(this.#sending);
      this.#sending = next;
      this.#source = source;
      const streamId = next?.publisher.stream?.streamId;
      this.#media.value = next && streamId ? { streamId, tracks: next.tracks } : null;
      if (!this.#closed) return;
      this.#takeDown(next);
      this.#sending = null;
    });
    this.#changes = change.catch(() => undefined);
    return change;
  }

  /** Whether these are the tracks that are sent already. */
  sends(source: Source): boolean {
    const sent = this.#source;
    return sent?.camera === source.camera && sent.microphone === source.microphone;
  }

  /** Mutes or unmutes what is sent, without a new stream. */
  setSending(on: { microphoneOn: boolean; cameraOn: boolean }): void {
    this.#sending?.publisher.publishAudio(on.microphoneOn);
    this.#sending?.publisher.publishVideo(on.cameraOn);
  }

  /**
   * Stops sending, leaves the session, removes every handler, ends every wait. Safe to call twice;
   * what the platform answers to it changes nothing.
   */
  close(): Promise<void> {
    return this.#left ??= this.#leave().catch(() => undefined);
  }

  async #leave(): Promise<void> {
    this.#closing.abort();
    for (const off of this.#offs.splice(0)) off();
    this.#media.value = null;
    this.#takeDown(this.#sending);
    this.#sending = null;
    await this.#disconnect();
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Disconnecting may never answer or fail; the platform drops silent connections by itself. */
  async #disconnect(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise<void>((resolve) => timer = setTimeout(resolve, DISCONNECT_MS));
    await Promise.race([this.session.disconnect(), patience]).catch(() => undefined);
    clearTimeout(timer);
  }

  async #connectOnce(ms: number): Promise<void> {
    await withDeadline(
      this.#limit("Joining the call", ms),
      (done) => this.session.connect(this.entry.token, done),
    );
  }

  #limit(action: string, ms: number): Limit {
    return { action, ms, signal: this.#closing.signal };
  }

  async #publish(source: Source): Promise<Sending> {
    const microphone = source.microphone?.clone();
    const camera = source.camera?.clone();
    const tracks = [microphone, camera].filter((track) => track !== undefined);
    let publisher: Publisher | null = null;
    try {
      publisher = await withDeadline(
        this.#limit("Preparing sound and picture", this.limits.publishMs),
        (done) =>
          this.client.initPublisher(undefined, {
            insertDefaultUI: false,
            name: source.name,
            audioSource: microphone ?? false,
            videoSource: camera ?? false,
            publishAudio: source.microphoneOn && microphone !== undefined,
            publishVideo: source.cameraOn && camera !== undefined,
            // We choose the devices; the client must not swap them behind the clones' back.
            disableAudioInputDeviceManagement: true,
          }, done),
      );
      const ready = publisher;
      await withDeadline(
        this.#limit("Sending sound and picture", this.limits.publishMs),
        (done) => this.session.publish(ready, done),
      );
      return { publisher, tracks };
    } catch (error) {
      this.#takeDown(publisher && { publisher, tracks });
      for (const track of tracks) track.stop();
      throw error;
    }
  }

  #takeDown(sending: Sending | null): void {
    if (!sending) return;
    this.session.unpublish(sending.publisher);
    sending.publisher.destroy();
    for (const track of sending.tracks) track.stop();
  }
}
