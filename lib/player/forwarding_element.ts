/** A media element's interface over whatever plays. Browser only. */
import type { MediaState } from "./engine.ts";

/** An element that answers for {@link media} as if it were it. */
export abstract class ForwardingElement extends HTMLElement implements MediaState {
  /** What plays now. */
  protected abstract get media(): MediaState;

  get currentTime(): number {
    return this.media.currentTime;
  }
  set currentTime(seconds: number) {
    this.media.currentTime = seconds;
  }
  get duration(): number {
    return this.media.duration;
  }
  get buffered(): TimeRanges {
    return this.media.buffered;
  }
  get seekable(): TimeRanges {
    return this.media.seekable;
  }
  get played(): TimeRanges {
    return this.media.played;
  }
  get paused(): boolean {
    return this.media.paused;
  }
  get ended(): boolean {
    return this.media.ended;
  }
  get seeking(): boolean {
    return this.media.seeking;
  }
  get readyState(): number {
    return this.media.readyState;
  }
  get networkState(): number {
    return this.media.networkState;
  }
  get error(): MediaError | null {
    return this.media.error;
  }
  get videoWidth(): number {
    return this.media.videoWidth;
  }
  get videoHeight(): number {
    return this.media.videoHeight;
  }
  get playbackRate(): number {
    return this.media.playbackRate;
  }
  set playbackRate(rate: number) {
    this.media.playbackRate = rate;
  }
  get defaultPlaybackRate(): number {
    return this.media.defaultPlaybackRate;
  }
  set defaultPlaybackRate(rate: number) {
    this.media.defaultPlaybackRate = rate;
  }
  get volume(): number {
    return this.media.volume;
  }
  set volume(volume: number) {
    this.media.volume = volume;
  }
  get muted(): boolean {
    return this.media.muted;
  }
  set muted(muted: boolean) {
    this.media.muted = muted;
  }
  /** Plays, or rejects with `NotAllowedError` where the browser wants a tap first. */
  async play(): Promise<void> {
    try {
      await this.media.play();
    } catch (error) {
      // What plays the film took other data in: that interrupted an element's play, not the film's.
      const isInterrupted = error instanceof DOMException && error.name === "AbortError";
      if (!isInterrupted || this.paused) throw error;
      await this.play();
    }
  }
  pause(): void {
    this.media.pause();
  }

  get defaultMuted(): boolean {
    return this.hasAttribute("muted");
  }
  set defaultMuted(muted: boolean) {
    this.toggleAttribute("muted", muted);
  }
}
