/** Whole recordings as pages and API show and delete them. */
import type { Config } from "./config.ts";
import type { Chains } from "./handover/chains.ts";
import { type Platform, PlatformError } from "./platform/platform.ts";
import { filmOf } from "./recording/film.ts";
import type { Chain, ContentStart, Part } from "./recording/model.ts";
import type { Film } from "./recording/views.ts";
import { type Store, StoreError } from "./store/mod.ts";

/** A chain as one film; null if there is no chain of this id. */
export async function readFilm(
  services: { store: Store; config: Config },
  chainId: string,
): Promise<Film | null> {
  const chain = await services.store.chains.get(chainId);
  return chain && await filmOfChain(services, chain);
}

/** A chain that was read already, as one film. */
export async function filmOfChain(
  { store, config }: { store: Store; config: Config },
  chain: Chain,
): Promise<Film> {
  return filmOfParts(config, chain, await store.parts.list(chain.id));
}

/** A chain and its parts that were read already, as one film. */
export function filmOfParts(config: Config, chain: Chain, parts: Part[]): Film {
  const { primary, secondary } = config.playerOffsetSeconds;
  return filmOf(chain, parts, {
    nowMs: Date.now(),
    playerOffsets: { primarySeconds: primary, secondarySeconds: secondary },
  });
}

/** A change of a seam: what comparing the contents found, or an admin's correction. */
export type SeamChange = Pick<Part, "nudgeMs"> | { content: Omit<ContentStart, "afterSeq"> };

/**
 * Changes the seam after part `afterSeq` of a recording that has ended.
 *
 * @throws {StoreError} `not-found`; `conflict` while it is being recorded; `invalid` if the later
 * part would begin outside of the earlier one
 */
export async function changeSeam(
  { store, config }: { store: Store; config: Config },
  chainId: string,
  afterSeq: number,
  change: SeamChange,
): Promise<Film> {
  const failed = `Change the seam after part ${afterSeq + 1}`;
  const chain = await store.chains.get(chainId);
  if (!chain) throw new StoreError("not-found", `${failed}: there is no chain ${chainId}`);
  if (chain.state !== "stopped" && chain.state !== "failed") {
    throw new StoreError("conflict", `${failed}: "${chain.name}" is being recorded, stop it first`);
  }
  const { parts } = await filmOfChain({ store, config }, chain);
  const index = parts.findIndex((part) => part.seq === afterSeq);
  const [earlier, later] = [parts[index], parts[index + 1]];
  if (!earlier || !later) throw new StoreError("not-found", `${failed}: there is no such seam`);
  if ("content" in change) {
    const { deltaMs } = change.content;
    if (deltaMs < 0 || deltaMs > (earlier.durationSeconds ?? 0) * 1000) {
      throw new StoreError(
        "invalid",
        `${failed}: ${deltaMs} ms is outside of the part, compare the parts again`,
      );
    }
  }
  await store.parts.update(chainId, later.seq, (part) => ({
    ...part,
    ...("content" in change
      ? { contentStart: { afterSeq, ...change.content } }
      : { nudgeMs: change.nudgeMs }),
  }));
  return await filmOfChain({ store, config }, chain);
}

/**
 * Deletes an archive from the platform and has its chain take note. Deleted twice is deleted.
 *
 * @throws {PlatformError} `conflict` while the platform has no file of it to delete
 */
export async function deleteArchive(
  { platform, chains }: { platform: Platform; chains: Chains },
  archiveId: string,
): Promise<void> {
  try {
    await platform.deleteArchive(archiveId);
  } catch (error) {
    if (!(error instanceof PlatformError && error.kind === "not-found")) throw error;
  }
  await chains.hint(archiveId);
}

/**
 * Deletes a recording: every file of it from the platform, then its records. Stopped half way it can
 * be called again.
 *
 * @throws {StoreError} `not-found`, or `conflict` while it is being recorded
 * @throws {PlatformError} if a file cannot be deleted now
 */
export async function deleteFilm(
  { store, platform, chains }: { store: Store; platform: Platform; chains: Chains },
  chainId: string,
): Promise<void> {
  const chain = await store.chains.get(chainId);
  if (!chain) throw new StoreError("not-found", `Delete chain ${chainId}: there is no such chain`);
  if (chain.state !== "stopped" && chain.state !== "failed") {
    throw new StoreError("conflict", `Delete "${chain.name}": it is being recorded, stop it first`);
  }
  for (const part of await store.parts.list(chainId)) {
    if (hasFile(part.status)) await deleteArchive({ platform, chains }, part.archiveId);
  }
  await store.chains.delete(chainId);
}

/** True for statuses in which the platform has, or will have, a file to delete. */
export function hasFile(status: Part["status"]): boolean {
  return status === "stopped" || status === "uploaded" || status === "available";
}
