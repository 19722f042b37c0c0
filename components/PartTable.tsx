import type { Film } from "../lib/recording/views.ts";
import { ArchiveBadge, archiveMeaning } from "./Badges.tsx";
import { formatDuration, formatSize } from "./format.ts";

type Losses = NonNullable<Film["parts"][number]["losses"]>;

function lossText({ framesNotDelivered, framesDropped }: Losses): string {
  const none = framesNotDelivered + framesDropped === 0;
  return none ? "None" : `${framesNotDelivered} by the browser, ${framesDropped} by the recorder`;
}

/**
 * The parts of a film in order, and their files; those of individual archives are ZIPs. Admins see how
 * many frames are missing.
 */
export function PartTable({ film, isAdmin }: { film: Film; isAdmin: boolean }) {
  // Only demo mode's recordings say.
  const showsLosses = isAdmin && film.parts.some(({ losses }) => losses);
  const isZip = film.options.outputMode === "individual";
  return (
    <table class="table">
      <caption class="visually-hidden">Parts</caption>
      <thead>
        <tr>
          <th scope="col">Part</th>
          <th scope="col">Session</th>
          <th scope="col">From</th>
          <th scope="col">Length</th>
          <th scope="col">Size</th>
          {showsLosses ? <th scope="col">Lost frames</th> : null}
          <th scope="col">Status</th>
          <th scope="col">File</th>
        </tr>
      </thead>
      <tbody>
        {film.parts.map((part) => (
          <tr key={part.seq}>
            <th scope="row">{`Part ${part.seq + 1}`}</th>
            <td data-label="Session">{part.lane}</td>
            <td data-label="From" class="number">{formatDuration(part.placeSeconds)}</td>
            <td data-label="Length" class="number">{formatDuration(part.durationSeconds)}</td>
            <td data-label="Size" class="number">{formatSize(part.sizeBytes)}</td>
            {showsLosses
              ? <td data-label="Lost frames">{part.losses ? lossText(part.losses) : ""}</td>
              : null}
            <td data-label="Status">
              <ArchiveBadge status={part.status} reason={part.reason} />
            </td>
            <td data-label="File">
              {part.status === "available"
                ? (
                  <a
                    href={`/download/${encodeURIComponent(part.archiveId)}`}
                    aria-label={`Download ${isZip ? "ZIP of part" : "part"} ${part.seq + 1}`}
                  >
                    {isZip ? "Download ZIP" : "Download"}
                  </a>
                )
                : <span class="muted">{archiveMeaning(part.status, part.reason)}</span>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
