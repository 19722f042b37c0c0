import { page } from "fresh";
import { ConfirmForm } from "../../../components/ConfirmForm.tsx";
import { formatDuration } from "../../../components/format.ts";
import { Page } from "../../../components/Page.tsx";
import { define, type State } from "../../../lib/define.ts";
import { deleteFilm, readFilm } from "../../../lib/films.ts";
import { param, seeOther, signInFirst } from "../../../lib/guards.ts";
import { PageError } from "../../../lib/page_error.ts";
import { PlatformError } from "../../../lib/platform/platform.ts";
import type { Film } from "../../../lib/recording/views.ts";
import { StoreError } from "../../../lib/store/errors.ts";

interface DeleteData {
  film: Film;
  error?: string;
}

async function requireFilm(state: State, chainId: string): Promise<Film> {
  const film = await readFilm(state.services, chainId);
  if (!film) {
    throw new PageError(404, "There is no such recording. It may have been deleted already");
  }
  return film;
}

export const handler = define.handlers({
  async GET(ctx) {
    const away = signInFirst(ctx);
    if (away) return away;
    return page<DeleteData>({ film: await requireFilm(ctx.state, param(ctx, "chainId")) });
  },

  async POST(ctx) {
    const away = signInFirst(ctx);
    if (away) return away;
    const film = await requireFilm(ctx.state, param(ctx, "chainId"));
    try {
      await deleteFilm(ctx.state.services, film.chainId);
    } catch (error) {
      const said = sayConflict(error);
      if (!said) throw error;
      return page<DeleteData>({ film, error: said }, { status: 409 });
    }
    return seeOther("/player");
  },
});

/** What stands in the way of deleting, in words; null for any other error. */
function sayConflict(error: unknown): string | null {
  if (error instanceof StoreError && error.kind === "conflict") {
    return "The recording is still running. Stop it first, then delete it.";
  }
  if (error instanceof PlatformError && error.kind === "conflict") {
    return "The platform is still making one of its files. Try again in a minute.";
  }
  return null;
}

/** Asks before a whole recording goes. */
export default define.page<typeof handler>(function DeleteRecording({ data }) {
  const { film, error } = data;
  const files = film.parts.length === 1 ? "its file" : `all ${film.parts.length} of its files`;
  return (
    <Page title="Delete a recording" narrow>
      <ConfirmForm
        question={`Delete “${film.name}”?`}
        doIt="Delete recording"
        back={`/player/${encodeURIComponent(film.chainId)}`}
        error={error}
      >
        <p>
          {`The film of ${formatDuration(film.durationSeconds)} from room ${film.room} goes`}
          {film.parts.length > 0 ? `, and ${files} on the platform` : null}
          {". This cannot be undone. The room stays."}
        </p>
      </ConfirmForm>
    </Page>
  );
});
