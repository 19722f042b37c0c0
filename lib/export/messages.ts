/** What a page and the worker that exports a film say to each other. */
import * as z from "zod";
import { filmSchema } from "../recording/views.ts";
import type { Destination } from "./disk.ts";
import type { Survey } from "./survey.ts";

/** From the page. `look` and `write` are said once each, in this order; the others at any time. */
export const toExporterSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("look"), film: filmSchema }),
  z.object({ type: z.literal("write"), destination: z.custom<Destination>() }),
  /** Tries to reach the parts again, now. */
  z.object({ type: z.literal("retry") }),
  /** Ends the export and leaves nothing behind. */
  z.object({ type: z.literal("cancel") }),
]);
/** From the page. */
export type ToExporter = z.infer<typeof toExporterSchema>;

/** From the worker. `failed` and `cancelled` end it. */
export type FromExporter =
  | { type: "looking"; parts: number; ofParts: number }
  | { type: "surveyed"; survey: Survey }
  | { type: "progress"; filmSeconds: number; bytes: number }
  /** The parts cannot be reached; it goes on by itself. */
  | { type: "stalled" }
  | { type: "done"; bytes: number }
  | { type: "cancelled" }
  | { type: "failed"; text: string };
