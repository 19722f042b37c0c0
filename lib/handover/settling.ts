/** After an archive has ended: following its file until nothing more is to be learned of it. */
import { keptContinuity, updatedGaps } from "../recording/coverage.ts";
import { isRunning } from "../recording/draft.ts";
import type { Chain, Part } from "../recording/model.ts";
import { type PlatformArchive, PlatformError } from "../platform/platform.ts";
import { StoreError, type UnsettledPart } from "../store/mod.ts";
import type { MediaFacts } from "./media_facts.ts";
import type { RunnerContext } from "./runner.ts";

/** A file that cannot be read this often is left with what the platform says of it. */
const MAX_FILE_ATTEMPTS = 5;
/** So often the gaps are counted again because others change the parts meanwhile. */
const MAX_RECOUNTS = 10;

/** Brings ended parts up to date. */
export interface Settling {
  /** Looks at one part's archive and notes what is new; a part that still records is left alone. */
  settle(part: Part): Promise<void>;
  /** Does so for every part that may still change, one page a call, each in its turn. */
  sweep(): Promise<void>;
}

const PAGE = 50;

/**
 * Settling with this platform and store; `readFile` reads a media file's facts, `measured` is told of a
 * part of a recording that still runs, with its file's facts in it.
 */
export function createSettling(
  context: RunnerContext,
  readFile: (url: string) => Promise<MediaFacts>,
  measured: (room: string, part: Part) => Promise<void>,
): Settling {
  const { store, platform, now } = context;
  let cursor: string | null = null;

  async function look(part: Part): Promise<PlatformArchive | null> {
    try {
      return await platform.getArchive(part.archiveId);
    } catch (error) {
      if (error instanceof PlatformError && error.kind === "not-found") return null;
      throw error;
    }
  }

  async function settle(part: Part, fileAttempts: number, chain: Chain | null): Promise<void> {
    if (part.endedAtMs === null) return;
    // A chain that still records is settled with its end: its gaps are counted anew then.
    const ended = chain === null || chain.stoppedAtMs !== null;
    if (fileAttempts >= MAX_FILE_ATTEMPTS) {
      if (ended) await save(part, (p) => p, { settled: true });
      return;
    }
    const archive = await look(part);
    if (!archive) {
      const note = { settled: ended, fileAttempts: MAX_FILE_ATTEMPTS };
      await save(part, (p) => ({ ...p, status: "deleted" }), note);
      return;
    }
    // Lists and replicas lag: an archive that has ended does not run again.
    if (isRunning(archive.status)) return;
    const file = await factsOf(archive);
    const readable = archive.status === "available" && archive.outputMode === "composed";
    const attempts = readable && file === null ? fileAttempts + 1 : MAX_FILE_ATTEMPTS;
    const known = archive.status !== "stopped" && attempts >= MAX_FILE_ATTEMPTS;
    const settled = await save(part, (p) => withFacts(p, archive, file, now()), {
      settled: ended && known,
      ...(readable || known ? { fileAttempts: attempts } : {}),
    });
    if (chain && !ended && file) await measured(chain.room, settled);
  }

  /** What the file says, or null if it says nothing now. */
  async function factsOf(archive: PlatformArchive): Promise<MediaFacts | null> {
    const { status, url, outputMode } = archive;
    if (status !== "available" || url === null || outputMode !== "composed") return null;
    try {
      return await readFile(url);
    } catch (error) {
      context.onTrouble(`Read the file of archive ${archive.id}`, error);
      return null;
    }
  }

  async function save(
    part: Part,
    change: (part: Part) => Part,
    note: { settled: boolean; fileAttempts?: number },
  ): Promise<Part> {
    const { settled, ...rest } = note;
    const changed = await store.parts.update(part.chainId, part.seq, change, rest);
    await recount(part.chainId);
    // Only now: whoever dies before leaves a part that is looked at again.
    if (settled) await store.parts.update(part.chainId, part.seq, (p) => p, { settled });
    return changed;
  }

  /** Brings an ended chain's gaps up to date with its parts, which others may be changing too. */
  async function recount(chainId: string): Promise<void> {
    for (let i = 0; i < MAX_RECOUNTS; i++) {
      const chain = await store.chains.get(chainId);
      // While it is being recorded, its room's recording keeps its gaps.
      if (!chain || chain.stoppedAtMs === null) return;
      const parts = await store.parts.list(chainId);
      const gaps = updatedGaps(chain.gaps, parts, chain.stopRequestedAtMs ?? chain.stoppedAtMs);
      const continuity = keptContinuity({ ...chain, gaps }, parts);
      const known = JSON.stringify([chain.gaps, chain.continuity]);
      if (JSON.stringify([gaps, continuity]) === known) return;
      await store.chains.update(chainId, (c) => ({ ...c, gaps, continuity }));
    }
  }

  return {
    settle: async (part) => settle(part, 0, await store.chains.get(part.chainId)),
    async sweep() {
      const page: { items: UnsettledPart[]; cursor: string | null } = await store.parts.unsettled({
        cursor,
        limit: PAGE,
      });
      cursor = page.cursor;
      const chains = new Map<string, Chain | null>();
      for (const { part, fileAttempts } of page.items) {
        try {
          const { chainId } = part;
          if (!chains.has(chainId)) chains.set(chainId, await store.chains.get(chainId));
          await settle(part, fileAttempts, chains.get(chainId) ?? null);
        } catch (error) {
          if (error instanceof StoreError && error.kind === "not-found") continue;
          context.onTrouble(`Look after archive ${part.archiveId}`, error);
        }
      }
    },
  };
}

function withFacts(
  part: Part,
  archive: PlatformArchive,
  file: MediaFacts | null,
  nowMs: number,
): Part {
  const known: Part = {
    ...part,
    status: archive.status,
    reason: archive.reason || part.reason,
    sizeBytes: archive.sizeBytes,
  };
  if (file) {
    const startedAtMs = file.epochMs ?? part.startedAtMs;
    return {
      ...known,
      ...(file.epochMs === null
        ? {}
        : { startedAtMs, startSource: "file" as const, startUncertaintyMs: 20 }),
      durationMs: file.durationMs,
      ...(file.gaps.length > 0 && { gaps: file.gaps }),
      ...(file.losses && { losses: file.losses }),
      endedAtMs: startedAtMs + file.durationMs,
    };
  }
  // What the file said already is better than whole seconds.
  if (part.startSource === "file" || archive.durationSeconds <= 0) return known;
  const durationMs = archive.durationSeconds * 1000;
  return { ...known, durationMs, endedAtMs: Math.min(part.startedAtMs + durationMs, nowMs) };
}
