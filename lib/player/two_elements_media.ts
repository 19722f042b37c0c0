/** Two elements that take turns, seen as one media element over the whole film. Browser only. */
import { rangesOf } from "./buffers.ts";
import type { ElementPair, Settings } from "./element_pair.ts";
import type { MediaEventName, MediaState } from "./engine.ts";
import type { Range } from "./plan.ts";
import { addRange, FilmRanges } from "./ranges.ts";
import { landingOf, type Timeline } from "./timeline.ts";

/** What {@link TwoElementsMedia} asks of the engine that moves the elements. */
export interface TwoElementsOwner {
  readonly timeline: Timeline;
  /** True while nothing can be fetched. */
  readonly stuck: boolean;
  /** Shows the film's moment `seconds`. */
  enter(seconds: number): void;
  /** A media element over the whole film would fire this event now. */
  tell(name: MediaEventName): void;
}

/** The state and the acts of the film's element. */
export class TwoElementsMedia implements MediaState {
  readonly #pair: ElementPair;
  readonly #owner: TwoElementsOwner;
  /** Where playback is, as long as the element on screen cannot tell. */
  positionSeconds: number;
  /** True once the film's first picture has been there. */
  isKnown = false;
  #paused = true;
  #seeking = false;
  #played: Range[] = [];
  #playedFrom = 0;

  constructor(pair: ElementPair, owner: TwoElementsOwner, startSeconds: number) {
    this.#pair = pair;
    this.#owner = owner;
    this.positionSeconds = startSeconds;
  }

  get #active(): HTMLVideoElement {
    return this.#pair.active;
  }

  /** Notes, and tells, that playback was begun or stopped. */
  setPaused(paused: boolean): void {
    if (this.#paused === paused) return;
    this.#paused = paused;
    this.notePlayed();
    this.#owner.tell(paused ? "pause" : "play");
  }

  /** Ends a seek once the element on screen has arrived. */
  settle(): void {
    if (!this.#seeking || this.#active.seeking || this.#active.readyState < 2) return;
    this.#seeking = false;
    this.#playedFrom = this.currentTime;
    this.#owner.tell("timeupdate");
    this.#owner.tell("seeked");
  }

  /** Adds what was played until now to {@link played}. */
  notePlayed(): void {
    this.#played = addRange(this.#played, this.#playedFrom, this.currentTime);
    this.#playedFrom = this.currentTime;
  }

  get currentTime(): number {
    const segment = this.#pair.segment;
    if (!segment || this.#seeking || this.#active.readyState < 1) return this.positionSeconds;
    return segment.placeSeconds + this.#active.currentTime;
  }
  set currentTime(seconds: number) {
    this.notePlayed();
    this.#seeking = true;
    this.positionSeconds = landingOf(this.#owner.timeline, seconds);
    this.#owner.tell("seeking");
    this.#owner.enter(this.positionSeconds);
  }
  get duration(): number {
    return this.isKnown ? this.#owner.timeline.durationSeconds : NaN;
  }
  get buffered(): TimeRanges {
    const place = this.#pair.segment?.placeSeconds ?? 0;
    return new FilmRanges(
      rangesOf(this.#active.buffered).map((range) => ({
        startSeconds: Math.max(0, range.startSeconds + place),
        endSeconds: range.endSeconds + place,
      })),
    );
  }
  get seekable(): TimeRanges {
    const endSeconds = this.#owner.timeline.durationSeconds;
    return new FilmRanges(this.isKnown ? [{ startSeconds: 0, endSeconds }] : []);
  }
  get played(): TimeRanges {
    const running = this.#paused || this.#seeking ? this.#playedFrom : this.currentTime;
    return new FilmRanges(addRange(this.#played, this.#playedFrom, running));
  }
  get paused(): boolean {
    return this.#paused;
  }
  get ended(): boolean {
    const last = this.#owner.timeline.segments.at(-1)?.archiveId;
    return this.#active.ended && !this.#seeking && !this.#owner.timeline.open &&
      this.#pair.segment?.archiveId === last;
  }
  get seeking(): boolean {
    return this.#seeking;
  }
  get readyState(): number {
    if (this.isKnown && this.#seeking) return HTMLMediaElement.HAVE_METADATA;
    return this.#active.readyState;
  }
  get networkState(): number {
    return this.#active.networkState;
  }
  get error(): MediaError | null {
    return this.#owner.stuck ? this.#active.error : null;
  }
  get videoWidth(): number {
    return this.#active.videoWidth;
  }
  get videoHeight(): number {
    return this.#active.videoHeight;
  }
  get playbackRate(): number {
    return this.#pair.settings.playbackRate;
  }
  set playbackRate(rate: number) {
    this.#set("playbackRate", rate, "ratechange");
  }
  get defaultPlaybackRate(): number {
    return this.#active.defaultPlaybackRate;
  }
  set defaultPlaybackRate(rate: number) {
    this.#active.defaultPlaybackRate = this.#pair.parked.defaultPlaybackRate = rate;
  }
  get volume(): number {
    return this.#pair.settings.volume;
  }
  set volume(volume: number) {
    this.#set("volume", volume, "volumechange");
  }
  get muted(): boolean {
    return this.#pair.settings.muted;
  }
  set muted(muted: boolean) {
    this.#set("muted", muted, "volumechange");
  }
  #set<Name extends keyof Settings>(
    name: Name,
    value: Settings[Name],
    told: MediaEventName,
  ): void {
    if (this.#pair.set(name, value)) this.#tellSoon(told);
  }
  /** As a media element does: after the code that made the change. */
  #tellSoon(name: MediaEventName): void {
    setTimeout(() => this.#owner.tell(name));
  }

  play(): Promise<void> {
    if (this.ended) this.currentTime = 0;
    const playing = this.#active.play();
    this.setPaused(false);
    return playing.catch((error: unknown) => {
      const refused = error instanceof DOMException && error.name === "NotAllowedError";
      if (refused) this.setPaused(true);
      // A new part being loaded interrupts the element's play, not the film's.
      if (refused || this.#paused) throw error;
    });
  }
  pause(): void {
    this.setPaused(true);
    this.#active.pause();
  }
}
