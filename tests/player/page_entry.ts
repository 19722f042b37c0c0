/** The page the player tests open: the element itself and the studio that makes its films. */
import { defineGaplessVideo } from "../../lib/player/gapless_video.ts";
import "./studio_in_page.ts";
import "../support/in_page.ts";

defineGaplessVideo();
