import { page } from "fresh";
import { ConfirmForm } from "../../../components/ConfirmForm.tsx";
import { formatDuration, formatSize } from "../../../components/format.ts";
import { Moment } from "../../../components/Moment.tsx";
import { Page } from "../../../components/Page.tsx";
import { define } from "../../../lib/define.ts";
import { deleteArchive } from "../../../lib/films.ts";
import { param, requireArchiveId, seeOther, signInFirst } from "../../../lib/guards.ts";
import { type PlatformArchive, PlatformError } from "../../../lib/platform/platform.ts";

interface DeleteData {
  archive: PlatformArchive;
  error?: string;
}

export const handler = define.handlers({
  async GET(ctx) {
    const away = signInFirst(ctx);
    if (away) return away;
    const id = requireArchiveId(param(ctx, "id"));
    return page<DeleteData>({ archive: await ctx.state.services.platform.getArchive(id) });
  },

  async POST(ctx) {
    const away = signInFirst(ctx);
    if (away) return away;
    const { services } = ctx.state;
    const id = requireArchiveId(param(ctx, "id"));
    try {
      await deleteArchive(services, id);
    } catch (error) {
      if (!(error instanceof PlatformError && error.kind === "conflict")) throw error;
      const said = "The platform deletes an archive only once its file is there. Try again later.";
      const archive = await services.platform.getArchive(id);
      return page<DeleteData>({ archive, error: said }, { status: 409 });
    }
    return seeOther("/history");
  },
});

/** Asks before an archive goes. */
export default define.page<typeof handler>(function DeleteArchive({ data, req }) {
  const { archive } = data;
  return (
    <Page title="Delete an archive" narrow>
      <ConfirmForm
        question={`Delete “${archive.name || "Untitled"}”?`}
        doIt="Delete"
        back="/history"
        error={data.error}
      >
        <dl class="facts">
          <div>
            <dt>Created</dt>
            <dd>
              <Moment ms={archive.createdAtMs} request={req} />
            </dd>
          </div>
          <div>
            <dt>Duration</dt>
            <dd>{formatDuration(archive.durationSeconds)}</dd>
          </div>
          <div>
            <dt>Size</dt>
            <dd>{formatSize(archive.sizeBytes)}</dd>
          </div>
        </dl>
        <p>
          The file is deleted from the platform for good. A recording it is a part of keeps its
          other parts and shows where this one is missing.
        </p>
      </ConfirmForm>
    </Page>
  );
});
