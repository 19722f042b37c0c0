/** Carrying out one command against the platform, and telling how it went as data. */
import { isRunning } from "../recording/draft.ts";
import { CLOCK_TOLERANCE_MS } from "../recording/machine.ts";
import type { Answer, ArchiveFacts, Command } from "../recording/state.ts";
import { type Platform, PlatformError, type PlatformErrorKind } from "../platform/platform.ts";
import type { Store } from "../store/mod.ts";

/** Archives looked through for one that a lost start may have made: it is among the newest. */
const FIND_COUNT = 50;
/** Failures after which nobody knows whether the call took effect. */
const UNCERTAIN: ReadonlySet<PlatformErrorKind> = new Set(["timeout", "unavailable", "unexpected"]);

/** What an answer carries besides success. */
interface Result {
  archive: ArchiveFacts | null;
  streams: { primary: number; secondary: number } | null;
}

/** Carries out a command. Never throws. */
export async function execute(
  command: Command,
  { platform, store }: { platform: Platform; store: Store },
): Promise<Answer> {
  try {
    return { ok: true, ...await perform(command, platform, store) };
  } catch (error) {
    const kind = error instanceof PlatformError ? error.kind : "unexpected";
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, certain: !UNCERTAIN.has(kind), kind, message };
  }
}

async function perform(command: Command, platform: Platform, store: Store): Promise<Result> {
  const nothing = { archive: null, streams: null };
  switch (command.do) {
    case "start-archive": {
      const { sessionId, name, options, tag } = command;
      const tagged = tag === null ? {} : { multiArchiveTag: tag };
      const archive = await platform.startArchive(sessionId, { ...options, name, ...tagged });
      return { ...nothing, archive };
    }
    case "find-archive":
      return { ...nothing, archive: await find(command, platform, store) };
    case "stop-archive":
      return { ...nothing, archive: await platform.stopArchive(command.archiveId) };
    case "get-archive":
      return { ...nothing, archive: await platform.getArchive(command.archiveId) };
    case "signal":
      await platform.signal(command.sessionId, { type: command.signal, data: "" });
      return nothing;
    case "count-streams": {
      const [primary, secondary] = await Promise.all([
        platform.listStreams(command.primary),
        platform.listStreams(command.secondary),
      ]);
      return { ...nothing, streams: { primary: primary.length, secondary: secondary.length } };
    }
  }
}

/** The running archive that a lost start may have made: ours by session, name and time, and no part yet. */
async function find(
  command: Extract<Command, { do: "find-archive" }>,
  platform: Platform,
  store: Store,
): Promise<ArchiveFacts | null> {
  const { sessionId, name, sinceMs, known } = command;
  const { archives } = await platform.listArchives({ sessionId, count: FIND_COUNT });
  for (const listed of archives) {
    const fits = listed.sessionId === sessionId && listed.name === name &&
      listed.createdAtMs >= sinceMs - CLOCK_TOLERANCE_MS && isRunning(listed.status);
    if (!fits || known.includes(listed.id)) continue;
    const owner = await store.parts.byArchive(listed.id);
    if (owner && owner.endedAtMs !== null) continue;
    // Lists lag behind: ask for this one.
    const archive = await platform.getArchive(listed.id);
    if (isRunning(archive.status)) return archive;
  }
  return null;
}
