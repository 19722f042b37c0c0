/** Archives as OpenTok's REST interface and SDK show them: the shape that the samples' pages read. */
import { z } from "zod";
import type { PlatformArchive } from "../platform/platform.ts";
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

/** Describes an archive as the platform would. */
export function archiveJson(archive: PlatformArchive, apiKey: string): ArchiveJson {
  const { createdAtMs, durationSeconds, sizeBytes, ...rest } = archive;
  const projectId = /^\d{1,15}$/.test(apiKey) ? Number(apiKey) : apiKey;
  return {
    ...rest,
    createdAt: createdAtMs,
    duration: durationSeconds,
    size: sizeBytes,
    projectId,
    partnerId: projectId,
  };
}
