import { define } from "../../lib/define.ts";
import { requireArchiveId, requireWatchArchive } from "../../lib/guards.ts";
import { PageError } from "../../lib/page_error.ts";

export const handler = define.handlers({
  /** Leads to the archive's file; its address is short-lived, so the answer is never kept. */
  async GET(ctx) {
    const id = requireArchiveId(ctx.params.id);
    await requireWatchArchive(ctx, id);
    const archive = await ctx.state.services.platform.getArchive(id);
    if (archive.url === null) {
      throw new PageError(
        404,
        `"${archive.name}" has no file to download: it is ${archive.status}`,
      );
    }
    return new Response(null, {
      status: 302,
      headers: { location: archive.url, "cache-control": "no-store" },
    });
  },
});
