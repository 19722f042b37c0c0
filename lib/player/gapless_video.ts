/**
 * `<gapless-video>`: a media element over a whole chain. It behaves as a `<video>` whose file is the
 * film; what only a film made of parts can say comes in events of its own. Browser only.
 */
import type { Film } from "../recording/views.ts";
import { mediaSourceClass } from "./buffers.ts";
import type { Crossing, Engine, EngineEvents, MediaState, Notice } from "./engine.ts";
import { MediaSourceEngine } from "./media_source_engine.ts";
import type { Timeline } from "./timeline.ts";
import { TwoElementsEngine } from "./two_elements_engine.ts";

/** Events that `<gapless-video>` fires besides those of a media element. */
export interface GaplessEvents {
  /** The layout of the film is known or has changed. */
  "gapless-timeline": CustomEvent<Timeline>;
  /** What the viewer should be told has changed. */
  "gapless-notice": CustomEvent<Notice>;
  /** A stretch that nothing can show was jumped over. */
  "gapless-crossed": CustomEvent<Crossing>;
}

const CSS = `
  :host { display: block; position: relative; background: #000; aspect-ratio: 16 / 9; }
  :host([hidden]) { display: none; }
  video { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; }
  video[data-parked] { visibility: hidden; }
`;

/** The element. Give it a {@link Film}; `data-technique` then says how it is played, and why. */
export class GaplessVideo extends HTMLElement implements MediaState {
  static readonly observedAttributes = ["muted", "autoplay", "loop"];
  readonly #videos: readonly [HTMLVideoElement, HTMLVideoElement];
  #engine: Engine | null = null;
  #film: Film | null = null;
  #notice: Notice = { kind: "none" };

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
    root.adoptedStyleSheets = [sheet];
    this.#videos = [document.createElement("video"), document.createElement("video")];
    for (const video of this.#videos) {
      video.playsInline = true;
      video.preload = "auto";
      for (const name of ["enterpictureinpicture", "leavepictureinpicture"]) {
        video.addEventListener(name, () => this.dispatchEvent(new Event(name)));
      }
    }
    this.#videos[1].toggleAttribute("data-parked", true);
    root.append(...this.#videos);
  }

  attributeChangedCallback(name: string, _old: string | null, value: string | null): void {
    const on = value !== null;
    if (name === "muted") this.#media.muted = on;
    else for (const video of this.#videos) video.toggleAttribute(name, on);
  }

  disconnectedCallback(): void {
    // Moved, not removed: playback goes on.
    queueMicrotask(() => this.isConnected || this.#close());
  }

  /** What is played. A newer version of the same chain is taken over without a break. */
  get film(): Film | null {
    return this.#film;
  }
  set film(film: Film | null) {
    const same = film !== null && this.#film?.chainId === film.chainId;
    this.#film = film;
    if (same && this.#engine) {
      this.#engine.update(film);
      return;
    }
    this.#close();
    if (film) this.#start(this.#videos[0].currentTime, mediaSourceClass() !== null, "");
  }

  /** How the parts lie on the timeline; null without a film. */
  get timeline(): Timeline | null {
    return this.#engine?.timeline ?? null;
  }
  /** What the viewer should be told now. */
  get notice(): Notice {
    return this.#notice;
  }
  /** The `<video>` that is on screen now. */
  get visibleVideo(): HTMLVideoElement {
    return this.#engine?.visible ?? this.#videos[0];
  }
  /** Tries again what ended in an error notice. */
  retry(): void {
    this.#engine?.retry();
  }

  #start(seconds: number, mediaSource: boolean, reason: string): void {
    const film = this.#film;
    if (!film) return;
    const events: EngineEvents = {
      media: (name) => this.dispatchEvent(new Event(name)),
      timeline: (timeline) => this.#tell("gapless-timeline", timeline),
      notice: (notice) => {
        if (JSON.stringify(notice) === JSON.stringify(this.#notice)) return;
        this.#notice = notice;
        this.#tell("gapless-notice", notice);
      },
      crossed: (crossing) => this.#tell("gapless-crossed", crossing),
      surrender: (why) => {
        const { currentTime, paused, playbackRate, volume, muted } = this.#media;
        this.#close();
        this.#start(currentTime, false, why);
        Object.assign(this.#media, { playbackRate, volume, muted });
        if (!paused) this.#media.play().catch(() => {});
      },
    };
    const engine: Engine = mediaSource
      ? new MediaSourceEngine(this.#videos[0], film, seconds, events)
      : new TwoElementsEngine(this.#videos, film, seconds, events);
    this.#engine = engine;
    this.dataset.technique = engine.technique;
    if (reason) this.dataset.techniqueReason = reason;
    else delete this.dataset.techniqueReason;
    this.#tell("gapless-timeline", engine.timeline);
  }

  #close(): void {
    this.#engine?.close();
    this.#engine = null;
    this.#notice = { kind: "none" };
    delete this.dataset.technique;
  }

  #tell<Name extends keyof GaplessEvents>(
    name: Name,
    detail: GaplessEvents[Name]["detail"],
  ): void {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  get #media(): MediaState {
    return this.#engine?.media ?? this.#videos[0];
  }

  get currentTime(): number {
    return this.#media.currentTime;
  }
  set currentTime(seconds: number) {
    this.#media.currentTime = seconds;
  }
  get duration(): number {
    return this.#media.duration;
  }
  get buffered(): TimeRanges {
    return this.#media.buffered;
  }
  get seekable(): TimeRanges {
    return this.#media.seekable;
  }
  get played(): TimeRanges {
    return this.#media.played;
  }
  get paused(): boolean {
    return this.#media.paused;
  }
  get ended(): boolean {
    return this.#media.ended;
  }
  get seeking(): boolean {
    return this.#media.seeking;
  }
  get readyState(): number {
    return this.#media.readyState;
  }
  get networkState(): number {
    return this.#media.networkState;
  }
  get error(): MediaError | null {
    return this.#media.error;
  }
  get videoWidth(): number {
    return this.#media.videoWidth;
  }
  get videoHeight(): number {
    return this.#media.videoHeight;
  }
  get playbackRate(): number {
    return this.#media.playbackRate;
  }
  set playbackRate(rate: number) {
    this.#media.playbackRate = rate;
  }
  get defaultPlaybackRate(): number {
    return this.#media.defaultPlaybackRate;
  }
  set defaultPlaybackRate(rate: number) {
    this.#media.defaultPlaybackRate = rate;
  }
  get volume(): number {
    return this.#media.volume;
  }
  set volume(volume: number) {
    this.#media.volume = volume;
  }
  get muted(): boolean {
    return this.#media.muted;
  }
  set muted(muted: boolean) {
    this.#media.muted = muted;
  }
  get defaultMuted(): boolean {
    return this.hasAttribute("muted");
  }
  set defaultMuted(muted: boolean) {
    this.toggleAttribute("muted", muted);
  }
  get autoplay(): boolean {
    return this.hasAttribute("autoplay");
  }
  set autoplay(on: boolean) {
    this.toggleAttribute("autoplay", on);
  }
  get loop(): boolean {
    return this.hasAttribute("loop");
  }
  set loop(on: boolean) {
    this.toggleAttribute("loop", on);
  }
  get currentSrc(): string {
    return this.#film ? this.#videos[0].currentSrc : "";
  }
  get textTracks(): TextTrackList {
    return this.#videos[0].textTracks;
  }
  /** Adds a text track, as a media element does; the chapters are one. */
  addTextTrack(kind: TextTrackKind, label?: string, language?: string): TextTrack {
    return this.#videos[0].addTextTrack(kind, label, language);
  }
  /** Plays, or rejects with `NotAllowedError` where the browser wants a tap first. */
  play(): Promise<void> {
    return this.#media.play();
  }
  pause(): void {
    this.#media.pause();
  }
  /** Starts over from the beginning. */
  load(): void {
    this.#close();
    this.#start(0, mediaSourceClass() !== null, "");
  }
  canPlayType(type: string): CanPlayTypeResult {
    return this.#videos[0].canPlayType(type);
  }
  requestPictureInPicture(): Promise<PictureInPictureWindow> {
    return this.visibleVideo.requestPictureInPicture();
  }
  requestVideoFrameCallback(callback: VideoFrameRequestCallback): number {
    return this.visibleVideo.requestVideoFrameCallback(callback);
  }
  cancelVideoFrameCallback(handle: number): void {
    this.visibleVideo.cancelVideoFrameCallback(handle);
  }
}

/** Makes `<gapless-video>` known to the page; harmless when called again. */
export function defineGaplessVideo(): void {
  if (!customElements.get("gapless-video")) customElements.define("gapless-video", GaplessVideo);
}

declare global {
  interface HTMLElementTagNameMap {
    "gapless-video": GaplessVideo;
  }
}
