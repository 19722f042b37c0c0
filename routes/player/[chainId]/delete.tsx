import { page } from "fresh";
import { ConfirmForm } from "../../../components/ConfirmForm.tsx";
import { formatDuration, formatSize } from "../../../components/format.ts";
import { Page } from "../../../components/Page.tsx";
import { define, type State } from "../../../lib/define.ts";
import { deleteFilm, hasFile, readFilm } from "../../../lib/films.ts";
import { param, seeOther, signInFirst } from "../../../lib/guards.ts";
import { PageError } from "../../../lib/page_error.ts";
import { PlatformError } from "../../../lib/platform/platform.ts";
import type { Part } from "../../../lib/recording/model.ts";
import type { Film } from "../../../lib/recording/views.ts";
import { StoreError } from "../../../lib/store/errors.ts";

interface DeleteData {
  film: Film;
  /** All of its archives: a film leaves out those that show nothing of their own. */
  parts: Part[];
  error?: string;
}

async function requireFilm({ services }: State, chainId: string): Promise<DeleteData> {
  const film = await readFilm(services, chainId);
  if (!film) {
    throw new PageError(404, "There is no such recording. It may have been deleted already");
  }
  return { film, parts: await services.store.parts.list(chainId) };
}

export const handler = define.handlers({
  async GET(ctx) {
    const away = signInFirst(ctx);
    if (away) return away;
    return page(await requireFilm(ctx.state, param(ctx, "chainId")));
  },

  async POST(ctx) {
    const away = signInFirst(ctx);
    if (away) return away;
    const recording = await requireFilm(ctx.state, param(ctx, "chainId"));
    try {
      await deleteFilm(ctx.state.services, recording.film.chainId);
    } catch (error) {
      const said = sayConflict(error);
      if (!said) throw error;
      return page<DeleteData>({ ...recording, error: said }, { status: 409 });
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
  const { film, parts, error } = data;
  const withFile = parts.filter((part) => hasFile(part.status));
  const without = parts.length - withFile.length;
  return (
    <Page title="Delete a recording" narrow>
      <ConfirmForm
        question={`Delete “${film.name}”?`}
        doIt="Delete recording"
        back={`/player/${encodeURIComponent(film.chainId)}`}
        error={error}
      >
        <p>This goes for good:</p>
        <ul>
          <li>{`the film of ${formatDuration(film.durationSeconds)} from room ${film.room}`}</li>
          {withFile.length > 0 ? <li>{describeFiles(withFile)}</li> : null}
          {without > 0
            ? <li>{`what is known of ${count(without, "archive")} without a file`}</li>
            : null}
        </ul>
        <p>Links to it stop working. The room stays. This cannot be undone.</p>
      </ConfirmForm>
    </Page>
  );
});

function describeFiles(parts: Part[]): string {
  const seconds = parts.reduce((sum, part) => sum + (part.durationMs ?? 0) / 1000, 0);
  const bytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  return `${count(parts.length, "archive")} on the platform and what is in them: ${
    formatDuration(seconds)
  }, ${bytes > 0 ? formatSize(bytes) : "size unknown"} in all`;
}

function count(many: number, noun: string): string {
  return `${many} ${noun}${many === 1 ? "" : "s"}`;
}
