/** The page the player tests open: the island, its element, and the studio that makes its films. */
import { h, render } from "preact";
import PlaylistPlayer from "../../islands/PlaylistPlayer.tsx";
import { defineGaplessVideo } from "../../lib/player/gapless_video.ts";
import type { Film } from "../../lib/recording/views.ts";
import "./studio_in_page.ts";
import "../bench/seams_in_page.ts";
import "../support/in_page.ts";

defineGaplessVideo();

/** Puts the whole island on the page, as the film's page has it. */
function mountIsland(film: Film, isAdmin: boolean): void {
  const main = document.createElement("main");
  main.className = "page";
  document.body.replaceChildren(main);
  render(h(PlaylistPlayer, { film, recorded: "Today", isAdmin }), main);
}

declare global {
  var mountGaplessIsland: typeof mountIsland;
}
globalThis.mountGaplessIsland = mountIsland;
