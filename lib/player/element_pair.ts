/** Two media elements that take turns: one is on screen, the other is parked. Browser only. */
import type { Segment } from "./timeline.ts";

/** What a viewer sets on a media element; both elements follow it. */
export interface Settings {
  volume: number;
  muted: boolean;
  playbackRate: number;
}

/** How soon parking a part is tried again where it failed. */
const PARK_AGAIN_MS = 3_000;

/** The pair. What is parked is silent and out of sight. */
export class ElementPair {
  readonly #settings: Settings;
  #active: HTMLVideoElement;
  #parked: HTMLVideoElement;
  #segment: Segment | null = null;
  #parkedSegment: Segment | null = null;
  #isChanging = false;
  #parkedAtMs = 0;

  constructor([active, parked]: readonly [HTMLVideoElement, HTMLVideoElement]) {
    [this.#active, this.#parked] = [active, parked];
    const { volume, muted, playbackRate } = active;
    this.#settings = { volume, muted, playbackRate };
  }

  /** The element on screen. */
  get active(): HTMLVideoElement {
    return this.#active;
  }
  /** The element that waits. */
  get parked(): HTMLVideoElement {
    return this.#parked;
  }
  /** What the element on screen has; null before anything. */
  get segment(): Segment | null {
    return this.#segment;
  }
  /** The same segment, in a newer layout. */
  set segment(segment: Segment | null) {
    this.#segment = segment;
  }
  /** Whose first picture the parked element waits on; null if nobody's. */
  get parkedSegment(): Segment | null {
    return this.#parkedSegment;
  }
  /** True while the elements change places or files: their pauses are nobody's wish. */
  get isChanging(): boolean {
    return this.#isChanging;
  }
  /** What the viewer has set. */
  get settings(): Readonly<Settings> {
    return this.#settings;
  }

  /** Sets one thing; false if it was so already. Throws what the element throws. */
  set<Name extends keyof Settings>(name: Name, value: Settings[Name]): boolean {
    Object.assign(this.#active, { [name]: value });
    if (this.#settings[name] === value) return false;
    this.#settings[name] = value;
    return true;
  }

  /** Shows `segment`: turns to it where it is parked, or loads it into the element on screen. */
  show(segment: Segment): void {
    if (segment.archiveId === this.#segment?.archiveId) return;
    const isParked = segment.archiveId === this.#parkedSegment?.archiveId;
    if (isParked && !this.#parked.error) this.#turn();
    else {
      this.#isChanging = true;
      this.#active.src = segment.mediaUrl;
      Object.assign(this.#active, this.#settings);
      queueMicrotask(() => this.#isChanging = false);
    }
    this.#segment = segment;
  }

  /** Has the other element wait on the first picture of `next`. */
  park(next: Segment): void {
    const failed = this.#parked.error && performance.now() - this.#parkedAtMs > PARK_AGAIN_MS;
    if (this.#parkedSegment?.archiveId === next.archiveId && !failed) return;
    this.#parkedSegment = next;
    this.#parkedAtMs = performance.now();
    this.#parked.pause();
    this.#parked.muted = true;
    this.#parked.src = next.mediaUrl;
    this.#parked.currentTime = Math.max(0, next.fromSeconds - next.placeSeconds);
  }

  /**
   * Turns to what is parked as soon as it runs, from film time `seconds` on; until then the element on
   * screen plays on. False if it cannot, or `isWanted` no longer says yes when it could.
   */
  async cross(seconds: number, isWanted: () => boolean): Promise<boolean> {
    const [entering, segment] = [this.#parked, this.#parkedSegment];
    if (!segment) return false;
    this.#isChanging = true;
    entering.playbackRate = this.#settings.playbackRate;
    entering.currentTime = Math.max(0, seconds - segment.placeSeconds);
    try {
      await entering.play();
      if (entering !== this.#parked) return false;
      if (isWanted()) this.#turn();
      else entering.pause();
      return entering === this.#active;
    } catch {
      this.#parkedSegment = null;
      return false;
    } finally {
      this.#isChanging = false;
    }
  }

  /** Empties both. */
  close(): void {
    for (const video of [this.#active, this.#parked]) {
      video.pause();
      video.removeAttribute("src");
      video.load();
    }
  }

  #turn(): void {
    const floating = isFloating(this.#active);
    [this.#active, this.#parked] = [this.#parked, this.#active];
    [this.#segment, this.#parkedSegment] = [this.#parkedSegment, null];
    Object.assign(this.#active, this.#settings);
    this.#active.removeAttribute("data-parked");
    this.#parked.setAttribute("data-parked", "");
    this.#parked.pause();
    // The little window goes with the picture; a browser that wants a tap first keeps the old one.
    if (floating) this.#active.requestPictureInPicture().catch(() => {});
  }
}

function isFloating(video: HTMLVideoElement): boolean {
  const root = video.getRootNode();
  return root instanceof ShadowRoot && root.pictureInPictureElement === video;
}
