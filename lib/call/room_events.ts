/**
 * The state of a room's recording in this page: one event stream a room, shared by every island that
 * asks, with polling where the stream does not get through. Nothing happens until somebody asks.
 */
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { readRoom, roomEventsPath } from "../api/client.ts";
import { type RoomView, roomViewSchema } from "../recording/views.ts";

/** The server sends at least every 15 s: silence for longer means a dead connection. */
const SILENCE_MS = 25_000;
const POLL_MS = 3_000;
const REOPEN_MS = 10_000;

/** What an island sees of its room. Give it back with `release`. */
export interface RoomWatch {
  /** The newest state, or null before the first one came. */
  readonly view: ReadonlySignal<RoomView | null>;
  /** `live`: the stream is up; `polling`: asking every few seconds; `lost`: the server is silent. */
  readonly link: ReadonlySignal<"connecting" | "live" | "polling" | "lost">;
  /** How far the server's clock is ahead of this one, ms. */
  readonly clockAheadMs: ReadonlySignal<number>;
  /** How many people this page's own call shows, itself included; 0 while it is not in the call. */
  readonly here: Signal<number>;
  /** Puts a view that another answer brought along in place, unless it is older. */
  offer(view: RoomView): void;
  release(): void;
}

const feeds = new Map<string, Feed>();

/** Watches a room. The connection is made for the first watcher and closed after the last. */
export function watchRoom(room: string): RoomWatch {
  let feed = feeds.get(room);
  if (!feed) {
    feed = new Feed(room);
    feeds.set(room, feed);
  }
  const shared = feed;
  shared.watchers++;
  let released = false;
  return {
    view: shared.view,
    link: shared.link,
    clockAheadMs: shared.clockAheadMs,
    here: shared.here,
    offer: (view) => {
      // An answer may be overtaken by the stream.
      if (view.nowMs >= (shared.view.peek()?.nowMs ?? 0)) shared.take(view);
    },
    release() {
      if (released) return;
      released = true;
      shared.watchers--;
      if (shared.watchers > 0) return;
      feeds.delete(room);
      shared.close();
    },
  };
}

class Feed {
  readonly view = signal<RoomView | null>(null);
  readonly link = signal<"connecting" | "live" | "polling" | "lost">("connecting");
  readonly clockAheadMs = signal(0);
  readonly here = signal(0);
  watchers = 0;
  readonly #room: string;
  #source: EventSource | null = null;
  #lastAtMs = 0;
  #openedAtMs = 0;
  #polling = false;
  #closed = false;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #wake = () => {
    if (document.visibilityState === "visible") this.#tend();
  };

  constructor(room: string) {
    this.#room = room;
    this.#open();
    this.#timer = setInterval(() => this.#tend(), POLL_MS);
    addEventListener("online", this.#wake);
    document.addEventListener("visibilitychange", this.#wake);
  }

  take(view: RoomView): void {
    this.clockAheadMs.value = view.nowMs - Date.now();
    this.view.value = view;
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#source?.close();
    removeEventListener("online", this.#wake);
    document.removeEventListener("visibilitychange", this.#wake);
  }

  #open(): void {
    this.#source?.close();
    this.#openedAtMs = Date.now();
    const source = new EventSource(roomEventsPath(this.#room));
    this.#source = source;
    source.onmessage = (event) => {
      if (this.#read(event.data)) this.link.value = "live";
    };
  }

  /** Every few seconds: is the stream alive? If not, ask; now and then, open it anew. */
  #tend(): void {
    const nowMs = Date.now();
    const silentMs = nowMs - Math.max(this.#lastAtMs, this.#openedAtMs);
    const broken = this.#source?.readyState !== EventSource.OPEN;
    if (!broken && silentMs < SILENCE_MS) return;
    this.#poll();
    if (nowMs - this.#openedAtMs >= REOPEN_MS) this.#open();
  }

  async #poll(): Promise<void> {
    if (this.#polling) return;
    this.#polling = true;
    try {
      const view = await readRoom(this.#room);
      if (this.#closed) return;
      this.#heard(view);
      // A server that was away and answers again has a stream again.
      if (this.link.peek() === "lost") this.#open();
      this.link.value = "polling";
    } catch {
      // Offline, refused, or the server is away: said by `link`, tried again by the next tick.
      if (!this.#closed) this.link.value = "lost";
    } finally {
      this.#polling = false;
    }
  }

  #heard(view: RoomView): void {
    this.#lastAtMs = Date.now();
    this.take(view);
  }

  #read(text: string): boolean {
    if (this.#closed) return false;
    try {
      const parsed = roomViewSchema.safeParse(JSON.parse(text));
      if (parsed.success) this.#heard(parsed.data);
      return parsed.success;
    } catch {
      // Not JSON: a proxy's page, for instance. Treated like silence.
      return false;
    }
  }
}
