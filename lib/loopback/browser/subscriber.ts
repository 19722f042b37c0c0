/** What a page shows of somebody else's stream. */
import type OT from "@opentok/client";
import { Emitter } from "./emitter.ts";
import { createVideoElement, insertElement, removeVideoElement } from "./media.ts";
import type { Inbound } from "./inbound.ts";
import { withPromise } from "./promise.ts";
import type { Stream } from "./roster.ts";

/** A subscriber with the interface of OpenTok.js's, as far as a call needs it. */
export class Subscriber extends Emitter {
  readonly id = crypto.randomUUID();
  element: HTMLElement | undefined;
  /** What this subscriber plays; separate from the connection's media, which others use too. */
  readonly #media = new MediaStream();
  readonly #unwatch: () => void;
  #video: HTMLVideoElement | undefined;
  #volume: number;
  #wantsAudio: boolean;
  #wantsVideo: boolean;
  #destroyed = false;
  #interrupted = false;

  constructor(
    readonly stream: Stream,
    private readonly target: HTMLElement | string | undefined,
    private readonly properties: OT.SubscriberProperties,
    private readonly inbound: Inbound,
  ) {
    super();
    this.#volume = properties.audioVolume ?? 100;
    this.#wantsAudio = properties.subscribeToAudio ?? true;
    this.#wantsVideo = properties.subscribeToVideo ?? true;
    this.#unwatch = inbound.watch((state) => {
      if (state === "media") this.#play();
      else if (state === "interrupted") this.#interrupt();
      else this.emit("disconnected");
    });
    inbound.retain();
  }

  /** Shows media that is there already (somebody else in this page subscribed before). */
  start(): void {
    if (this.inbound.connected) this.#play();
  }

  /** Plays the sound or not. */
  readonly subscribeToAudio = withPromise((value: boolean) => {
    this.#setAudio(value);
    return this;
  }, (value: boolean) => Promise.resolve(this.#setAudio(value)));

  /** Shows the picture or not. */
  readonly subscribeToVideo = withPromise((value: boolean) => {
    this.#setVideo(value);
    return this;
  }, (value: boolean) => Promise.resolve(this.#setVideo(value)));

  /** Sets the volume, 0 to 100. */
  readonly setAudioVolume = withPromise((value: number) => {
    this.#setVolume(value);
    return this;
  }, (value: number) => Promise.resolve(this.#setVolume(value)));

  /** The volume, 0 to 100. */
  getAudioVolume(): number {
    return this.#volume;
  }

  /** True when the browser refuses to play sound before a gesture. */
  isAudioBlocked(): boolean {
    return this.#video?.paused ?? false;
  }

  /** Width of the picture, pixels. */
  videoWidth(): number | undefined {
    return this.#video?.videoWidth || undefined;
  }

  /** Height of the picture, pixels. */
  videoHeight(): number | undefined {
    return this.#video?.videoHeight || undefined;
  }

  /** Ends the subscription; `reason` is what the `destroyed` event carries. */
  end(reason: string): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#unwatch();
    this.inbound.release();
    removeVideoElement(this.#video);
    this.emit("destroyed", { reason });
    this.off();
  }

  #play(): void {
    for (const track of this.#media.getTracks()) this.#media.removeTrack(track);
    for (const track of this.inbound.media.getTracks()) {
      if (track.kind === "audio" || this.#wantsVideo) this.#media.addTrack(track);
    }
    if (this.#video === undefined) {
      const element = createVideoElement(this.#media, !this.#wantsAudio);
      this.#video = this.element = element;
      this.#setVolume(this.#volume);
      if (this.properties.insertDefaultUI !== false) {
        insertElement(element, this.target, this.properties.insertMode);
      }
      this.emit("videoElementCreated", { element });
      this.emit("mediaStreamAvailable", { mediaStream: this.#media });
    }
    this.#video.play().catch((error) => {
      if (error instanceof DOMException && error.name === "NotAllowedError") {
        this.emit("audioBlocked");
      }
    });
    if (this.#interrupted) this.emit("connected");
    this.#interrupted = false;
  }

  #interrupt(): void {
    if (this.#interrupted) return;
    this.#interrupted = true;
    this.emit("disconnected");
  }

  #setAudio(value: boolean): void {
    this.#wantsAudio = value;
    if (this.#video !== undefined) this.#video.muted = !value;
  }

  #setVideo(value: boolean): void {
    if (value === this.#wantsVideo) return;
    this.#wantsVideo = value;
    for (const track of this.inbound.media.getVideoTracks()) {
      if (value) this.#media.addTrack(track);
      else this.#media.removeTrack(track);
    }
    this.emit(value ? "videoEnabled" : "videoDisabled", { reason: "subscribeToVideo" });
  }

  #setVolume(value: number): void {
    this.#volume = Math.min(100, Math.max(0, value));
    if (this.#video !== undefined) this.#video.volume = this.#volume / 100;
  }
}
