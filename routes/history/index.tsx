import { page } from "fresh";
import { ArchiveBadge } from "../../components/Badges.tsx";
import { OrphanTable } from "../../components/OrphanTable.tsx";
import { formatDuration, formatSize } from "../../components/format.ts";
import { Moment } from "../../components/Moment.tsx";
import { Page } from "../../components/Page.tsx";
import { define } from "../../lib/define.ts";
import { requireBrowse, seeOther } from "../../lib/guards.ts";
import { orphansAmong } from "../../lib/orphans.ts";
import type { PlatformArchive } from "../../lib/platform/platform.ts";

/** As the archiving sample has it. */
const PAGE_SIZE = 5;
/** Archives that the first page looks through for those that belong to no recording. */
const NEWEST = 100;
/** Far beyond what any project keeps. */
const MAX_PAGE = 100_000;
/** Statuses in which an archive's recording is not over. */
const RUNNING: ReadonlySet<string> = new Set(["started", "paused"]);

export const handler = define.handlers({
  async GET(ctx) {
    requireBrowse(ctx);
    const number = readPageNumber(ctx.url.searchParams.get("page"));
    if (number === null) return seeOther("/history");
    const { services } = ctx.state;
    const { archives: listed, total } = await services.platform.listArchives({
      offset: (number - 1) * PAGE_SIZE,
      count: number === 1 ? NEWEST : PAGE_SIZE,
    });
    const archives = listed.slice(0, PAGE_SIZE);
    const orphans = await orphansAmong(services, listed);
    const status = archives.length === 0 && number > 1 ? 404 : 200;
    const pages = Math.max(1, Math.ceil(total / PAGE_SIZE));
    return page({ archives, orphans, number, pages }, { status });
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
  const { archives, orphans, number, pages } = data;
  return (
    <Page title={number === 1 ? "History" : `History, page ${number}`}>
      <div class="stack tight">
        <h1>History</h1>
        <p class="lead">
          Every archive the platform made, newest first. To watch a whole recording as one film, go
          to the <a href="/player">player</a>.
        </p>
      </div>
      {orphans.length > 0
        ? <OrphanTable orphans={orphans} request={req} isAdmin={isAdmin} />
        : null}
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
                <ArchiveRow
                  key={archive.id}
                  archive={archive}
                  orphan={orphans.some((orphan) => orphan.archive.id === archive.id)}
                  request={req}
                  isAdmin={isAdmin}
                />
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

interface ArchiveRowProps {
  archive: PlatformArchive;
  /** It belongs to no recording. */
  orphan: boolean;
  request: Request;
  isAdmin: boolean;
}

function ArchiveRow({ archive, orphan, request, isAdmin }: ArchiveRowProps) {
  const name = archive.name || "Untitled";
  const nameId = `name-${archive.id}`;
  const path = encodeURIComponent(archive.id);
  const running = RUNNING.has(archive.status);
  return (
    <tr>
      <th scope="row" id={nameId}>
        {archive.status === "available" ? <a href={`/download/${path}`}>{name}</a> : name}
        {orphan
          ? (
            <>
              {" "}
              <span class="badge">no recording</span>
            </>
          )
          : null}
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
