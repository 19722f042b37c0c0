/** Archives as OpenTok's REST interface and SDK show them: the shape that the samples' pages read. */
import { z } from "zod";
import { originOf } from "../auth/mod.ts";
import type { Platform, PlatformArchive } from "../platform/platform.ts";
import { archiveStatusSchema } from "../recording/model.ts";

/** An archive object as the platform documents it. */
export const archiveJsonSchema = z.object({
  id: z.string(),
  sessionId: z.string(),
  name: z.string(),
  status: archiveStatusSchema,
  reason: z.string(),
  /** ms since the Unix epoch. */
  createdAt: z.number(),
  /** Whole seconds; 0 until it is stopped. */
  duration: z.number(),
  /** Bytes; 0 until it is stopped. */
  size: z.number(),
  hasAudio: z.boolean(),
  hasVideo: z.boolean(),
  outputMode: z.enum(["composed", "individual"]),
  resolution: z.string().nullable(),
  /** Short-lived address of the file; null unless `available`. */
  url: z.string().nullable(),
  /** The project: its API key (a number, as the platform gives it) or its application id. */
  projectId: z.union([z.number(), z.string()]),
  partnerId: z.union([z.number(), z.string()]),
});
/** An archive object as the platform documents it. */
export type ArchiveJson = z.infer<typeof archiveJsonSchema>;

/** Who describes archives: the project, and the origin that the emulator names, or null. */
interface Teller {
  platform: Pick<Platform, "apiKey">;
  emulatorOrigin(): string | null;
}

/**
 * Describes an archive as the platform would, to whoever sent `request`: files of the emulator
 * platform are at this very origin, under the name that the sender knows it by.
 */
export function archiveJson(
  archive: PlatformArchive,
  { platform, emulatorOrigin }: Teller,
  request: Request,
): ArchiveJson {
  const { createdAtMs, durationSeconds, sizeBytes, url, ...rest } = archive;
  const { apiKey } = platform;
  const path = url && ownPath(url, emulatorOrigin());
  const projectId = /^\d{1,15}$/.test(apiKey) ? Number(apiKey) : apiKey;
  return {
    ...rest,
    createdAt: createdAtMs,
    duration: durationSeconds,
    size: sizeBytes,
    url: path ? new URL(path, originOf(request)).href : url,
    projectId,
    partnerId: projectId,
  };
}

/** The path of a file of the emulator; null for a file elsewhere. */
export function ownPath(url: string, emulatorOrigin: string | null): string | null {
  const { origin, pathname, search } = new URL(url);
  return origin === emulatorOrigin ? pathname + search : null;
}
