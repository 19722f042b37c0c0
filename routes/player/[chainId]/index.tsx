import { page } from "fresh";
import { asset, Head } from "fresh/runtime";
import { ChainBadge } from "../../../components/Badges.tsx";
import { ChainPicture } from "../../../components/ChainPicture.tsx";
import { formatDuration, formatShare } from "../../../components/format.ts";
import { Moment } from "../../../components/Moment.tsx";
import { Page } from "../../../components/Page.tsx";
import { PartTable } from "../../../components/PartTable.tsx";
import PlaylistPlayer from "../../../islands/PlaylistPlayer.tsx";
import { define } from "../../../lib/define.ts";
import { readFilm } from "../../../lib/films.ts";
import { param, requireWatch } from "../../../lib/guards.ts";
import { PageError } from "../../../lib/page_error.ts";
import type { Film } from "../../../lib/recording/views.ts";

export const handler = define.handlers({
  async GET(ctx) {
    requireWatch(ctx, param(ctx, "chainId"));
    const film = await readFilm(ctx.state.services, param(ctx, "chainId"));
    if (!film) throw new PageError(404, "There is no such recording. It may have been deleted");
    return page(film);
  },
});

/** One recording as a film, and what it is made of. */
export default define.page<typeof handler>(function FilmPage({ data: film, req, state }) {
  const isAdmin = state.identity.role === "admin";
  const over = film.state === "stopped" || film.state === "failed";
  return (
    <Page title={film.name}>
      <Head>
        <link key="player.css" rel="stylesheet" href={asset("/player.css")} />
      </Head>
      <div class="toolbar spread">
        <h1>{film.name}</h1>
        <ChainBadge state={film.state} />
        <a class="button quiet" href="/player">All recordings</a>
      </div>
      {over ? null : (
        <p class="notice info" role="status">
          This is still being recorded. What is finished can be watched; reload to see what came
          since.
        </p>
      )}
      {film.parts.length > 0
        ? <PlaylistPlayer film={film} isAdmin={isAdmin} />
        : (
          <div class="empty">
            <h2>Nothing to watch</h2>
            <p>
              {film.state === "failed"
                ? "This recording ended before its first archive began."
                : "Its first archive has not begun yet."}
            </p>
          </div>
        )}
      <Facts film={film} request={req} />
      {film.parts.length > 0
        ? (
          <section class="stack" aria-labelledby="parts">
            <h2 id="parts">What it is made of</h2>
            <div class="card">
              <ChainPicture film={film} />
            </div>
            <Gaps film={film} />
            <PartTable film={film} />
          </section>
        )
        : null}
      {isAdmin && over
        ? (
          <form
            method="get"
            action={`/player/${encodeURIComponent(film.chainId)}/delete`}
            class="toolbar"
          >
            <a class="button" href={`/links?${new URLSearchParams({ chain: film.chainId })}`}>
              Make a link to it
            </a>
            <button type="submit" class="button danger">Delete recording</button>
          </form>
        )
        : null}
    </Page>
  );
});

function Facts({ film, request }: { film: Film; request: Request }) {
  return (
    <dl class="facts card">
      <div>
        <dt>Room</dt>
        <dd>{film.room}</dd>
      </div>
      <div>
        <dt>Recorded</dt>
        <dd>
          <Moment ms={film.createdAtMs} request={request} />
        </dd>
      </div>
      <div>
        <dt>Length</dt>
        <dd>{formatDuration(film.durationSeconds)}</dd>
      </div>
      <div>
        <dt>Continuity</dt>
        <dd>{formatShare(film.continuity)}</dd>
      </div>
    </dl>
  );
}

function Gaps({ film }: { film: Film }) {
  if (film.gaps.length === 0) return null;
  return (
    <div class="notice error stack tight">
      <p>Nothing was recorded in these stretches:</p>
      <ul>
        {film.gaps.map((gap) => (
          <li key={gap.fromSeconds}>
            {`${(gap.toSeconds - gap.fromSeconds).toFixed(2)} s at ${
              formatDuration(gap.fromSeconds)
            }`}
            {gap.cause ? `: ${gap.cause}` : null}
          </li>
        ))}
      </ul>
    </div>
  );
}
