import { page } from "fresh";
import { ArchiveBadge } from "../../components/Badges.tsx";
import { formatDuration, formatSize } from "../../components/format.ts";
import { Moment } from "../../components/Moment.tsx";
import { Page } from "../../components/Page.tsx";
import { define } from "../../lib/define.ts";
import { requireBrowse, seeOther } from "../../lib/guards.ts";
import type { PlatformArchive } from "../../lib/platform/platform.ts";

/** As the archiving sample has it. */
const PAGE_SIZE = 5;
/** Far beyond what any project keeps. */
const MAX_PAGE = 100_000;
/** Statuses in which an archive's recording is not over. */
const RUNNING: ReadonlySet<string> = new Set(["started", "paused"]);

export const handler = define.handlers({
  async GET(ctx) {
    requireBrowse(ctx);
    const number = readPageNumber(ctx.url.searchParams.get("page"));
    if (number === null) return seeOther("/history");
    const { archives, total } = await ctx.state.services.platform.listArchives({
      offset: (number - 1) * PAGE_SIZE,
      count: PAGE_SIZE,
    });
    const status = archives.length === 0 && number > 1 ? 404 : 200;
    return page({ archives, number, pages: Math.max(1, Math.ceil(total / PAGE_SIZE)) }, { status });
  },
});

/** The page asked for, from 1; null if that is no page number. */
function readPageNumber(text: string | null): number | null {
  if (text === null) return 1;
  if (!/^[1-9]\d{0,6}$/.test(text) || Number(text) > MAX_PAGE) return null;
  return Number(text);
}

/** Every archive of the project, newest first, five a page. */
export default define.page<typeof handler>(function History({ data, req, state }) {
  const isAdmin = state.identity.role === "admin";
  const { archives, number, pages } = data;
  return (
    <Page title={number === 1 ? "History" : `History, page ${number}`}>
      <div class="stack tight">
        <h1>History</h1>
        <p class="lead">
          Every archive the platform made, newest first. To watch a whole recording as one film, go
          to the <a href="/player">player</a>.
        </p>
      </div>
      {archives.length > 0
        ? (
          <table class="table">
            <caption class="visually-hidden">{`Archives, page ${number} of ${pages}`}</caption>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Created</th>
                <th scope="col">Duration</th>
                <th scope="col">Size</th>
                <th scope="col">Status</th>
                {isAdmin
                  ? (
                    <th scope="col">
                      <span class="visually-hidden">What to do</span>
                    </th>
                  )
                  : null}
              </tr>
            </thead>
            <tbody>
              {archives.map((archive) => (
                <ArchiveRow key={archive.id} archive={archive} request={req} isAdmin={isAdmin} />
              ))}
            </tbody>
          </table>
        )
        : number > 1
        ? (
          <div class="empty">
            <h2>There is no page {number}</h2>
            <p>The oldest archives are on page {pages}.</p>
            <a class="button" href={`/history?page=${pages}`}>Go to page {pages}</a>
          </div>
        )
        : (
          <div class="empty">
            <h2>Nothing recorded yet</h2>
            <p>
              Start a recording on the host page; its archives are listed here as they are made.
            </p>
            <a class="button primary" href="/host">Go to the host page</a>
          </div>
        )}
      {pages > 1 && archives.length > 0
        ? (
          <nav class="pager" aria-label="Pages of the history">
            <span>
              {number > 1
                ? (
                  <a class="button quiet" rel="prev" href={`/history?page=${number - 1}`}>
                    ← Newer
                  </a>
                )
                : null}
            </span>
            <span class="muted">{`Page ${number} of ${pages}`}</span>
            <span>
              {number < pages
                ? (
                  <a class="button quiet" rel="next" href={`/history?page=${number + 1}`}>
                    Older →
                  </a>
                )
                : null}
            </span>
          </nav>
        )
        : null}
    </Page>
  );
});

function ArchiveRow(
  { archive, request, isAdmin }: { archive: PlatformArchive; request: Request; isAdmin: boolean },
) {
  const name = archive.name || "Untitled";
  const nameId = `name-${archive.id}`;
  const path = encodeURIComponent(archive.id);
  const running = RUNNING.has(archive.status);
  return (
    <tr>
      <th scope="row" id={nameId}>
        {archive.status === "available" ? <a href={`/download/${path}`}>{name}</a> : name}
      </th>
      <td data-label="Created">
        <Moment ms={archive.createdAtMs} request={request} />
      </td>
      <td data-label="Duration" class="number">
        {formatDuration(running ? null : archive.durationSeconds)}
      </td>
      <td data-label="Size" class="number">{formatSize(archive.sizeBytes)}</td>
      <td data-label="Status">
        <ArchiveBadge status={archive.status} reason={archive.reason} />
      </td>
      {isAdmin
        ? (
          <td class="actions">
            {running || archive.status === "deleted"
              ? null
              : (
                <form method="get" action={`/history/${path}/delete`}>
                  <button type="submit" class="button small danger" aria-describedby={nameId}>
                    Delete
                  </button>
                </form>
              )}
          </td>
        )
        : null}
    </tr>
  );
}
