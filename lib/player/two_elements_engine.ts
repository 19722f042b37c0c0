/**
 * Plays a film with two media elements that take turns, where MediaSource cannot: one plays, the
 * other waits on the next part's first frame. Needs neither CORS nor range requests of ours.
 */
import type { Film } from "../recording/views.ts";
import { ElementPair } from "./element_pair.ts";
import type { Engine, EngineEvents, MediaEventName } from "./engine.ts";
import { crossingOf, noticeAt, troubleNotice } from "./notices.ts";
import { landingOf, layOut, type PartFinding, type Segment, segmentAt } from "./timeline.ts";
import type { Timeline } from "./timeline.ts";
import { TwoElementsMedia, type TwoElementsOwner } from "./two_elements_media.ts";

/** The next part is loaded when playback is this close to it: its address lives ten minutes. */
const PARK_AHEAD_SECONDS = 60;
/** Tries with a new address before a part is given up, and the waits before them. */
const RETRY_DELAYS_MS = [300, 1_000, 3_000];
/** Events of the playing element that mean the same for the film. */
const PASSED_ON = [
  "canplaythrough",
  "playing",
  "progress",
  "resize",
  "stalled",
  "suspend",
  "timeupdate",
  "waiting",
] as const satisfies readonly MediaEventName[];

/** Plays `film` in two elements from `startSeconds` on. */
export class TwoElementsEngine implements Engine, TwoElementsOwner {
  readonly technique = "two-elements";
  readonly media: TwoElementsMedia;
  readonly #events: EngineEvents;
  readonly #pair: ElementPair;
  readonly #findings = new Map<string, PartFinding>();
  readonly #listening = new AbortController();
  #film: Film;
  #timeline: Timeline;
  #attempts = 0;
  #stuck = false;

  constructor(
    videos: readonly [HTMLVideoElement, HTMLVideoElement],
    film: Film,
    startSeconds: number,
    events: EngineEvents,
  ) {
    this.#pair = new ElementPair(videos);
    this.#film = film;
    this.#events = events;
    this.#timeline = layOut(film, this.#findings);
    this.media = new TwoElementsMedia(this.#pair, this, landingOf(this.#timeline, startSeconds));
    for (const video of videos) this.#listen(video);
    const watch = () => {
      if (this.#listening.signal.aborted) return;
      this.#watchSeam();
      requestAnimationFrame(watch);
    };
    requestAnimationFrame(watch);
    events.media("loadstart");
    this.enter(this.media.positionSeconds);
  }

  get #active(): HTMLVideoElement {
    return this.#pair.active;
  }

  get visible(): HTMLVideoElement {
    return this.#active;
  }
  get timeline(): Timeline {
    return this.#timeline;
  }

  get stuck(): boolean {
    return this.#stuck;
  }

  tell(name: MediaEventName): void {
    if (!this.#listening.signal.aborted) this.#events.media(name);
  }

  update(film: Film): void {
    this.#film = film;
    this.#relayOut();
  }

  retry(): void {
    if (!this.#stuck) return;
    this.#stuck = false;
    this.#attempts = 0;
    this.#events.notice({ kind: "none" });
    this.enter(this.media.positionSeconds);
  }

  close(): void {
    this.#listening.abort();
    this.#pair.close();
  }

  #listen(video: HTMLVideoElement): void {
    const signal = this.#listening.signal;
    const on = (name: string, handle: () => void) =>
      video.addEventListener(name, () => video === this.#active && handle(), { signal });
    for (const name of PASSED_ON) on(name, () => this.#events.media(name));
    on("timeupdate", () => this.#watchSeam());
    on("loadedmetadata", () => {
      this.#attempts = 0;
      this.#learn();
      if (!this.media.isKnown) {
        for (const name of ["durationchange", "loadedmetadata"] as const) {
          this.#events.media(name);
        }
      }
    });
    on("loadeddata", () => {
      if (!this.media.isKnown) this.#events.media("loadeddata");
      this.media.isKnown = true;
    });
    on("seeked", () => this.media.settle());
    on("canplay", () => {
      this.media.settle();
      this.#events.media("canplay");
    });
    // Without a network browsers try on in silence: the viewer should know why nothing comes.
    for (const name of ["waiting", "stalled"]) {
      on(name, () => this.#active.readyState < 3 && !navigator.onLine && this.#stick());
    }
    on("ended", () => this.#leave());
    on("error", () => this.#onError());
    on("play", () => this.media.paused && this.media.setPaused(false));
    on("pause", () => {
      if (!this.#pair.isChanging && !this.#active.ended && !this.#active.error) {
        this.media.setPaused(true);
      }
    });
    globalThis.addEventListener("online", () => this.retry(), { signal });
  }

  /** Shows the film's moment `seconds`: in the element that has its part, or by loading it. */
  enter(seconds: number): void {
    const { segments } = this.#timeline;
    const segment = segments[segmentAt(this.#timeline, seconds)] ?? segments.at(-1);
    this.media.positionSeconds = seconds;
    if (!segment) {
      this.#showNotice();
      return;
    }
    this.#pair.show(segment);
    this.#learn();
    this.#active.currentTime = Math.max(0, seconds - segment.placeSeconds);
    if (!this.media.paused) this.#active.play().catch(() => {});
  }

  /** The file in hand knows its own length better than the film does. */
  #learn(): void {
    const archiveId = this.#pair.segment?.archiveId;
    const endSeconds = this.#active.duration;
    if (!archiveId || !Number.isFinite(endSeconds) || this.#findings.has(archiveId)) return;
    this.#findings.set(archiveId, { kind: "media", startSeconds: 0, endSeconds });
    this.#relayOut();
  }

  /** Looked at on every frame: parks the next part in time and crosses to it at the seam. */
  #watchSeam(): void {
    const segment = this.#pair.segment;
    if (!segment || this.media.seeking || this.#pair.isChanging || this.#active.readyState < 2) {
      return;
    }
    this.media.positionSeconds = this.media.currentTime;
    const next = this.#nextOf(segment);
    if (!next) return;
    if (segment.toSeconds - this.media.positionSeconds < PARK_AHEAD_SECONDS) this.#pair.park(next);
    if (!this.media.paused && this.media.positionSeconds >= next.fromSeconds) {
      void this.#crossSeam(next);
    }
  }

  #nextOf(segment: Segment): Segment | null {
    const { segments } = this.#timeline;
    return segments[segments.findIndex((s) => s.archiveId === segment.archiveId) + 1] ?? null;
  }

  /** The earlier part plays on in the overlap until the later one really runs. */
  async #crossSeam(next: Segment): Promise<void> {
    const { parked, parkedSegment } = this.#pair;
    if (parkedSegment?.archiveId !== next.archiveId || parked.readyState < 3) return;
    const isWanted = () => !this.media.seeking && !this.#listening.signal.aborted;
    if (!await this.#pair.cross(this.media.positionSeconds, isWanted)) return;
    this.#learn();
    if (this.media.paused) this.#active.pause();
  }

  /** The part in hand is over. */
  #leave(): void {
    const segment = this.#pair.segment;
    if (!segment || this.#pair.isChanging) return;
    const next = this.#nextOf(segment);
    this.media.notePlayed();
    if (next) {
      const from = this.media.positionSeconds;
      this.enter(next.fromSeconds);
      const crossing = crossingOf(this.#timeline, from, next.fromSeconds);
      if (crossing) this.#events.crossed(crossing);
      return;
    }
    this.#showNotice();
    if (this.#timeline.open) {
      this.#events.media("waiting");
      return;
    }
    this.media.setPaused(true);
    this.#events.media("ended");
  }

  #onError(): void {
    const segment = this.#pair.segment;
    const code = this.#active.error?.code;
    if (!segment || !code) return;
    const delayMs = navigator.onLine ? RETRY_DELAYS_MS[this.#attempts++] : undefined;
    const again = () => {
      if (this.#listening.signal.aborted || this.#pair.segment !== segment) return;
      this.#pair.segment = null;
      this.enter(this.media.positionSeconds);
    };
    if (delayMs !== undefined) {
      setTimeout(again, delayMs);
      return;
    }
    if (code === MediaError.MEDIA_ERR_NETWORK || !navigator.onLine) {
      this.#stick();
      return;
    }
    this.#pair.segment = null;
    this.#attempts = 0;
    this.#findings.set(segment.archiveId, { kind: "unplayable", reason: "cannot be played" });
    this.#relayOut();
  }

  /** Waits for a new try, which loads the part anew. */
  #stick(): void {
    this.#stuck = true;
    this.#attempts = 0;
    this.media.positionSeconds = this.media.currentTime;
    this.#pair.segment = null;
    this.#events.notice(troubleNotice("unreachable", navigator.onLine));
  }

  #relayOut(): void {
    const here = this.media.positionSeconds;
    this.#timeline = layOut(this.#film, this.#findings);
    this.#events.timeline(this.#timeline);
    this.#events.media("durationchange");
    this.#showNotice();
    const segment = this.#pair.segment;
    const still = segment &&
      this.#timeline.segments.find((s) => s.archiveId === segment.archiveId);
    if (still) {
      this.#pair.segment = still;
      // Waiting at its end for a part that has come now.
      if (this.#active.ended && this.#nextOf(still)) this.#leave();
      return;
    }
    const landing = landingOf(this.#timeline, here);
    const crossing = crossingOf(this.#timeline, here, landing);
    if (crossing) this.#events.crossed(crossing);
    this.enter(landing);
  }

  #showNotice(): void {
    if (!this.#stuck) this.#events.notice(noticeAt(this.#timeline, this.media.positionSeconds));
  }
}
