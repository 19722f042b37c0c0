import type { Film } from "../lib/recording/views.ts";
import { ArchiveBadge, archiveMeaning } from "./Badges.tsx";
import { formatDuration, formatSize } from "./format.ts";

/** The parts of a film in order, and their files; those of individual archives are ZIPs. */
export function PartTable({ film }: { film: Film }) {
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
