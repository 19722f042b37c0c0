/**
 * `<gapless-video>`: a media element over a whole chain. It behaves as a `<video>` whose file is the
 * film; what only a film made of parts can say comes in events of its own. Browser only.
 */
import type { Film } from "../recording/views.ts";
import { mediaSourceClass } from "./buffers.ts";
import type { Crossing, Engine, EngineEvents, MediaState, Notice } from "./engine.ts";
import { ForwardingElement } from "./forwarding_element.ts";
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
export class GaplessVideo extends ForwardingElement {
  static readonly observedAttributes = ["muted"];
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

  attributeChangedCallback(_name: "muted", _old: string | null, value: string | null): void {
    this.media.muted = value !== null;
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
    if (film) this.#start(this.#videos[0].currentTime);
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

  /** `fallback`: why one element fed by MediaSource will not do. */
  #start(seconds: number, fallback = mediaSourceClass() ? null : "No MediaSource"): void {
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
        const { currentTime, paused, playbackRate, volume, muted } = this.media;
        this.#close();
        this.#start(currentTime, why);
        Object.assign(this.media, { playbackRate, volume, muted });
        if (!paused) this.media.play().catch(() => {});
      },
    };
    const engine: Engine = fallback === null
      ? new MediaSourceEngine(this.#videos[0], film, seconds, events)
      : new TwoElementsEngine(this.#videos, film, seconds, events);
    this.#engine = engine;
    this.dataset.technique = engine.technique;
    if (fallback !== null) this.dataset.techniqueReason = fallback;
    this.#tell("gapless-timeline", engine.timeline);
  }

  #close(): void {
    this.#engine?.close();
    this.#engine = null;
    this.#notice = { kind: "none" };
    delete this.dataset.technique;
    delete this.dataset.techniqueReason;
  }

  #tell<Name extends keyof GaplessEvents>(
    name: Name,
    detail: GaplessEvents[Name]["detail"],
  ): void {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  protected override get media(): MediaState {
    return this.#engine?.media ?? this.#videos[0];
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
  /** Starts over from the beginning. */
  load(): void {
    this.#close();
    this.#start(0);
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
