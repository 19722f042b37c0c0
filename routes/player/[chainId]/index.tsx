import { page } from "fresh";
import { asset, Head } from "fresh/runtime";
import { formatMoment, preferredLocales } from "../../../components/format.ts";
import { Page } from "../../../components/Page.tsx";
import PlaylistPlayer from "../../../islands/PlaylistPlayer.tsx";
import { define } from "../../../lib/define.ts";
import { readFilm } from "../../../lib/films.ts";
import { param, requireWatch } from "../../../lib/guards.ts";
import { PageError } from "../../../lib/page_error.ts";

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
  const locales = preferredLocales(req.headers.get("accept-language"));
  return (
    <Page title={film.name}>
      <Head>
        <link key="player.css" rel="stylesheet" href={asset("/player.css")} />
      </Head>
      <div class="toolbar spread">
        <h1>{film.name}</h1>
        <a class="button quiet" href="/player">All recordings</a>
      </div>
      <PlaylistPlayer
        film={film}
        recorded={formatMoment(film.createdAtMs, locales)}
        isAdmin={state.identity.role === "admin"}
      />
    </Page>
  );
});
