/**
 * The pages that can record: one WebSocket each, a measured clock, and the election of the page that
 * records an archive.
 */
import { log } from "../../log.ts";
import {
  type FromRecorder,
  fromRecorderSchema,
  type RecordedStream,
  type RecordingRequest,
  type ToRecorder,
} from "../protocol.ts";
import { MessageBudget, upgradeWebSocket } from "./sockets.ts";
import { LIMITS, type Timings } from "./limits.ts";
import { participantOf, type Sessions } from "./sessions.ts";
import type { ClientIdentity, Tokens } from "./tokens.ts";

/** Codecs of a recording. */
export type Codecs = NonNullable<RecordingRequest["codecs"]>;
/** What a recorder reports about one of its recordings. */
export type Report = Extract<FromRecorder, { type: "progress" | "finished" | "failed" }>;

/** What happens to recorders. */
export interface RecorderEvents {
  /** A page can record now, or again; `recordings` are those that it says it has. */
  arrived(recorder: Recorder, recordings: { archiveId: string; segment: number }[]): void;
  /** Its participant leaves the call: another page has to take over now. */
  leaving(recorder: Recorder): void;
  /** Its connection was lost and it did not return in time. */
  gone(recorder: Recorder): void;
  reported(recorder: Recorder, report: Report): void;
}

/** What recorders are made with. */
export interface RecordersOptions {
  sessions: Sessions;
  tokens: Tokens;
  timings: Timings;
  events: RecorderEvents;
}

/** A page that records, since when, and how. */
export interface Elected {
  recorder: Recorder;
  /** Wall clock of media time 0, ms since the Unix epoch, by this machine's clock. */
  startedAtMs: number;
  codecs: Codecs;
}

/** A page with a recorder; the same object while it reconnects. */
export class Recorder {
  readonly clock = new RecorderClock();
  /** Codecs that it encodes; empty: it cannot record. */
  codecs: { video: readonly string[]; audio: readonly string[] } = { video: [], audio: [] };
  /** It will not record anything new. */
  isLeaving = false;
  socket: WebSocket | null = null;
  lastHeardMs = performance.now();
  graceTimer: ReturnType<typeof setTimeout> | undefined;
  readonly pings = new Map<number, number>();

  constructor(readonly id: string, readonly identity: ClientIdentity) {}

  /** Whom it belongs to: see {@link participantOf}. */
  get participant(): string {
    return participantOf(this.identity);
  }

  /** Sends a message if it is connected. */
  send(message: ToRecorder): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }
}

/** Pings at the start of a connection, and pause between them, ms. */
const FIRST_PINGS = 4;
const FIRST_PING_MS = 40;
const recorderIdPattern = /^[\w-]{8,64}$/;

/** All recorders. */
export class Recorders {
  readonly #recorders = new Map<string, Recorder>();
  /** Starts that wait for an answer, by archive. */
  readonly #waiting = new Map<
    string,
    { recorder: Recorder; answer: PromiseWithResolvers<Elected | null> }
  >();
  readonly #pinging: ReturnType<typeof setInterval>;
  #pingId = 0;

  constructor(private readonly options: RecordersOptions) {
    this.#pinging = setInterval(() => this.#pingAll(), options.timings.recorderPingMs);
    Deno.unrefTimer(this.#pinging);
  }

  /** Ends all connections. Recordings go on in the pages; the next process takes them over. */
  close(): void {
    clearInterval(this.#pinging);
    for (const recorder of this.#recorders.values()) {
      clearTimeout(recorder.graceTimer);
      const { socket } = recorder;
      recorder.socket = null;
      socket?.close(1012, "The server restarts");
    }
    this.#recorders.clear();
    for (const { answer } of this.#waiting.values()) answer.resolve(null);
  }

  /**
   * Answers `GET /emulator/recorder?token=&recorder=`. Needs the very request of `Deno.serve`. Throws
   * `EmulatorError` for a request that is no WebSocket handshake.
   */
  openSocket(request: Request): Response {
    const { searchParams } = new URL(request.url);
    const { socket, response } = upgradeWebSocket(request);
    const id = searchParams.get("recorder") ?? "";
    const budget = new MessageBudget();
    const early: unknown[] = [];
    let recorder: Recorder | null = null;
    socket.onmessage = ({ data }) => {
      if (!budget.take()) return socket.close(1008, "Too many messages");
      if (recorder) this.#receive(recorder, data);
      else if (early.length < LIMITS.badMessages) early.push(data);
    };
    socket.onclose = () => {
      if (recorder?.socket === socket) this.#lose(recorder);
    };
    socket.onerror = () => {}; // `close` follows
    const opened = new Promise((resolve) => socket.onopen = resolve);
    const enter = async () => {
      const token = searchParams.get("token") ?? undefined;
      const identity = await this.options.tokens.verifyClient(token).catch(() => null);
      // A socket that is not open yet cannot be closed.
      await opened;
      recorder = identity && this.#enter(id, identity);
      if (!recorder) return socket.close(1008, "The token or the recorder is refused");
      const previous = recorder.socket;
      recorder.socket = socket;
      previous?.close(4000, "The recorder reconnected");
      clearTimeout(recorder.graceTimer);
      recorder.lastHeardMs = performance.now();
      this.#measureClock(recorder);
      for (const data of early) this.#receive(recorder, data);
    };
    void enter();
    return response;
  }

  /**
   * Has a page record an archive; the one that fits best is asked first. Resolves when a page records,
   * or with null if none does.
   */
  async elect(
    sessionId: string,
    request: RecordingRequest,
    streams: () => RecordedStream[],
    preferred: ReadonlySet<Recorder>,
    excluded: ReadonlySet<Recorder>,
  ): Promise<Elected | null> {
    const candidates = this.#candidates(sessionId, request, preferred)
      .filter((recorder) => !excluded.has(recorder));
    for (const recorder of candidates.slice(0, LIMITS.recorderAttempts)) {
      const elected = await this.#ask(recorder, request, streams());
      if (elected) return elected;
      recorder.send({ type: "discard", archiveId: request.archiveId });
    }
    return null;
  }

  /** Whether any page that can record is in a session. */
  hasCandidate(sessionId: string): boolean {
    return this.#candidates(sessionId, null, new Set()).length > 0;
  }

  /** Whether a page was asked to record this archive and has not answered. */
  isStarting(archiveId: string): boolean {
    return this.#waiting.has(archiveId);
  }

  /** Marks recorders whose participant is no longer connected to any session. */
  participantsChanged(): void {
    const present = new Set(this.options.sessions.all().map(participantOf));
    for (const recorder of this.#recorders.values()) {
      if (!present.has(recorder.participant)) this.#leave(recorder);
    }
  }

  #enter(id: string, identity: ClientIdentity): Recorder | null {
    const known = this.#recorders.get(id);
    if (known) return known.identity.tokenHash === identity.tokenHash ? known : null;
    if (!recorderIdPattern.test(id) || this.#recorders.size >= LIMITS.recorders) return null;
    const recorder = new Recorder(id, identity);
    this.#recorders.set(id, recorder);
    return recorder;
  }

  #receive(recorder: Recorder, data: unknown): void {
    recorder.lastHeardMs = performance.now();
    const message = parseMessage(data);
    if (!message) return recorder.socket?.close(1008, "The message is malformed");
    switch (message.type) {
      case "hello":
        recorder.codecs = message;
        return this.options.events.arrived(recorder, message.recordings);
      case "pong": {
        const sentMs = recorder.pings.get(message.id);
        recorder.pings.delete(message.id);
        if (sentMs !== undefined) recorder.clock.add(message.atMs, sentMs, Date.now());
        return;
      }
      case "started": {
        const { archiveId, startedAtMs, codecs } = message;
        const waiting = this.#waiting.get(archiveId);
        if (waiting?.recorder !== recorder) return;
        const wallMs = recorder.clock.toWallClock(startedAtMs) ?? Date.now();
        return waiting.answer.resolve({ recorder, startedAtMs: wallMs, codecs });
      }
      case "leaving":
        return this.#leave(recorder);
      case "failed": {
        log("warning", "emulator: recording failed", {
          archiveId: message.archiveId,
          error: message.message.slice(0, 300),
        });
        const waiting = this.#waiting.get(message.archiveId);
        if (waiting?.recorder === recorder) return waiting.answer.resolve(null);
        return this.options.events.reported(recorder, message);
      }
      case "progress":
      case "finished":
        return this.options.events.reported(recorder, message);
    }
  }

  async #ask(
    recorder: Recorder,
    request: RecordingRequest,
    streams: RecordedStream[],
  ): Promise<Elected | null> {
    const answer = Promise.withResolvers<Elected | null>();
    this.#waiting.set(request.archiveId, { recorder, answer });
    const timer = setTimeout(() => answer.resolve(null), this.options.timings.recorderStartMs);
    try {
      recorder.send({ type: "record", request, streams });
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(request.archiveId);
    }
  }

  /** Pages in the session that can record, best first. */
  #candidates(
    sessionId: string,
    request: RecordingRequest | null,
    preferred: ReadonlySet<Recorder>,
  ): Recorder[] {
    const { sessions } = this.options;
    const connections = sessions.connections(sessionId);
    const present = new Set(connections.map(participantOf));
    const publishing = new Set(
      connections.filter(({ streams }) => streams.length > 0).map(participantOf),
    );
    const canRecord = ({ codecs: { video, audio } }: Recorder) => {
      const { codecs = null } = request ?? {};
      return codecs
        ? video.includes(codecs.video) && audio.includes(codecs.audio)
        : video.length > 0 && audio.length > 0;
    };
    // One page for two archives that overlap: then both are on one clock. Hosts stay longest.
    const rank = (recorder: Recorder) =>
      (preferred.has(recorder) ? 4 : 0) +
      (recorder.identity.role === "moderator" ? 2 : 0) +
      (publishing.has(recorder.participant) ? 1 : 0);
    return [...this.#recorders.values()]
      .filter((recorder) =>
        recorder.socket?.readyState === WebSocket.OPEN && !recorder.isLeaving &&
        present.has(recorder.participant) && canRecord(recorder)
      )
      // The sort is stable: among equals the one that came first.
      .sort((a, b) => rank(b) - rank(a));
  }

  #measureClock(recorder: Recorder): void {
    for (let i = 0; i < FIRST_PINGS; i++) {
      setTimeout(() => this.#ping(recorder), i * FIRST_PING_MS);
    }
  }

  #ping(recorder: Recorder): void {
    const id = ++this.#pingId;
    recorder.pings.set(id, Date.now());
    const [oldest] = recorder.pings.keys();
    if (recorder.pings.size > 32 && oldest !== undefined) recorder.pings.delete(oldest);
    recorder.send({ type: "ping", id });
  }

  #pingAll(): void {
    const { recorderSilenceMs } = this.options.timings;
    for (const recorder of this.#recorders.values()) {
      if (!recorder.socket) continue;
      if (performance.now() - recorder.lastHeardMs > recorderSilenceMs) {
        recorder.socket.close(4002, "The recorder is silent");
        this.#lose(recorder);
      } else this.#ping(recorder);
    }
  }

  #lose(recorder: Recorder): void {
    recorder.socket = null;
    clearTimeout(recorder.graceTimer);
    const graceMs = recorder.isLeaving ? 0 : this.options.timings.recorderGraceMs;
    recorder.graceTimer = setTimeout(() => {
      this.#recorders.delete(recorder.id);
      const waiting = [...this.#waiting.values()].find((each) => each.recorder === recorder);
      waiting?.answer.resolve(null);
      this.options.events.gone(recorder);
    }, graceMs);
  }

  #leave(recorder: Recorder): void {
    if (recorder.isLeaving) return;
    recorder.isLeaving = true;
    this.options.events.leaving(recorder);
  }
}

function parseMessage(data: unknown): FromRecorder | null {
  if (typeof data !== "string" || data.length > LIMITS.messageBytes) return null;
  try {
    const parsed = fromRecorderSchema.safeParse(JSON.parse(data));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** Measurements that are kept. */
const KEPT_SAMPLES = 12;
/** A better measurement changes the offset only if it differs by more: seams need a steady clock. */
const STEADY_MS = 8;

/**
 * A recorder's clock against this machine's. The page's own idea of the date is not used: it may be
 * wrong, and `performance.now()` stands still while a computer sleeps.
 */
export class RecorderClock {
  #samples: { offsetMs: number; roundTripMs: number }[] = [];
  #offsetMs: number | null = null;

  /** A ping sent at `sentMs` was answered at `receivedMs` (wall clock); `atMs` is the recorder's. */
  add(atMs: number, sentMs: number, receivedMs: number): void {
    const sample = {
      offsetMs: (sentMs + receivedMs) / 2 - atMs,
      roundTripMs: Math.max(0, receivedMs - sentMs),
    };
    const known = this.#offsetMs;
    // Further away than the round trip explains: the computer slept, or a clock was set.
    const isStep = known !== null &&
      Math.abs(sample.offsetMs - known) > sample.roundTripMs + 2 * STEADY_MS;
    if (isStep) this.#samples = [];
    this.#samples = [...this.#samples.slice(1 - KEPT_SAMPLES), sample];
    const best = this.#samples.reduce((a, b) => b.roundTripMs < a.roundTripMs ? b : a);
    if (known === null || Math.abs(best.offsetMs - known) > STEADY_MS) {
      this.#offsetMs = best.offsetMs;
    }
  }

  /** Wall clock, ms since the Unix epoch, of a time of the recorder's clock; null before a measurement. */
  toWallClock(atMs: number): number | null {
    return this.#offsetMs === null ? null : atMs + this.#offsetMs;
  }
}
