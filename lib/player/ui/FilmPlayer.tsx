import { type Signal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";
import type { Film } from "../../recording/views.ts";
import type { GaplessVideo } from "../gapless_video.ts";
import { FilmStage } from "./FilmStage.tsx";

/** The film's stage. The server sends its frame, the browser the rest. */
export function FilmPlayer({ film, player }: {
  film: Signal<Film>;
  /** Where the element is put, once there is one. */
  player: RefObject<GaplessVideo>;
}) {
  const state = useSignal<"loading" | "ready" | "failed">("loading");
  /** Play was pressed before there was anything to play. */
  const wanted = useSignal(false);
  const individual = film.value.options.outputMode === "individual";

  const load = () => {
    state.value = "loading";
    import("../controls.ts").then(
      () => state.value = "ready",
      () => state.value = "failed",
    );
  };
  useEffect(() => {
    if (!individual) load();
  }, []);

  if (individual) {
    return (
      <p class="notice info">
        This was recorded as a file for each person, which cannot be shown as one film. Each archive
        below can be downloaded as a ZIP of them.
      </p>
    );
  }
  if (state.value === "ready") {
    return <FilmStage film={film} player={player} playAtOnce={wanted.value} />;
  }
  return (
    <section class="player" aria-label="Film">
      <div class="player-poster">
        <button
          type="button"
          class="button primary"
          aria-busy={wanted.value}
          onClick={() => wanted.value = true}
        >
          Play
        </button>
      </div>
      {state.value === "failed"
        ? (
          <div class="notice error toolbar" role="alert">
            <span>The player could not be loaded. Check the connection.</span>
            <button type="button" class="button small" onClick={load}>Try again</button>
          </div>
        )
        : null}
      <noscript>
        <p class="notice info">
          Watching needs JavaScript. Without it, the parts below can still be downloaded.
        </p>
      </noscript>
    </section>
  );
}
