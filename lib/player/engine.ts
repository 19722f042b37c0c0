/** What the element asks of a way of playing a film, and what it is told back. */
import type { Film } from "../recording/views.ts";
import type { Timeline } from "./timeline.ts";

/** How a film is played: one element fed by MediaSource, or two elements that take turns. */
export type Technique = "media-source" | "two-elements";

/** What the viewer should know beyond a media element's own state. */
export type Notice =
  /** Nothing to add. */
  | { kind: "none" }
  /** Playback has reached a part that cannot be read yet. */
  | { kind: "awaiting-part"; seq: number; reason: string }
  /** Nothing can be played until the viewer, or the network, tries again. */
  | { kind: "error"; message: string };

/** A stretch of the film was jumped over because nothing can show it. */
export interface Crossing {
  fromSeconds: number;
  toSeconds: number;
  /** The parts that should have shown it; empty for a gap in the recording. */
  parts: { seq: number; reason: string }[];
}

/** The events of a media element. */
export const MEDIA_EVENTS = [
  "abort",
  "canplay",
  "canplaythrough",
  "durationchange",
  "emptied",
  "ended",
  "error",
  "loadeddata",
  "loadedmetadata",
  "loadstart",
  "pause",
  "play",
  "playing",
  "progress",
  "ratechange",
  "resize",
  "seeked",
  "seeking",
  "stalled",
  "suspend",
  "timeupdate",
  "volumechange",
  "waiting",
] as const;
/** The name of a media element's event. */
export type MediaEventName = (typeof MEDIA_EVENTS)[number];

/** What an engine tells the element. */
export interface EngineEvents {
  /** A media element over the whole film would fire this event now. */
  media(name: MediaEventName): void;
  timeline(timeline: Timeline): void;
  notice(notice: Notice): void;
  crossed(crossing: Crossing): void;
  /** This engine cannot play this film, another one may: go on there from where playback is. */
  surrender(reason: string): void;
}

/** The part of a media element's interface that depends on how the film is played. */
export interface MediaState {
  currentTime: number;
  readonly duration: number;
  readonly buffered: TimeRanges;
  readonly seekable: TimeRanges;
  readonly played: TimeRanges;
  readonly paused: boolean;
  readonly ended: boolean;
  readonly seeking: boolean;
  readonly readyState: number;
  readonly networkState: number;
  readonly error: MediaError | null;
  readonly videoWidth: number;
  readonly videoHeight: number;
  playbackRate: number;
  defaultPlaybackRate: number;
  volume: number;
  muted: boolean;
  play(): Promise<void>;
  pause(): void;
}

/** A way of playing a film. */
export interface Engine {
  readonly technique: Technique;
  readonly media: MediaState;
  readonly timeline: Timeline;
  /** The element on screen now, for picture-in-picture and frame callbacks. */
  readonly visible: HTMLVideoElement;
  /** Takes a newer version of the same film without interrupting playback. */
  update(film: Film): void;
  /** Tries again what ended in an error notice. */
  retry(): void;
  close(): void;
}
