import { isRunning } from "../lib/recording/draft.ts";
import type { Lane } from "../lib/recording/model.ts";
import type { ArchiveFacts } from "../lib/recording/state.ts";
import { ArchiveBadge } from "./Badges.tsx";
import { formatDuration } from "./format.ts";
import { Moment } from "./Moment.tsx";

interface Orphan {
  archive: ArchiveFacts;
  room: string;
  lane: Lane;
}

interface OrphanTableProps {
  orphans: Orphan[];
  request: Request;
  isAdmin: boolean;
}

/** Archives that belong to no recording, apart from the others, and what can be done about them. */
export function OrphanTable({ orphans, request, isAdmin }: OrphanTableProps) {
  const running = orphans.filter(({ archive }) => isRunning(archive.status));
  return (
    <section class="card stack" aria-labelledby="orphans">
      <div class="stack tight">
        <h2 id="orphans">In no recording</h2>
        <p class="muted">
          {running.length > 0
            ? "These archives were made in rooms of this app, but no recording owns them. Those that record go on, and cost, until they are stopped."
            : "These archives were made in rooms of this app, but no recording owns them."}
          {" An adopted archive joins the recording it was made beside, or becomes one of its own."}
        </p>
      </div>
      <table class="table">
        <caption class="visually-hidden">Archives that belong to no recording</caption>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Room</th>
            <th scope="col">Created</th>
            <th scope="col">Duration</th>
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
          {orphans.map((orphan) => (
            <OrphanRow
              key={orphan.archive.id}
              orphan={orphan}
              request={request}
              isAdmin={isAdmin}
            />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function OrphanRow(
  { orphan, request, isAdmin }: { orphan: Orphan; request: Request; isAdmin: boolean },
) {
  const { archive, room, lane } = orphan;
  const runs = isRunning(archive.status);
  const path = `/history/${encodeURIComponent(archive.id)}`;
  const nameId = `orphan-${archive.id}`;
  return (
    <tr>
      <th scope="row" id={nameId}>{archive.name || "Untitled"}</th>
      <td data-label="Room">{lane === "primary" ? room : `${room} (secondary)`}</td>
      <td data-label="Created">
        <Moment ms={archive.createdAtMs} request={request} />
      </td>
      <td data-label="Duration" class="number">
        {formatDuration(runs ? null : archive.durationSeconds)}
      </td>
      <td data-label="Status">
        <ArchiveBadge status={archive.status} reason={archive.reason} />
      </td>
      {isAdmin
        ? (
          <td class="actions">
            {runs
              ? (
                <form method="get" action={`${path}/stop`}>
                  <button type="submit" class="button small danger" aria-describedby={nameId}>
                    Stop
                  </button>
                </form>
              )
              : (
                <form method="post" action={`${path}/adopt`}>
                  <button type="submit" class="button small" aria-describedby={nameId}>
                    Adopt
                  </button>
                </form>
              )}
          </td>
        )
        : null}
    </tr>
  );
}
