import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import { ChainPicture } from "../components/ChainPicture.tsx";
import { FilmActions } from "../components/FilmActions.tsx";
import { FilmFacts } from "../components/FilmFacts.tsx";
import { GapList } from "../components/GapList.tsx";
import { LongTable } from "../components/LongTable.tsx";
import { PartTable } from "../components/PartTable.tsx";
import type { GaplessVideo } from "../lib/player/gapless_video.ts";
import { refreshFilm } from "../lib/player/refresh.ts";
import { isComplete, isOver } from "../lib/player/seams.ts";
import { AdminSeams } from "../lib/player/ui/AdminSeams.tsx";
import { ExportFilm } from "../lib/player/ui/ExportFilm.tsx";
import { FilmPlayer } from "../lib/player/ui/FilmPlayer.tsx";
import { SeamTable } from "../lib/player/ui/SeamTable.tsx";
import type { Film } from "../lib/recording/views.ts";

interface PlaylistPlayerProps {
  film: Film;
  /** When it was recorded, in the reader's words. */
  recorded: string;
  /** Whoever looks after the recordings may change seams, share and delete. */
  isAdmin?: boolean;
}

/** A whole chain as one film, and all there is to know of it, kept up to date while it grows. */
export default function PlaylistPlayer({ film: given, recorded, isAdmin }: PlaylistPlayerProps) {
  const film = useSignal(given);
  const player = useRef<GaplessVideo>(null);
  const complete = useComputed(() => isComplete(film.value));

  useSignalEffect(() => {
    if (complete.value) return;
    const over = new AbortController();
    void refreshFilm(given.chainId, (newer) => film.value = newer, over.signal);
    return () => over.abort();
  });

  const { parts, seams, gaps } = film.value;
  return (
    <div class="stack">
      {isOver(film.value) ? null : (
        <p class="notice info" role="status">
          This is still being recorded. What is finished can be watched.
        </p>
      )}
      {parts.length > 0
        ? <FilmPlayer film={film} player={player} />
        : <NothingYet failed={film.value.state === "failed"} />}
      <ExportFilm film={film.value} />
      <FilmFacts film={film.value} recorded={recorded} />
      {parts.length > 0
        ? (
          <section class="stack" aria-labelledby="parts">
            <h2 id="parts">What it is made of</h2>
            <div class="card">
              <ChainPicture film={film.value} />
            </div>
            <GapList gaps={gaps} />
            <LongTable name="Parts" rows={parts.length}>
              <PartTable film={film.value} isAdmin={isAdmin ?? false} />
            </LongTable>
          </section>
        )
        : null}
      {seams.length > 0
        ? (
          <section class="stack" aria-labelledby="seams">
            <h2 id="seams">Seams</h2>
            <LongTable name="Seams" rows={seams.length}>
              {isAdmin
                ? <AdminSeams film={film} player={() => player.current} />
                : <SeamTable film={film.value} />}
            </LongTable>
          </section>
        )
        : null}
      {isAdmin && isOver(film.value) ? <FilmActions chainId={film.value.chainId} /> : null}
    </div>
  );
}

function NothingYet({ failed }: { failed: boolean }) {
  return (
    <div class="empty">
      <h2>Nothing to watch</h2>
      <p>
        {failed
          ? "This recording ended before its first archive began."
          : "Its first archive has not begun yet."}
      </p>
    </div>
  );
}
