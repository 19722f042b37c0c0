/**
 * Keeps MediaSource fed: opens part after part and appends each whole at its true place, as far ahead
 * as `plan.ts` wants it, and throws away what was played.
 */
import { type Buffers, BuffersFullError, BuffersMismatchError } from "./buffers.ts";
import { MediaFetchError, type Trouble, UnplayableFileError } from "./media_fetch.ts";
import { loadPartFiles, OpenPart } from "./open_part.ts";
import { type Cursor, type Head, leastHead, nextStep, reviseCursor } from "./plan.ts";
import { SMALL_WINDOW, WINDOW, type Window } from "./plan.ts";
import type { PartFinding, Segment, Timeline } from "./timeline.ts";

/** What a {@link Feeder} asks of the player around it, and tells it. */
export interface FeederOwner {
  readonly timeline: Timeline;
  playheadSeconds(): number;
  /** Something new was found out about a part. */
  learn(archiveId: string, finding: PartFinding): void;
  /** A piece more can be played. */
  appended(): void;
  /** Nothing more comes until {@link Feeder.resume}. */
  stuck(trouble: Trouble): void;
  /** This film cannot be played through MediaSource here. */
  surrender(reason: string): void;
}

/** Feeds from `startSeconds` on, once it is given {@link buffers}. */
export class Feeder {
  readonly #owner: FeederOwner;
  #buffers: Buffers | null = null;
  #cursor: Cursor;
  #part: OpenPart | null = null;
  #window: Window = WINDOW;
  #stuck = false;
  #clearFirst = false;
  #everRead = false;
  #closed = false;
  #wake: () => void = () => {};
  /** Changes whenever what the running step was decided for is no longer wanted. */
  #epoch = 0;

  constructor(owner: FeederOwner, startSeconds: number) {
    this.#owner = owner;
    this.#cursor = { kind: "seek", seconds: startSeconds };
    // Loaded while the browser opens its MediaSource; a failure is met where it is needed.
    loadPartFiles().catch(() => {});
    void this.#run();
  }

  /** Where the pieces go; null while a MediaSource is being opened. */
  set buffers(buffers: Buffers | null) {
    this.#buffers = buffers;
    this.nudge();
  }
  /** True while nothing more comes until {@link resume}. */
  get stuck(): boolean {
    return this.#stuck;
  }
  /** True while what is buffered is about to be thrown away: it says nothing about holes. */
  get clearing(): boolean {
    return this.#clearFirst;
  }

  /** Film time up to which everything wanted is appended. */
  get reachedSeconds(): number {
    const cursor = this.#cursor;
    if (cursor.kind === "seek") return cursor.seconds;
    const playhead = this.#owner.playheadSeconds();
    if (cursor.kind === "inside") return leastHead(cursor.heads)?.appendedToSeconds ?? playhead;
    const { segments } = this.#owner.timeline;
    return segments.find((s) => s.archiveId === cursor.archiveId)?.toSeconds ?? playhead;
  }

  /** Looks again at what is to be done: the playhead, the film or the browser has moved. */
  nudge(): void {
    this.#wake();
  }

  /** Goes on after {@link FeederOwner.stuck}. */
  resume(): void {
    this.#stuck = false;
    this.nudge();
  }

  /** Goes on from `seconds`, a moment that is not buffered. */
  seek(seconds: number): void {
    this.restart(seconds);
    this.#clearFirst = true;
    this.nudge();
  }

  /** Goes on from `seconds` in buffers that hold nothing yet. */
  restart(seconds: number): void {
    this.#moveTo({ kind: "seek", seconds });
  }

  /** Takes over a timeline that has changed. */
  revise(before: Timeline, after: Timeline): void {
    const playhead = this.#owner.playheadSeconds();
    const cursor = reviseCursor(before, after, this.#cursor, playhead);
    if (cursor !== this.#cursor) this.#moveTo(cursor);
    this.nudge();
  }

  close(): void {
    this.#closed = true;
    this.#epoch++;
    this.#closePart();
    this.nudge();
  }

  #moveTo(cursor: Cursor): void {
    this.#epoch++;
    this.#closePart();
    this.#cursor = cursor;
  }

  #closePart(): void {
    this.#part?.close();
    this.#part = null;
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      const buffers = this.#buffers;
      const waiting = new Promise<void>((resolve) => this.#wake = resolve);
      const busy = buffers?.wanted && !this.#stuck && await this.#step(buffers);
      if (!busy) await waiting;
    }
  }

  /** Does one step; false if there is nothing to do until something happens. */
  async #step(buffers: Buffers): Promise<boolean> {
    const epoch = this.#epoch;
    try {
      if (this.#clearFirst) {
        this.#clearFirst = false;
        await buffers.remove(0, Infinity);
        return true;
      }
      buffers.setDuration(this.#owner.timeline.durationSeconds);
      const step = nextStep({
        timeline: this.#owner.timeline,
        window: this.#window,
        playheadSeconds: this.#owner.playheadSeconds(),
        cursor: this.#cursor,
        bufferedFromSeconds: buffers.fromSeconds,
        ended: buffers.ended,
      });
      switch (step.kind) {
        case "evict":
          await buffers.remove(0, step.toSeconds);
          return true;
        case "open":
          await this.#open(buffers, step.segment, step.fromSeconds);
          return true;
        case "append":
          await this.#append(buffers, step.track);
          return true;
        case "leave":
          if (this.#part) {
            this.#moveTo({ kind: "behind", archiveId: this.#part.segment.archiveId });
          }
          return true;
        case "end":
          buffers.end();
          return false;
        case "wait":
          return false;
      }
    } catch (error) {
      // A browser that refuses again and again must not hold up the whole page.
      await new Promise((resolve) => setTimeout(resolve));
      // A seek closed the file under a read: what was decided before it no longer matters.
      if (epoch !== this.#epoch || this.#closed) return true;
      return this.#onTrouble(error);
    }
  }

  async #open(buffers: Buffers, segment: Segment, fromSeconds: number): Promise<void> {
    const epoch = this.#epoch;
    const part = await OpenPart.open(segment, fromSeconds);
    this.#everRead = true;
    if (epoch !== this.#epoch) return part.close();
    try {
      buffers.prepare(part.tracks);
    } catch (error) {
      part.close();
      throw error;
    }
    this.#part = part;
    this.#cursor = { kind: "inside", archiveId: segment.archiveId, heads: part.tracks };
    this.#owner.learn(segment.archiveId, part.finding);
  }

  async #append(buffers: Buffers, kind: Head["kind"]): Promise<void> {
    const epoch = this.#epoch;
    const piece = await this.#part?.next(kind);
    if (!piece || epoch !== this.#epoch) return;
    await buffers.append(kind, piece, piece.isFirst);
    piece.taken();
    this.#owner.appended();
  }

  #onTrouble(error: unknown): boolean {
    if (error instanceof BuffersFullError) {
      const smaller = this.#window !== SMALL_WINDOW;
      this.#window = SMALL_WINDOW;
      return smaller;
    }
    if (error instanceof BuffersMismatchError) {
      this.#owner.surrender(error.message);
      return false;
    }
    const trouble = error instanceof MediaFetchError ? error.trouble : null;
    if (!this.#everRead && (trouble === "blocked" || trouble === "no-ranges")) {
      this.#owner.surrender("The files cannot be read in pieces");
      return false;
    }
    const resumeAt = this.reachedSeconds;
    const archiveId = this.#part?.segment.archiveId ?? this.#nextArchiveId();
    this.restart(resumeAt);
    if (trouble && trouble !== "gone") {
      this.#stuck = true;
      this.#owner.stuck(trouble);
      return false;
    }
    const reason = trouble === "gone"
      ? "is no longer there"
      : error instanceof UnplayableFileError
      ? error.message
      : "cannot be read";
    if (archiveId) this.#owner.learn(archiveId, { kind: "unplayable", reason });
    return true;
  }

  #nextArchiveId(): string | null {
    const step = nextStep({
      timeline: this.#owner.timeline,
      window: { aheadSeconds: Infinity, behindSeconds: Infinity },
      playheadSeconds: this.#owner.playheadSeconds(),
      cursor: this.#cursor,
      bufferedFromSeconds: null,
      ended: false,
    });
    return step.kind === "open" ? step.segment.archiveId : null;
  }
}
