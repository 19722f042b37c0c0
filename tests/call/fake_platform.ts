/** A platform in memory behind the client's interface: answers as told, remembers what was asked. */
import type { Client } from "../../lib/call/client.ts";
import type { Source } from "../../lib/call/lane.ts";

/** How a call is answered: well, never, or with the error of this name. */
export type Answer = "ok" | "never" | `OT_${string}`;
type Done = (error?: { name: string; message: string }) => void;
type Handler = (event: never) => void;

function answer(how: Answer | undefined, done: Done | undefined, well: () => void): void {
  if (how === "never") return;
  queueMicrotask(() => {
    if (how && how !== "ok") return done?.({ name: how, message: how });
    well();
    done?.();
  });
}

class Emitter {
  readonly handlers = new Map<string, Set<Handler>>();
  on(name: string, handler: Handler): void {
    this.handlers.set(name, (this.handlers.get(name) ?? new Set()).add(handler));
  }
  off(name: string, handler: Handler): void {
    this.handlers.get(name)?.delete(handler);
  }
  emit(name: string, event: object): void {
    for (const handler of [...this.handlers.get(name) ?? []]) handler(event as never);
  }
  get handlerCount(): number {
    return [...this.handlers.values()].reduce((sum, set) => sum + set.size, 0);
  }
}

/** A camera or microphone. */
export class FakeTrack {
  readonly clones: FakeTrack[] = [];
  stopped = false;
  constructor(readonly kind: "audio" | "video") {}
  clone(): FakeTrack {
    const clone = new FakeTrack(this.kind);
    this.clones.push(clone);
    return clone;
  }
  stop(): void {
    this.stopped = true;
  }
}

/** What is sent on one session. */
export class FakePublisher extends Emitter {
  destroyed = false;
  audio: boolean;
  video: boolean;
  constructor(
    readonly given: { publishAudio: boolean; publishVideo: boolean; videoSource: unknown },
  ) {
    super();
    this.audio = given.publishAudio;
    this.video = given.publishVideo;
  }
  publishAudio(on: boolean): void {
    this.audio = on;
  }
  publishVideo(on: boolean): void {
    this.video = on;
  }
  destroy(): void {
    this.destroyed = true;
  }
}

/** A stream as the platform describes it. */
export function fakeStream(id: string, name: string) {
  const connection = { connectionId: `c-${id}`, creationTime: 0, data: "" };
  return { streamId: id, name, hasAudio: true, hasVideo: true, connection };
}

/** One session; the same object for the same id, as with OpenTok.js. */
export class FakeSession extends Emitter {
  readonly connectAnswers: Answer[] = [];
  readonly publishAnswers: Answer[] = [];
  readonly subscribeAnswers: Answer[] = [];
  readonly published = new Set<FakePublisher>();
  readonly tokens: string[] = [];
  connected = false;
  subscriptions = 0;
  unsubscriptions = 0;
  connection = { connectionId: "me", creationTime: 0, data: "" };
  #attempt = 0;
  connect(token: string, done: Done): void {
    this.tokens.push(token);
    const attempt = ++this.#attempt;
    answer(this.connectAnswers.shift(), done, () => this.connected = attempt === this.#attempt);
  }
  /** Breaks an attempt to connect off, as the platform's does. */
  disconnect(): Promise<void> {
    this.#attempt++;
    this.connected = false;
    this.published.clear();
    return Promise.resolve();
  }
  publish(publisher: FakePublisher, done: Done): void {
    answer(this.publishAnswers.shift(), done, () => {
      this.published.add(publisher);
      this.#published?.();
    });
  }
  #published: (() => void) | null = null;
  /** Resolves when something is published from now on. */
  nextPublish(): Promise<void> {
    return new Promise((resolve) => this.#published = resolve);
  }
  unpublish(publisher: FakePublisher): void {
    this.published.delete(publisher);
  }
  subscribe(_stream: unknown, _target: unknown, _options: unknown, done: Done): Emitter {
    this.subscriptions++;
    answer(this.subscribeAnswers.shift(), done, () => {});
    return new Emitter();
  }
  unsubscribe(): void {
    this.unsubscriptions++;
  }
  /** The line drops, as the platform tells it. */
  drop(reason: string): void {
    this.connected = false;
    this.published.clear();
    this.emit("sessionDisconnected", { reason });
  }
}

/** The platform and a person's devices. */
export class FakePlatform {
  readonly sessions = new Map<string, FakeSession>();
  readonly microphone = new FakeTrack("audio");
  readonly camera = new FakeTrack("video");

  session(id: "primary" | "secondary"): FakeSession {
    const session = this.sessions.get(id) ?? new FakeSession();
    this.sessions.set(id, session);
    return session;
  }

  get client(): Client {
    const client = {
      initSession: (_key: string, id: "primary" | "secondary") => this.session(id),
      initPublisher: (_target: unknown, given: FakePublisher["given"], done: Done) => {
        queueMicrotask(() => done());
        return new FakePublisher(given);
      },
    };
    return client as unknown as Client;
  }

  /** Sends microphone and camera. */
  get source(): Source {
    return {
      name: "Ada",
      microphone: this.microphone as unknown as MediaStreamTrack,
      camera: this.camera as unknown as MediaStreamTrack,
      microphoneOn: true,
      cameraOn: true,
    };
  }
}
