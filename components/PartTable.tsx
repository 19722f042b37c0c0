import type { Film, Seam } from "../lib/recording/views.ts";
import { ArchiveBadge } from "./Badges.tsx";
import { formatDuration, formatSize } from "./format.ts";

/** The parts of a film in order, with how each joins the next, and their files. */
export function PartTable({ film }: { film: Film }) {
  return (
    <table class="table">
      <caption class="visually-hidden">Parts</caption>
      <thead>
        <tr>
          <th scope="col">Part</th>
          <th scope="col">Session</th>
          <th scope="col">From</th>
          <th scope="col">Length</th>
          <th scope="col">Overlap with the next</th>
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
            <td data-label="Overlap with the next" class="number">
              <Overlap seam={film.seams.find((seam) => seam.afterSeq === part.seq)} />
            </td>
            <td data-label="Size" class="number">{formatSize(part.sizeBytes)}</td>
            <td data-label="Status">
              <ArchiveBadge status={part.status} reason={part.reason} />
            </td>
            <td data-label="File">
              {part.status === "available"
                ? <a href={`/download/${encodeURIComponent(part.archiveId)}`}>Download</a>
                : "–"}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Overlap({ seam }: { seam: Seam | undefined }) {
  if (!seam) return <>–</>;
  const seconds = (Math.abs(seam.overlapMs) / 1000).toFixed(2);
  const known = `known to ${Math.round(seam.uncertaintyMs)} ms, from ${seam.source}`;
  return seam.overlapMs < 0
    ? <span class="badge bad" title={known}>{`${seconds} s missing`}</span>
    : <span title={known}>{`${seconds} s`}</span>;
}
