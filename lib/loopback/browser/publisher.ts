/** What a page sends: one camera, one microphone, published to one session. */
import type OT from "@opentok/client";
import { ClientError, clientError } from "./errors.ts";
import { Emitter } from "./emitter.ts";
import { createVideoElement, insertElement, openTracks, removeVideoElement } from "./media.ts";
import { withPromise } from "./promise.ts";
import type { Stream } from "./roster.ts";
import type { Session } from "./session.ts";

/** Names this page in the sources of its streams. */
const pageId = crypto.randomUUID();

/** A publisher with the interface of OpenTok.js's, as far as a call needs it. */
export class Publisher extends Emitter {
  readonly id = crypto.randomUUID();
  accessAllowed = false;
  element: HTMLVideoElement | undefined;
  session: Session | undefined;
  stream: Stream | undefined;
  /** Settles when the camera and microphone are open, or cannot be. */
  readonly ready: Promise<void>;
  readonly media = new MediaStream();
  #destroyed = false;

  constructor(
    target: HTMLElement | string | undefined,
    private readonly properties: OT.PublisherProperties,
  ) {
    super();
    this.ready = this.#open(target);
    this.ready.catch(() => {}); // reported by the callback and by publish()
  }

  /** Sends or stops sending sound; the microphone stays open. */
  readonly publishAudio = withPromise((value: boolean) => {
    this.#enable("audio", value);
    return this;
  }, (value: boolean) => Promise.resolve(this.#enable("audio", value)));

  /** Sends or stops sending the picture; the camera stays open. */
  readonly publishVideo = withPromise((value: boolean, callback?: (error?: OT.OTError) => void) => {
    this.#enable("video", value);
    callback?.();
    return this;
  }, (value: boolean) => Promise.resolve(this.#enable("video", value)));

  /** Unpublishes, and stops the tracks, given ones too (as OpenTok.js does). */
  readonly destroy = withPromise(() => {
    this.#destroy();
    return this;
  }, () => Promise.resolve(this.#destroy()));

  /** The microphone's track. */
  getAudioSource(): MediaStreamTrack | undefined {
    return this.media.getAudioTracks()[0];
  }

  /** The camera's track, and its device. */
  getVideoSource(): {
    deviceId: string | null;
    type: string | null;
    track: MediaStreamTrack | null;
  } {
    const track = this.media.getVideoTracks()[0] ?? null;
    return {
      deviceId: track?.getSettings().deviceId ?? null,
      type: track === null ? null : "camera",
      track,
    };
  }

  /** Takes the sound from another microphone from now on. */
  async setAudioSource(source: string | MediaStreamTrack): Promise<undefined> {
    await this.#replace("audio", { ...this.properties, audioSource: source, videoSource: false });
  }

  /** Takes the picture from another camera from now on. */
  async setVideoSource(deviceId: string): Promise<undefined> {
    await this.#replace("video", {
      ...this.properties,
      audioSource: false,
      videoSource: deviceId,
    });
  }

  /** Width of the captured picture, pixels. */
  videoWidth(): number | undefined {
    return this.media.getVideoTracks()[0]?.getSettings().width;
  }

  /** Height of the captured picture, pixels. */
  videoHeight(): number | undefined {
    return this.media.getVideoTracks()[0]?.getSettings().height;
  }

  /** The stream as the platform is told of it. */
  describe(streamId: string): {
    id: string;
    name: string;
    hasAudio: boolean;
    hasVideo: boolean;
    videoType: "camera" | "custom";
    width: number;
    height: number;
    source: string;
  } {
    const video = this.media.getVideoTracks()[0];
    const { width = 0, height = 0, deviceId } = video?.getSettings() ?? {};
    return {
      id: streamId,
      name: this.properties.name ?? "",
      hasAudio: this.media.getAudioTracks()[0]?.enabled ?? false,
      hasVideo: video?.enabled ?? false,
      videoType: video !== undefined && deviceId === undefined ? "custom" : "camera",
      width,
      height,
      source: [pageId, ...this.media.getTracks().map(trackSource).sort()].join("/"),
    };
  }

  async #open(target: HTMLElement | string | undefined): Promise<void> {
    try {
      const tracks = await openTracks(this.properties);
      if (this.#destroyed) {
        for (const track of tracks) track.stop();
        throw new ClientError("OT_MEDIA_ERR_ABORTED", "Publish: the publisher was destroyed");
      }
      for (const track of tracks) this.#adopt(track);
    } catch (cause) {
      const error = clientError(cause, "OT_MEDIA_ERR_ABORTED");
      if (error.name === "OT_USER_MEDIA_ACCESS_DENIED") this.emit("accessDenied", {}, true);
      throw error;
    }
    this.accessAllowed = true;
    this.emit("accessAllowed");
    const element = createVideoElement(this.media, true);
    this.element = element;
    if (this.properties.insertDefaultUI !== false) {
      insertElement(element, target, this.properties.insertMode);
    }
    this.emit("videoElementCreated", { element });
    this.emit("mediaStreamAvailable", { mediaStream: this.media });
  }

  #adopt(track: MediaStreamTrack): void {
    const wanted = track.kind === "audio"
      ? this.properties.publishAudio
      : this.properties.publishVideo;
    track.enabled = wanted ?? true;
    track.addEventListener("ended", () => this.emit("mediaStopped", { track }));
    this.media.addTrack(track);
  }

  #enable(kind: "audio" | "video", value: boolean): void {
    this.properties[kind === "audio" ? "publishAudio" : "publishVideo"] = value;
    for (const track of this.media.getTracks()) {
      if (track.kind === kind) track.enabled = value;
    }
    this.session?.publisherChanged(this);
  }

  async #replace(kind: "audio" | "video", properties: OT.PublisherProperties): Promise<void> {
    const [track] = await openTracks(properties);
    if (track === undefined) return;
    const old = this.media.getTracks().filter((each) => each.kind === kind);
    this.#adopt(track);
    for (const each of old) {
      await this.session?.replaceTrack(this, each, track);
      this.media.removeTrack(each);
      each.stop();
    }
    this.session?.publisherChanged(this);
  }

  #destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.session?.unpublish(this);
    for (const track of this.media.getTracks()) track.stop();
    removeVideoElement(this.element);
    this.emit("destroyed");
    this.off();
  }
}

/** Names the device behind a track: clones of one capture share it. */
export function trackSource(track: MediaStreamTrack): string {
  return `${track.kind}:${track.getSettings().deviceId ?? track.id}`;
}
