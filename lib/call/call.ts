/**
 * A call: one person in a room, on its primary session and, while a handover wants it, on its
 * secondary one too. State for the page is in signals; every way out ends in `left` or `failed`.
 */
import { computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import type { Join, RoomView } from "../recording/views.ts";
import type { Client } from "./client.ts";
import { CallError, type Problem, problemOf, toProblem } from "./errors.ts";
import { Lane, LANE_LIMITS, type LaneLimits, secondaryLimits, type Source } from "./lane.ts";
import { type Participant, People } from "./people.ts";
import type { AttachedRecorder, RecorderModule, StreamMedia } from "./recorder.ts";
import { type ArchiveEvents, followArchives } from "./recording_light.ts";
import { Secondary } from "./secondary.ts";
import { followWanted } from "./wanted.ts";

/** Where a call is in its life. `left` and `failed` may be joined again. */
export type CallState = "idle" | "joining" | "joined" | "reconnecting" | "left" | "failed";

/** After the line was lost for good: pauses before joining anew, ms. Then the call has failed. */
const REJOIN_PAUSES_MS = [0, 1_000, 3_000, 6_000, 12_000];

/** The server is told at most so often that an archive ended, ms. */
const HINT_EVERY_MS = 1_000;

/** What a call is made of; tests put their own in. */
export interface CallParts {
  /** Asks the server for entry passes. Throws `ApiError`. */
  enter(): Promise<Join>;
  load(join: Join): Promise<Client>;
  /** Loads the module that records in this page, where the platform needs one. */
  loadRecorder(url: string): Promise<RecorderModule>;
  /** The room's state, as far as it is known. */
  view: ReadonlySignal<RoomView | null>;
  /** Tells the server that an archive ended, as it may not know yet: every client in the call does. */
  hint(): void;
  limits?: LaneLimits;
  rejoinPausesMs?: readonly number[];
}

/** What belongs to one stay on the primary session. */
interface Stay {
  lane: Lane;
  people: People;
  secondary: Secondary;
  /** Records in this page, where the platform needs it. */
  recorder: AttachedRecorder | null;
}

/** One person's call in one room. */
export class Call {
  readonly state = signal<CallState>("idle");
  /** What went wrong last, in words; null while all is well. */
  readonly problem = signal<Problem | null>(null);
  /** What the platform said about archives, on either session. */
  readonly archives = signal<ArchiveEvents>(new Map());
  /** What is wrong with a recording that this page makes; null while all is well. */
  readonly recorderWarning = signal<string | null>(null);
  readonly #stay = signal<Stay | null>(null);
  /** Everybody else. */
  readonly participants: ReadonlySignal<readonly Participant[]> = computed(() =>
    this.#stay.value?.people.list.value ?? []
  );
  /** How the second session fares; the call itself is whole in every case. */
  readonly secondary = computed(() => this.#stay.value?.secondary.state.value ?? "off");
  /** Why the second session, wanted now, was not joined yet; null while all is well. */
  readonly secondaryProblem = computed(() => this.#stay.value?.secondary.problem.value ?? null);
  #source: Source | null = null;
  #hintedAtMs = 0;
  /** Settles when what was left is closed. */
  #closing: Promise<void> = Promise.resolve();
  /** Grows with every join and leave: what was begun for an older one is dropped. */
  #turn = 0;

  constructor(readonly parts: CallParts) {}

  /** Enters the room and sends `source`. The outcome is in `state` and `problem`. */
  async join(source: Source): Promise<void> {
    if (this.state.value === "joining" || this.#stay.value) return;
    const turn = ++this.#turn;
    this.#source = source;
    this.state.value = "joining";
    this.problem.value = null;
    try {
      await this.#enter(turn);
    } catch (error) {
      this.#fail(turn, error);
    }
  }

  /** Leaves both sessions. Safe at any time. */
  async leave(): Promise<void> {
    if (this.state.value === "idle" || this.state.value === "left") return;
    this.#turn++;
    this.state.value = "left";
    await this.#clear();
  }

  /**
   * Sends this from now on, on both sessions: other tracks, or the same ones muted or not. When it
   * cannot, what was sent stays, and `problem` says so.
   */
  async changeSource(source: Source): Promise<void> {
    this.#source = source;
    // On the way in or back, the newest source is taken up before the call counts as joined.
    if (this.state.value === "joined") await this.retrySending();
  }

  /** Sends what is to be sent, if it is not sent yet. */
  async retrySending(): Promise<void> {
    const stay = this.#stay.value;
    if (!stay) return;
    this.problem.value = null;
    try {
      await this.#send(stay.lane);
      if (stay.secondary.lane) await this.#send(stay.secondary.lane);
    } catch (error) {
      if (stay === this.#stay.value) this.problem.value = toProblem(error);
    }
  }

  /** Receives a participant's stream again. */
  retryReceiving(participantId: string): void {
    this.#stay.value?.people.retry(participantId);
  }

  /** Joins the second session again, if it is wanted and could not be joined. */
  retrySecondary(): void {
    this.#stay.value?.secondary.retry();
  }

  async #enter(turn: number): Promise<void> {
    // The platform keeps one session object for each id.
    await this.#closing;
    const join = await this.parts.enter();
    const client = await this.parts.load(join);
    if (turn !== this.#turn) return;
    const limits = this.parts.limits ?? LANE_LIMITS;
    const lane = new Lane(client, join.apiKey, join.primary, limits);
    const people = new People(lane.session, limits.subscribeMs);
    const secondary = new Secondary(
      (attempt, lost) => this.#openSecondary(client, join, attempt, lost),
      async (lane) => {
        await lane.connect();
        await this.#send(lane);
      },
    );
    const stay: Stay = { lane, people, secondary, recorder: null };
    this.#stay.value = stay;
    lane.onClose(people.follow());
    this.#followArchives(lane);
    await lane.connect();
    if (turn !== this.#turn) return;
    await this.#send(lane);
    if (turn !== this.#turn) return;
    if (join.client.recorderUrl) await this.#attachRecorder(stay, join.client.recorderUrl);
    if (turn !== this.#turn) return;
    this.state.value = "joined";
    this.#followLine(lane, turn);
    followWanted(lane, this.parts.view, (wanted) => secondary.want(wanted));
  }

  /** Sends what is wanted now, also if that changes while it is being sent. */
  async #send(lane: Lane): Promise<void> {
    try {
      while (this.#source && !lane.sends(this.#source)) await lane.publish(this.#source);
    } finally {
      // Whatever is sent, mute is mute.
      if (this.#source) lane.setSending(this.#source);
    }
  }

  async #attachRecorder(stay: Stay, url: string): Promise<void> {
    const { attach } = await this.parts.loadRecorder(url);
    if (this.#stay.value !== stay) return;
    const { lane, people } = stay;
    const streams = computed((): StreamMedia[] => [
      ...(lane.media.value ? [lane.media.value] : []),
      ...people.media.value,
    ]);
    stay.recorder = attach({
      token: lane.entry.token,
      streams: () => streams.value,
      onChange: (listener) =>
        effect(() => {
          streams.value;
          listener();
        }),
      warn: (message) => this.recorderWarning.value = message,
    });
  }

  #openSecondary(client: Client, join: Join, attempt: number, lost: (lane: Lane) => void): Lane {
    const limits = this.parts.limits ?? secondaryLimits(attempt);
    const lane = new Lane(client, join.apiKey, join.secondary, limits);
    const dropped = () => lost(lane);
    lane.session.on("sessionDisconnected", dropped);
    lane.onClose(() => lane.session.off("sessionDisconnected", dropped));
    this.#followArchives(lane);
    return lane;
  }

  #followArchives(lane: Lane): void {
    followArchives(lane, this.archives, () => {
      const nowMs = Date.now();
      if (nowMs - this.#hintedAtMs < HINT_EVERY_MS) return;
      this.#hintedAtMs = nowMs;
      this.parts.hint();
    });
  }

  #followLine(lane: Lane, turn: number): void {
    const { session } = lane;
    const shaky = () => {
      if (this.state.value === "joined") this.state.value = "reconnecting";
    };
    const well = () => {
      if (this.state.value !== "reconnecting") return;
      this.state.value = "joined";
      // Devices may have changed in the meantime.
      this.retrySending();
    };
    const lost = (event: { reason: string }) => {
      if (turn !== this.#turn) return;
      if (event.reason === "forceDisconnected") {
        this.#fail(turn, new CallError(problemOf("forceDisconnected")));
      } else this.#rejoin();
    };
    session.on("sessionReconnecting", shaky);
    session.on("sessionReconnected", well);
    session.on("sessionDisconnected", lost);
    lane.onClose(() => {
      session.off("sessionReconnecting", shaky);
      session.off("sessionReconnected", well);
      session.off("sessionDisconnected", lost);
    });
  }

  /** The line is gone and with it what was sent: begin anew with fresh entry passes. */
  async #rejoin(): Promise<void> {
    const turn = ++this.#turn;
    this.state.value = "reconnecting";
    let failure: unknown = new CallError(problemOf("networkDisconnected"));
    for (const pauseMs of this.parts.rejoinPausesMs ?? REJOIN_PAUSES_MS) {
      await this.#clear();
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      if (turn !== this.#turn) return;
      try {
        return await this.#enter(turn);
      } catch (error) {
        failure = error;
      }
    }
    this.#fail(turn, failure);
  }

  #fail(turn: number, error: unknown): void {
    if (turn !== this.#turn) return;
    this.#turn++;
    this.problem.value = toProblem(error);
    this.state.value = "failed";
    this.#clear();
  }

  /** Takes the stay down, if there is one; what the platform answers to that changes nothing. */
  #clear(): Promise<void> {
    const stay = this.#stay.value;
    this.#stay.value = null;
    this.recorderWarning.value = null;
    if (stay) this.#closing = Promise.all([this.#closing, closeStay(stay)]).then(() => {});
    return this.#closing;
  }
}

/** Leaves both sessions once another page records what this page does: until then it sends nothing. */
async function closeStay({ lane, secondary, recorder }: Stay): Promise<void> {
  for (const each of [lane, secondary.lane]) {
    each?.setSending({ microphoneOn: false, cameraOn: false });
  }
  await recorder?.leave();
  await Promise.allSettled([lane.close(), secondary.close()]);
}
