/**
 * Plays a film as one media element: every part is appended whole at its true place, a later part
 * replacing the earlier one where they overlap. This shell does what `plan.ts` decides.
 */
import type { Film } from "../recording/views.ts";
import {
  Buffers,
  BuffersFullError,
  BuffersMismatchError,
  mediaSourceClass,
  rangesOf,
} from "./buffers.ts";
import { type Engine, type EngineEvents, MEDIA_EVENTS } from "./engine.ts";
import {
  browserWorld,
  createMediaFetch,
  MediaFetchError,
  UnplayableFileError,
} from "./media_fetch.ts";
import type { Fragment, PartFile } from "./part_file.ts";
import { type Cursor, isBuffered, jumpOver, nextStep, reviseCursor } from "./plan.ts";
import { type Head, leastHead, SMALL_WINDOW, WINDOW, type Window } from "./plan.ts";
import { landingOf, layOut, type PartFinding, type Segment, type Timeline } from "./timeline.ts";
import { crossingOf, noticeAt } from "./notices.ts";

interface OpenTrack extends Head {
  mimeType: string;
  fragments: AsyncGenerator<Fragment, void, void>;
  /** Read but not taken by the browser yet. */
  pending: Fragment | null;
  fresh: boolean;
}

interface OpenPart {
  segment: Segment;
  file: PartFile;
  tracks: OpenTrack[];
}

/** The reader of files is as large as the rest of the player: the controls need not wait for it. */
function loadPartFiles(): Promise<typeof import("./part_file.ts")> {
  return import("./part_file.ts").catch((cause: unknown) => {
    throw new MediaFetchError("unreachable", "Loading the player's file reader failed", { cause });
  });
}

/** Decoding trouble is repaired by starting over this often before the part is given up. */
const REPAIRS_PER_PART = 1;

/** Plays `film` in `video` from `startSeconds` on. Only where {@link mediaSourceClass} is not null. */
export class MediaSourceEngine implements Engine {
  readonly technique = "media-source";
  readonly visible: HTMLVideoElement;
  readonly #events: EngineEvents;
  readonly #findings = new Map<string, PartFinding>();
  readonly #repairs = new Map<string, number>();
  readonly #listening = new AbortController();
  #film: Film;
  #timeline: Timeline;
  #cursor: Cursor;
  #part: OpenPart | null = null;
  #window: Window = WINDOW;
  #buffers: Buffers | null = null;
  #objectUrl = "";
  #stuck = false;
  #clearFirst = false;
  #everRead = false;
  #wake: () => void = () => {};
  /** Changes whenever what the running step was decided for is no longer wanted. */
  #epoch = 0;

  constructor(video: HTMLVideoElement, film: Film, startSeconds: number, events: EngineEvents) {
    this.visible = video;
    this.#film = film;
    this.#events = events;
    this.#timeline = layOut(film, this.#findings);
    const start = landingOf(this.#timeline, startSeconds);
    this.#cursor = { kind: "seek", seconds: start };
    const signal = this.#listening.signal;
    video.addEventListener("seeking", () => this.#onSeeking(), { signal });
    for (const name of ["timeupdate", "play", "ratechange"]) {
      video.addEventListener(name, () => this.#nudge(), { signal });
    }
    for (const name of ["waiting", "stalled", "loadedmetadata"]) {
      video.addEventListener(name, () => this.#onDry(), { signal });
    }
    // Captured before the element passes it on: an error that can be repaired is not shown.
    video.addEventListener("error", (event) => this.#onMediaError(event), {
      signal,
      capture: true,
    });
    for (const name of MEDIA_EVENTS) {
      video.addEventListener(name, () => events.media(name), { signal });
    }
    globalThis.addEventListener("online", () => this.#stuck && this.retry(), { signal });
    this.#attach(start);
    // Loaded while the browser opens its MediaSource; a failure is met where it is needed.
    loadPartFiles().catch(() => {});
    void this.#run();
  }

  get media(): HTMLVideoElement {
    return this.visible;
  }

  get timeline(): Timeline {
    return this.#timeline;
  }

  update(film: Film): void {
    this.#film = film;
    this.#relayOut();
  }

  retry(): void {
    if (!this.#stuck) return;
    this.#stuck = false;
    this.#events.notice({ kind: "none" });
    this.#nudge();
  }

  close(): void {
    this.#epoch++;
    this.#listening.abort();
    this.#closePart();
    this.visible.removeAttribute("src");
    URL.revokeObjectURL(this.#objectUrl);
    this.#nudge();
  }

  #attach(startSeconds: number): void {
    const Source = mediaSourceClass();
    if (!Source) throw new Error("This browser has no MediaSource");
    const source = new Source();
    this.#buffers = null;
    source.addEventListener("sourceopen", () => {
      if (this.#buffers) return;
      this.#buffers = new Buffers(source);
      this.#nudge();
    });
    URL.revokeObjectURL(this.#objectUrl);
    this.#objectUrl = URL.createObjectURL(source);
    if (source.constructor.name === "ManagedMediaSource") this.visible.disableRemotePlayback = true;
    this.visible.src = this.#objectUrl;
    if (startSeconds > 0) this.visible.currentTime = startSeconds;
  }

  #relayOut(): void {
    const before = this.#timeline;
    this.#timeline = layOut(this.#film, this.#findings);
    const playhead = this.visible.currentTime;
    const cursor = reviseCursor(before, this.#timeline, this.#cursor, playhead);
    if (cursor !== this.#cursor) this.#moveTo(cursor);
    this.#events.timeline(this.#timeline);
    this.#showNotice();
    this.#nudge();
  }

  #moveTo(cursor: Cursor): void {
    this.#epoch++;
    this.#closePart();
    this.#cursor = cursor;
  }

  #closePart(): void {
    this.#part?.file.close();
    this.#part = null;
  }

  async #run(): Promise<void> {
    while (!this.#listening.signal.aborted) {
      const buffers = this.#buffers;
      const waiting = new Promise<void>((resolve) => this.#wake = resolve);
      const busy = buffers && !this.#stuck && await this.#step(buffers);
      if (!busy) await waiting;
    }
  }

  #nudge(): void {
    this.#wake();
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
      buffers.setDuration(this.#timeline.durationSeconds);
      const step = nextStep({
        timeline: this.#timeline,
        window: this.#window,
        playheadSeconds: this.visible.currentTime,
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
      // A seek closed the file under a read: what was decided before it no longer matters.
      if (epoch !== this.#epoch || this.#listening.signal.aborted) return true;
      return this.#onTrouble(error);
    }
  }

  async #open(buffers: Buffers, segment: Segment, fromSeconds: number): Promise<void> {
    const epoch = this.#epoch;
    const { openPartFile } = await loadPartFiles();
    const file = await openPartFile(
      segment.mediaUrl,
      createMediaFetch(segment.mediaUrl, browserWorld),
    );
    this.#everRead = true;
    if (epoch !== this.#epoch) return file.close();
    try {
      buffers.prepare(file.tracks);
    } catch (error) {
      file.close();
      throw error;
    }
    const from = fromSeconds - segment.placeSeconds;
    const tracks = file.tracks.map((track): OpenTrack => ({
      kind: track.kind,
      mimeType: track.mimeType,
      fragments: track.fragments(from),
      appendedToSeconds: fromSeconds,
      done: false,
      pending: null,
      fresh: true,
    }));
    this.#part = { segment, file, tracks };
    this.#cursor = { kind: "inside", archiveId: segment.archiveId, heads: tracks };
    this.#learn(segment.archiveId, {
      kind: "media",
      startSeconds: file.startSeconds,
      endSeconds: file.endSeconds,
    });
  }

  async #append(buffers: Buffers, kind: Head["kind"]): Promise<void> {
    const epoch = this.#epoch;
    const part = this.#part;
    const track = part?.tracks.find((candidate) => candidate.kind === kind);
    if (!part || !track) return;
    if (!track.pending) {
      const next = await track.fragments.next();
      if (epoch !== this.#epoch) return;
      if (next.done) {
        track.done = true;
        return;
      }
      track.pending = next.value;
    }
    const { placeSeconds } = part.segment;
    const piece = { mimeType: track.mimeType, placeSeconds, bytes: track.pending.bytes };
    await buffers.append(kind, piece, track.fresh);
    track.fresh = false;
    track.appendedToSeconds = placeSeconds + track.pending.endSeconds;
    track.pending = null;
    this.#onDry();
  }

  #learn(archiveId: string, finding: PartFinding): void {
    const known = this.#findings.get(archiveId);
    if (known?.kind === "media" && finding.kind === "media") return;
    this.#findings.set(archiveId, finding);
    this.#relayOut();
  }

  #onTrouble(error: unknown): boolean {
    if (error instanceof BuffersFullError) {
      const smaller = this.#window !== SMALL_WINDOW;
      this.#window = SMALL_WINDOW;
      return smaller;
    }
    if (error instanceof BuffersMismatchError) {
      this.#events.surrender(error.message);
      return false;
    }
    const trouble = error instanceof MediaFetchError ? error.trouble : null;
    if (!this.#everRead && (trouble === "blocked" || trouble === "no-ranges")) {
      this.#events.surrender("The files cannot be read in pieces");
      return false;
    }
    const resumeAt = this.#resumePoint();
    const archiveId = this.#part?.segment.archiveId ?? this.#nextArchiveId();
    this.#moveTo({ kind: "seek", seconds: resumeAt });
    if (trouble && trouble !== "gone") {
      this.#stuck = true;
      const message = trouble === "denied"
        ? "You may no longer watch this film. Sign in again or ask for a new link"
        : "The recording cannot be reached. Check the connection";
      this.#events.notice({ kind: "error", message });
      return false;
    }
    const reason = trouble === "gone"
      ? "is no longer there"
      : error instanceof UnplayableFileError
      ? error.message
      : "cannot be read";
    if (archiveId) this.#learn(archiveId, { kind: "unplayable", reason });
    return true;
  }

  /** Film time up to which everything wanted is appended. */
  #resumePoint(): number {
    if (this.#cursor.kind === "seek") return this.#cursor.seconds;
    if (this.#cursor.kind === "inside") {
      return leastHead(this.#cursor.heads)?.appendedToSeconds ?? this.visible.currentTime;
    }
    const archiveId = this.#cursor.archiveId;
    const behind = this.#timeline.segments.find((segment) => segment.archiveId === archiveId);
    return behind?.toSeconds ?? this.visible.currentTime;
  }

  #nextArchiveId(): string | null {
    const step = nextStep({
      timeline: this.#timeline,
      window: { aheadSeconds: Infinity, behindSeconds: Infinity },
      playheadSeconds: this.visible.currentTime,
      cursor: this.#cursor,
      bufferedFromSeconds: null,
      ended: false,
    });
    return step.kind === "open" ? step.segment.archiveId : null;
  }

  #onSeeking(): void {
    const wanted = this.visible.currentTime;
    const landing = landingOf(this.#timeline, wanted);
    if (landing > wanted) {
      this.#cross(wanted, landing);
      return;
    }
    if (!isBuffered(rangesOf(this.visible.buffered), wanted)) {
      this.#moveTo({ kind: "seek", seconds: wanted });
      this.#clearFirst = true;
      if (this.#stuck) this.retry();
    }
    this.#showNotice();
    this.#nudge();
  }

  /** Playback may have run dry: cross a hole if that is what it stands before. */
  #onDry(): void {
    if (this.visible.readyState >= this.visible.HAVE_FUTURE_DATA) return;
    const playhead = this.visible.currentTime;
    const target = jumpOver(rangesOf(this.visible.buffered), playhead);
    // What is about to be cleared after a far seek says nothing about holes.
    if (target !== null && !this.#clearFirst) this.#cross(playhead, target);
    this.#showNotice();
    this.#nudge();
  }

  #cross(fromSeconds: number, toSeconds: number): void {
    const crossing = crossingOf(this.#timeline, fromSeconds, toSeconds);
    this.visible.currentTime = toSeconds;
    if (crossing) this.#events.crossed(crossing);
  }

  #showNotice(): void {
    if (!this.#stuck) this.#events.notice(noticeAt(this.#timeline, this.visible.currentTime));
  }

  #onMediaError(event: Event): void {
    const playhead = this.visible.currentTime;
    const segment = this.#timeline.segments.find((s) =>
      s.fromSeconds <= playhead && playhead < s.toSeconds
    );
    if (!segment || !this.visible.error) return;
    event.stopImmediatePropagation();
    const repairs = this.#repairs.get(segment.archiveId) ?? 0;
    this.#repairs.set(segment.archiveId, repairs + 1);
    const wasPaused = this.visible.paused;
    this.#moveTo({ kind: "seek", seconds: playhead });
    if (repairs >= REPAIRS_PER_PART) {
      this.#learn(segment.archiveId, { kind: "unplayable", reason: "cannot be decoded" });
    }
    const start = landingOf(this.#timeline, playhead);
    this.#moveTo({ kind: "seek", seconds: start });
    this.#attach(start);
    if (!wasPaused) this.visible.play().catch(() => {});
  }
}
