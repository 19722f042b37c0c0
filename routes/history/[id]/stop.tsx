import { page } from "fresh";
import { ConfirmForm } from "../../../components/ConfirmForm.tsx";
import { Moment } from "../../../components/Moment.tsx";
import { Page } from "../../../components/Page.tsx";
import { define } from "../../../lib/define.ts";
import { param, requireArchiveId, seeOther, signInFirst } from "../../../lib/guards.ts";
import { stopOrphan } from "../../../lib/orphans.ts";

export const handler = define.handlers({
  async GET(ctx) {
    const away = signInFirst(ctx);
    if (away) return away;
    const id = requireArchiveId(param(ctx, "id"));
    return page(await ctx.state.services.platform.getArchive(id));
  },

  async POST(ctx) {
    const away = signInFirst(ctx);
    if (away) return away;
    await stopOrphan(ctx.state.services, requireArchiveId(param(ctx, "id")));
    return seeOther("/history");
  },
});

/** Asks before an archive that belongs to no recording is stopped. */
export default define.page<typeof handler>(function StopArchive({ data, req }) {
  return (
    <Page title="Stop an archive" narrow>
      <ConfirmForm question={`Stop “${data.name || "Untitled"}”?`} doIt="Stop" back="/history">
        <p>
          {"It has been recording since "}
          <Moment ms={data.createdAtMs} request={req} />
          {" and belongs to no recording of this app. What it recorded stays, and can be adopted."}
        </p>
      </ConfirmForm>
    </Page>
  );
});
