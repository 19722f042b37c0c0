/** The custom elements of the player, as JSX knows them. */
import type { HTMLAttributes } from "preact";

interface ControlAttributes extends HTMLAttributes<HTMLElement> {
  seekoffset?: string;
  rates?: string;
  showduration?: boolean;
  hotkeys?: string;
  defaultsubtitles?: boolean;
}

declare module "preact" {
  namespace JSX {
    interface IntrinsicElements {
      "gapless-video": HTMLAttributes<HTMLElement>;
      "media-controller": ControlAttributes;
      "media-control-bar": ControlAttributes;
      "media-fullscreen-button": ControlAttributes;
      "media-loading-indicator": ControlAttributes;
      "media-mute-button": ControlAttributes;
      "media-pip-button": ControlAttributes;
      "media-play-button": ControlAttributes;
      "media-playback-rate-button": ControlAttributes;
      "media-preview-chapter-display": ControlAttributes;
      "media-preview-time-display": ControlAttributes;
      "media-seek-backward-button": ControlAttributes;
      "media-seek-forward-button": ControlAttributes;
      "media-time-display": ControlAttributes;
      "media-time-range": ControlAttributes;
      "media-volume-range": ControlAttributes;
    }
  }
}
