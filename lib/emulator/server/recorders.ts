/** The pages that can record: one WebSocket each, and a measured clock. */
import { RateLimiter } from "limiter";
import { z } from "zod";
import { fromRecorderSchema, type ToRecorder } from "../protocol.ts";
import type { Archives } from "./archives.ts";
import { jsonText } from "./errors.ts";
import { upgradeWebSocket } from "./sockets.ts";
import { LIMITS } from "./limits.ts";
import { participantOf } from "./sessions.ts";
import type { ClientIdentity } from "./tokens.ts";

/** A page with a recorder; the same object while it reconnects. */
export class Recorder {
  readonly clock = new RecorderClock();
  /** Codecs that it encodes; empty: it cannot record. */
  codecs: { video: readonly string[]; audio: readonly string[] } = { video: [], audio: [] };
  /** Its participant leaves, or has left every session: it will not record anything new. */
  isLeaving = false;
  socket: WebSocket | null = null;
  lastHeardMs = performance.now();
  #pingedMs = 0;

  constructor(readonly id: string, readonly identity: ClientIdentity) {}

  /** Replaces its socket; the previous one is closed with the code and the reason. */
  setSocket(socket: WebSocket | null, code: number, reason: string): void {
    const previous = this.socket;
    this.socket = socket;
    this.lastHeardMs = performance.now();
    previous?.close(code, reason);
  }

  /** Sends a message if it is connected. */
  send(message: ToRecorder): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** Has it show its clock, and that it lives, if the last time is so long ago. */
  ping(everyMs: number): void {
    if (performance.now() - this.#pingedMs < everyMs && !this.clock.isNew) return;
    this.#pingedMs = performance.now();
    // The answer repeats the time of the question.
    this.send({ type: "ping", id: Date.now() });
  }
}

const RECORDER_ID = /^[\w-]{8,64}$/;
const messageSchema = z.string().max(LIMITS.messageBytes).pipe(jsonText).pipe(fromRecorderSchema);

/** All recorders. */
export class Recorders {
  /** Those that are connected or expected back, by id. */
  readonly known = new Map<string, Recorder>();

  constructor(private readonly archives: Archives) {}

  /** Pings all; closes those that are silent; gives up who leaves, or does not return in time. */
  update(): void {
    const { sessions, timings } = this.archives.parts;
    const present = new Set(sessions.all().map(participantOf));
    for (const recorder of this.known.values()) {
      recorder.isLeaving ||= !present.has(participantOf(recorder.identity));
      recorder.ping(timings.recorderPingMs);
      const silentMs = performance.now() - recorder.lastHeardMs;
      const isSilent = recorder.socket !== null && silentMs > timings.recorderSilenceMs;
      if (isSilent) recorder.setSocket(null, 4002, "The recorder is silent");
      if (recorder.socket || (!recorder.isLeaving && silentMs < timings.recorderGraceMs)) continue;
      this.known.delete(recorder.id);
      for (const archive of this.archives.open.values()) archive.gone(recorder);
    }
  }

  /** Ends all connections. Recordings go on in the pages; the next process takes them over. */
  close(): void {
    for (const recorder of this.known.values()) {
      recorder.setSocket(null, 1012, "The server restarts");
    }
  }

  /**
   * Answers `GET /emulator/recorder?token=&recorder=`. Needs the very request of `Deno.serve`. Throws
   * `EmulatorError` for a request that is no WebSocket handshake.
   */
  async openSocket(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const { tokens } = this.archives.parts;
    const identity = await tokens.verifyClient(searchParams.get("token") ?? "").catch(() => null);
    const recorder = identity && this.#enter(searchParams.get("recorder") ?? "", identity);
    const { socket, response } = upgradeWebSocket(request);
    const budget = new RateLimiter(LIMITS.messages);
    socket.onopen = () => {
      recorder?.setSocket(socket, 4000, "The recorder reconnected");
      // A refusal of the handshake would make the page try again.
      if (!recorder) socket.close(1008, "The token or the recorder is refused");
    };
    socket.onmessage = ({ data }) => {
      if (!budget.tryRemoveTokens(1)) return socket.close(1008, "Too many messages");
      if (recorder) this.#receive(recorder, data);
    };
    socket.onclose = () => {
      if (recorder?.socket === socket) recorder.setSocket(null, 1000, "");
    };
    return response;
  }

  /** Pages in a session that can record, with these codecs if given, best first. */
  candidates(sessionId: string, codecs: { video: string; audio: string } | null): Recorder[] {
    const clients = this.archives.parts.sessions.connections(sessionId);
    const present = new Set(clients.map(participantOf));
    const publishers = clients.filter(({ streams }) => streams.length > 0);
    const publishing = new Set(publishers.map(participantOf));
    const recording = new Set(this.archives.open.values().map((archive) => archive.recorder));
    const encodes = (known: readonly string[], wanted = known[0] ?? "") => known.includes(wanted);
    // One page for two archives that overlap: then both are on one clock. Hosts stay longest.
    const rank = (recorder: Recorder) =>
      (recording.has(recorder) ? 4 : 0) +
      (recorder.identity.role === "moderator" ? 2 : 0) +
      (publishing.has(participantOf(recorder.identity)) ? 1 : 0);
    return [...this.known.values()]
      .filter(({ socket, isLeaving, identity, codecs: { video, audio } }) =>
        socket?.readyState === WebSocket.OPEN && !isLeaving &&
        present.has(participantOf(identity)) &&
        encodes(video, codecs?.video) && encodes(audio, codecs?.audio)
      )
      // The sort is stable: among equals the one that came first.
      .sort((a, b) => rank(b) - rank(a));
  }

  #enter(id: string, identity: ClientIdentity): Recorder | null {
    const known = this.known.get(id);
    if (known) return known.identity.tokenHash === identity.tokenHash ? known : null;
    if (!RECORDER_ID.test(id) || this.known.size >= LIMITS.recorders) return null;
    const recorder = new Recorder(id, identity);
    this.known.set(id, recorder);
    return recorder;
  }

  #receive(recorder: Recorder, data: unknown): void {
    recorder.lastHeardMs = performance.now();
    const { data: message } = messageSchema.safeParse(data);
    if (!message) return recorder.socket?.close(1008, "The message is malformed");
    const { open } = this.archives;
    switch (message.type) {
      case "hello":
        recorder.codecs = message;
        for (const { archiveId } of message.recordings) {
          if (!open.has(archiveId)) recorder.send({ type: "discard", archiveId });
        }
        for (const archive of open.values()) archive.arrived(recorder, message.recordings);
        return;
      case "pong":
        return recorder.clock.add(message.atMs, message.id, Date.now());
      case "leaving":
        recorder.isLeaving = true;
        return this.archives.update();
      default:
        return open.get(message.archiveId)?.reported(recorder, message);
    }
  }
}

/** Measurements that are kept, and the fewest that suffice. */
const KEPT_SAMPLES = 12;
const MIN_SAMPLES = 4;
/** A better measurement changes the offset only if it differs by more: seams need a steady clock. */
const STEADY_MS = 8;

/**
 * A recorder's clock against this machine's. The page's own idea of the date is not used: it may be
 * wrong, and `performance.now()` stands still while a computer sleeps.
 */
export class RecorderClock {
  #samples: { offsetMs: number; roundTripMs: number }[] = [];
  #offsetMs: number | null = null;

  /** Whether it needs more measurements soon. */
  get isNew(): boolean {
    return this.#samples.length < MIN_SAMPLES;
  }

  /** A ping sent at `sentMs` was answered at `receivedMs` (wall clock); `atMs` is the recorder's. */
  add(atMs: number, sentMs: number, receivedMs: number): void {
    const offsetMs = (sentMs + receivedMs) / 2 - atMs;
    const roundTripMs = Math.max(0, receivedMs - sentMs);
    const known = this.#offsetMs ?? Infinity;
    // Further away than the round trip explains: the computer slept, or a clock was set.
    if (Math.abs(offsetMs - known) > roundTripMs + 2 * STEADY_MS) this.#samples = [];
    this.#samples = [...this.#samples.slice(1 - KEPT_SAMPLES), { offsetMs, roundTripMs }];
    const best = this.#samples.reduce((a, b) => b.roundTripMs < a.roundTripMs ? b : a);
    if (Math.abs(best.offsetMs - known) > STEADY_MS) this.#offsetMs = best.offsetMs;
  }

  /** Wall clock, ms since the Unix epoch, of a time of the recorder's clock; null before a measurement. */
  toWallClock(atMs: number): number | null {
    return this.#offsetMs === null ? null : atMs + this.#offsetMs;
  }
}
