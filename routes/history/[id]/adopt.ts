import { define } from "../../../lib/define.ts";
import { param, requireArchiveId, seeOther, signInFirst } from "../../../lib/guards.ts";
import { adoptOrphan } from "../../../lib/orphans.ts";

/** Makes an archive part of a recording, and shows that recording. */
export const handler = define.handlers({
  async POST(ctx) {
    const away = signInFirst(ctx, "/history");
    if (away) return away;
    const id = requireArchiveId(param(ctx, "id"));
    const chain = await adoptOrphan(ctx.state.services, id);
    return seeOther(`/player/${encodeURIComponent(chain.id)}`);
  },
});
