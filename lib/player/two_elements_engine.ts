/**
 * Plays a film with two media elements that take turns, where MediaSource cannot: one plays, the
 * other waits on the next part's first frame. Needs neither CORS nor range requests of ours.
 */
import type { Film } from "../recording/views.ts";
import { rangesOf } from "./buffers.ts";
import type { Engine, EngineEvents, MediaEventName, MediaState } from "./engine.ts";
import { crossingOf, noticeAt } from "./notices.ts";
import { addRange, FilmRanges } from "./ranges.ts";
import type { Range } from "./plan.ts";
import { landingOf, layOut, type PartFinding, type Segment, segmentAt } from "./timeline.ts";
import type { Timeline } from "./timeline.ts";

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
export class TwoElementsEngine implements Engine, MediaState {
  readonly technique = "two-elements";
  readonly #events: EngineEvents;
  readonly #findings = new Map<string, PartFinding>();
  readonly #listening = new AbortController();
  #film: Film;
  #timeline: Timeline;
  #active: HTMLVideoElement;
  #parked: HTMLVideoElement;
  #segment: Segment | null = null;
  #parkedSegment: Segment | null = null;
  #position: number;
  #paused = true;
  #seeking = false;
  #volume: number;
  #muted: boolean;
  #rate: number;
  #swapping = false;
  #known = false;
  #attempts = 0;
  #stuck = false;
  #played: Range[] = [];
  #playedFrom = 0;

  constructor(
    videos: readonly [HTMLVideoElement, HTMLVideoElement],
    film: Film,
    startSeconds: number,
    events: EngineEvents,
  ) {
    [this.#active, this.#parked] = videos;
    const { volume, muted, playbackRate } = this.#active;
    [this.#volume, this.#muted, this.#rate] = [volume, muted, playbackRate];
    this.#film = film;
    this.#events = events;
    this.#timeline = layOut(film, this.#findings);
    this.#position = landingOf(this.#timeline, startSeconds);
    for (const video of videos) this.#listen(video);
    const watch = () => {
      if (this.#listening.signal.aborted) return;
      this.#watchSeam();
      requestAnimationFrame(watch);
    };
    requestAnimationFrame(watch);
    events.media("loadstart");
    this.#enter(this.#position);
  }

  get media(): MediaState {
    return this;
  }
  get visible(): HTMLVideoElement {
    return this.#active;
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
    this.#attempts = 0;
    this.#events.notice({ kind: "none" });
    this.#enter(this.#position);
  }

  close(): void {
    this.#listening.abort();
    for (const video of [this.#active, this.#parked]) {
      video.pause();
      video.removeAttribute("src");
      video.load();
    }
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
      if (!this.#known) {
        for (const name of ["durationchange", "loadedmetadata"] as const) {
          this.#events.media(name);
        }
      }
    });
    on("loadeddata", () => {
      if (!this.#known) this.#events.media("loadeddata");
      this.#known = true;
    });
    on("seeked", () => this.#settled());
    on("canplay", () => {
      this.#settled();
      this.#events.media("canplay");
    });
    on("ended", () => this.#leave());
    on("error", () => this.#onError());
    on("play", () => this.#paused && this.#setPaused(false));
    on("pause", () => {
      if (!this.#swapping && !this.#active.ended && !this.#active.error) this.#setPaused(true);
    });
    globalThis.addEventListener("online", () => this.retry(), { signal });
  }

  #setPaused(paused: boolean): void {
    if (this.#paused === paused) return;
    this.#paused = paused;
    this.#notePlayed();
    this.#events.media(paused ? "pause" : "play");
  }

  #settled(): void {
    if (!this.#seeking || this.#active.seeking || this.#active.readyState < 2) return;
    this.#seeking = false;
    this.#playedFrom = this.currentTime;
    this.#events.media("timeupdate");
    this.#events.media("seeked");
  }

  /** Shows the film's moment `seconds`: in the element that has its part, or by loading it. */
  #enter(seconds: number): void {
    const { segments } = this.#timeline;
    const segment = segments[segmentAt(this.#timeline, seconds)] ?? segments.at(-1);
    this.#position = seconds;
    if (!segment) {
      this.#showNotice();
      return;
    }
    if (segment.archiveId !== this.#segment?.archiveId) {
      if (segment.archiveId === this.#parkedSegment?.archiveId) this.#turnAround();
      else this.#loadInto(this.#active, segment);
      this.#segment = segment;
    }
    this.#active.currentTime = Math.max(0, seconds - segment.placeSeconds);
    if (!this.#paused) this.#active.play().catch(() => {});
  }

  #loadInto(video: HTMLVideoElement, segment: Segment): void {
    this.#swapping = true;
    video.src = segment.mediaUrl;
    this.#apply(video);
    queueMicrotask(() => this.#swapping = false);
  }

  /** The file in hand knows its own length better than the film does. */
  #learn(): void {
    const archiveId = this.#segment?.archiveId;
    const endSeconds = this.#active.duration;
    if (!archiveId || !Number.isFinite(endSeconds) || this.#findings.has(archiveId)) return;
    this.#findings.set(archiveId, { kind: "media", startSeconds: 0, endSeconds });
    this.#relayOut();
  }

  #apply(video: HTMLVideoElement): void {
    video.volume = this.#volume;
    video.muted = this.#muted;
    video.playbackRate = this.#rate;
  }

  #turnAround(): void {
    [this.#active, this.#parked] = [this.#parked, this.#active];
    this.#segment = this.#parkedSegment;
    this.#parkedSegment = null;
    this.#apply(this.#active);
    this.#active.removeAttribute("data-parked");
    this.#parked.setAttribute("data-parked", "");
    this.#parked.pause();
    this.#learn();
  }

  /** Looked at on every frame: parks the next part in time and crosses to it at the seam. */
  #watchSeam(): void {
    const segment = this.#segment;
    if (!segment || this.#seeking || this.#swapping || this.#active.readyState < 2) return;
    this.#position = this.currentTime;
    const next = this.#nextOf(segment);
    if (!next) return;
    if (segment.toSeconds - this.#position < PARK_AHEAD_SECONDS) this.#park(next);
    if (!this.#paused && this.#position >= next.fromSeconds) this.#crossSeam(next);
  }

  #nextOf(segment: Segment): Segment | null {
    const { segments } = this.#timeline;
    return segments[segments.findIndex((s) => s.archiveId === segment.archiveId) + 1] ?? null;
  }

  #park(next: Segment): void {
    if (this.#parkedSegment?.archiveId === next.archiveId) return;
    this.#parkedSegment = next;
    this.#parked.pause();
    this.#parked.muted = true;
    this.#parked.src = next.mediaUrl;
    this.#parked.currentTime = Math.max(0, next.fromSeconds - next.placeSeconds);
  }

  /** The earlier part plays on in the overlap until the later one really runs. */
  #crossSeam(next: Segment): void {
    if (this.#parkedSegment?.archiveId !== next.archiveId || this.#parked.readyState < 3) return;
    this.#swapping = true;
    const entering = this.#parked;
    entering.playbackRate = this.#rate;
    entering.currentTime = Math.max(0, this.#position - next.placeSeconds);
    entering.play().then(() => {
      if (this.#listening.signal.aborted || entering !== this.#parked) return;
      if (!this.#seeking) this.#turnAround();
      if (this.#paused) this.#active.pause();
    }).catch(() => this.#parkedSegment = null).finally(() => this.#swapping = false);
  }

  /** The part in hand is over. */
  #leave(): void {
    const segment = this.#segment;
    if (!segment || this.#swapping) return;
    const next = this.#nextOf(segment);
    this.#notePlayed();
    if (next) {
      const from = this.#position;
      this.#enter(next.fromSeconds);
      const crossing = crossingOf(this.#timeline, from, next.fromSeconds);
      if (crossing) this.#events.crossed(crossing);
      return;
    }
    this.#showNotice();
    if (this.#timeline.open) {
      this.#events.media("waiting");
      return;
    }
    this.#setPaused(true);
    this.#events.media("ended");
  }

  #onError(): void {
    const segment = this.#segment;
    const code = this.#active.error?.code;
    if (!segment || !code) return;
    const delayMs = RETRY_DELAYS_MS[this.#attempts++];
    const again = () => {
      if (this.#listening.signal.aborted || this.#segment !== segment) return;
      this.#segment = null;
      this.#enter(this.#position);
    };
    if (delayMs !== undefined) {
      setTimeout(again, delayMs);
      return;
    }
    this.#segment = null;
    this.#attempts = 0;
    if (code === MediaError.MEDIA_ERR_NETWORK || !navigator.onLine) {
      this.#stuck = true;
      const message = "The recording cannot be reached. Check the connection";
      this.#events.notice({ kind: "error", message });
      return;
    }
    this.#findings.set(segment.archiveId, { kind: "unplayable", reason: "cannot be played" });
    this.#relayOut();
  }

  #relayOut(): void {
    const here = this.#position;
    this.#timeline = layOut(this.#film, this.#findings);
    this.#events.timeline(this.#timeline);
    this.#events.media("durationchange");
    this.#showNotice();
    const segment = this.#segment;
    const still = segment &&
      this.#timeline.segments.find((s) => s.archiveId === segment.archiveId);
    if (still) {
      this.#segment = still;
      // Waiting at its end for a part that has come now.
      if (this.#active.ended && this.#nextOf(still)) this.#leave();
      return;
    }
    const landing = landingOf(this.#timeline, here);
    const crossing = crossingOf(this.#timeline, here, landing);
    if (crossing) this.#events.crossed(crossing);
    this.#enter(landing);
  }

  #showNotice(): void {
    if (!this.#stuck) this.#events.notice(noticeAt(this.#timeline, this.#position));
  }

  #notePlayed(): void {
    this.#played = addRange(this.#played, this.#playedFrom, this.currentTime);
    this.#playedFrom = this.currentTime;
  }

  get currentTime(): number {
    const segment = this.#segment;
    if (!segment || this.#seeking || this.#active.readyState < 1) return this.#position;
    return segment.placeSeconds + this.#active.currentTime;
  }
  set currentTime(seconds: number) {
    this.#notePlayed();
    this.#seeking = true;
    this.#position = landingOf(this.#timeline, seconds);
    this.#events.media("seeking");
    this.#enter(this.#position);
  }
  get duration(): number {
    return this.#known ? this.#timeline.durationSeconds : NaN;
  }
  get buffered(): TimeRanges {
    const place = this.#segment?.placeSeconds ?? 0;
    return new FilmRanges(
      rangesOf(this.#active.buffered).map((range) => ({
        startSeconds: Math.max(0, range.startSeconds + place),
        endSeconds: range.endSeconds + place,
      })),
    );
  }
  get seekable(): TimeRanges {
    const endSeconds = this.#timeline.durationSeconds;
    return new FilmRanges(this.#known ? [{ startSeconds: 0, endSeconds }] : []);
  }
  get played(): TimeRanges {
    const running = this.#paused || this.#seeking ? this.#playedFrom : this.currentTime;
    return new FilmRanges(addRange(this.#played, this.#playedFrom, running));
  }
  get paused(): boolean {
    return this.#paused;
  }
  get ended(): boolean {
    const last = this.#timeline.segments.at(-1)?.archiveId;
    return this.#active.ended && !this.#seeking && !this.#timeline.open &&
      this.#segment?.archiveId === last;
  }
  get seeking(): boolean {
    return this.#seeking;
  }
  get readyState(): number {
    if (this.#known && this.#seeking) return HTMLMediaElement.HAVE_METADATA;
    return this.#active.readyState;
  }
  get networkState(): number {
    return this.#active.networkState;
  }
  get error(): MediaError | null {
    return this.#stuck ? this.#active.error : null;
  }
  get videoWidth(): number {
    return this.#active.videoWidth;
  }
  get videoHeight(): number {
    return this.#active.videoHeight;
  }
  get playbackRate(): number {
    return this.#rate;
  }
  set playbackRate(rate: number) {
    this.#active.playbackRate = rate;
    if (rate === this.#rate) return;
    this.#rate = rate;
    this.#tellSoon("ratechange");
  }
  get defaultPlaybackRate(): number {
    return this.#active.defaultPlaybackRate;
  }
  set defaultPlaybackRate(rate: number) {
    this.#active.defaultPlaybackRate = this.#parked.defaultPlaybackRate = rate;
  }
  get volume(): number {
    return this.#volume;
  }
  set volume(volume: number) {
    this.#active.volume = volume;
    if (volume === this.#volume) return;
    this.#volume = volume;
    this.#tellSoon("volumechange");
  }
  get muted(): boolean {
    return this.#muted;
  }
  set muted(muted: boolean) {
    this.#active.muted = muted;
    if (muted === this.#muted) return;
    this.#muted = muted;
    this.#tellSoon("volumechange");
  }
  /** As a media element does: after the code that made the change. */
  #tellSoon(name: MediaEventName): void {
    setTimeout(() => this.#listening.signal.aborted || this.#events.media(name));
  }

  play(): Promise<void> {
    if (this.ended) this.currentTime = 0;
    const playing = this.#active.play();
    this.#setPaused(false);
    return playing.catch((error: unknown) => {
      const refused = error instanceof DOMException && error.name === "NotAllowedError";
      if (refused) this.#setPaused(true);
      // A new part being loaded interrupts the element's play, not the film's.
      if (refused || this.#paused) throw error;
    });
  }
  pause(): void {
    this.#setPaused(true);
    this.#active.pause();
  }
}
