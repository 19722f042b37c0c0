import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { FilmStage } from "../lib/player/ui/FilmStage.tsx";
import type { Film } from "../lib/recording/views.ts";

interface PlaylistPlayerProps {
  film: Film;
  /** Shows how the film is played, for whoever looks after the recordings. */
  isAdmin?: boolean;
}

/** A whole chain as one film, with its controls. The server sends the frame, the browser the rest. */
export default function PlaylistPlayer({ film, isAdmin = false }: PlaylistPlayerProps) {
  const state = useSignal<"loading" | "ready" | "failed">("loading");
  /** Play was pressed before there was anything to play. */
  const wanted = useSignal(false);
  const individual = film.options.outputMode === "individual";

  const load = () => {
    state.value = "loading";
    import("../lib/player/controls.ts").then(
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
        This was recorded as a file for each person, which cannot be shown as one film. Download the
        files below.
      </p>
    );
  }
  if (state.value === "ready") {
    return <FilmStage film={film} isAdmin={isAdmin} playAtOnce={wanted.value} />;
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
