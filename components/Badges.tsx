import type { ArchiveStatus, Chain } from "../lib/recording/model.ts";

const ARCHIVE_LOOKS: Record<ArchiveStatus, { look: string; meaning: string }> = {
  started: { look: "live", meaning: "It records now" },
  paused: { look: "wait", meaning: "It waits for somebody to publish" },
  stopped: { look: "wait", meaning: "It ended; its file is being made" },
  uploaded: { look: "ok", meaning: "Its file is in the project's own storage" },
  available: { look: "ok", meaning: "Its file can be downloaded" },
  expired: { look: "", meaning: "Its file was kept for as long as the platform keeps files" },
  failed: { look: "bad", meaning: "The platform could not record it" },
  deleted: { look: "", meaning: "Its file was deleted" },
};

/** What a status means for people, with the platform's reason if it gave one. */
export function archiveMeaning(status: ArchiveStatus, reason = ""): string {
  const { meaning } = ARCHIVE_LOOKS[status];
  return reason ? `${meaning}. Reason: ${reason}` : meaning;
}

/** The status of an archive, with what it means as a tooltip. */
export function ArchiveBadge({ status, reason }: { status: ArchiveStatus; reason?: string }) {
  return (
    <span class={`badge ${ARCHIVE_LOOKS[status].look}`} title={archiveMeaning(status, reason)}>
      {status}
    </span>
  );
}

const CHAIN_LOOKS: Record<Chain["state"], string> = {
  starting: "wait",
  recording: "live",
  stopping: "wait",
  stopped: "ok",
  failed: "bad",
};

/** The state of a chain. */
export function ChainBadge({ state }: { state: Chain["state"] }) {
  return <span class={`badge ${CHAIN_LOOKS[state]}`}>{state}</span>;
}
