import { mediaLocation } from "../../lib/api/archives.ts";
import { define } from "../../lib/define.ts";
import { param, requireArchiveId, requireWatchArchive } from "../../lib/guards.ts";

export const handler = define.handlers({
  /** Leads to the archive's file; its address is short-lived, so the answer is never kept. */
  async GET(ctx) {
    const id = requireArchiveId(param(ctx, "id"));
    await requireWatchArchive(ctx, id);
    const { platform, emulatorOrigin } = ctx.state.services;
    const archive = await platform.getArchive(id);
    return new Response(null, {
      status: 302,
      headers: {
        location: mediaLocation(archive, emulatorOrigin()),
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
      },
    });
  },
});
