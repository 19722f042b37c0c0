/** The controls around the film: only those of media-chrome that are used. Browser only. */
import "media-chrome/dist/media-controller.js";
import "media-chrome/dist/media-control-bar.js";
import "media-chrome/dist/media-fullscreen-button.js";
import "media-chrome/dist/media-loading-indicator.js";
import "media-chrome/dist/media-mute-button.js";
import "media-chrome/dist/media-pip-button.js";
import "media-chrome/dist/media-play-button.js";
import "media-chrome/dist/media-playback-rate-button.js";
import "media-chrome/dist/media-seek-backward-button.js";
import "media-chrome/dist/media-seek-forward-button.js";
import "media-chrome/dist/media-time-display.js";
import "media-chrome/dist/media-time-range.js";
import "media-chrome/dist/media-volume-range.js";
import { En } from "media-chrome/dist/lang/en.js";
import { addTranslation } from "media-chrome/dist/utils/i18n.js";
import { defineGaplessVideo } from "./gapless_video.ts";

// Names of controls begin with a capital here, as everywhere else in the app.
const NAMES = /^(play|pause|mute|unmute|seek|volume|enter|exit|current)/;
addTranslation(
  "en",
  Object.fromEntries(
    Object.entries(En).map(([key, text]) => [
      key,
      NAMES.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text,
    ]),
  ),
);
defineGaplessVideo();
