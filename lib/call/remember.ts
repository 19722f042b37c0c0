/** What this browser remembers of a person between calls: the name and the devices. */
import * as z from "zod";

const KEY = "gapless-call";
const memorySchema = z.object({
  name: z.string().max(60).catch(""),
  /** A device id, "" for any, "none" for none. */
  camera: z.string().max(500).catch(""),
  microphone: z.string().max(500).catch(""),
});
/** The name and devices of the last call here. */
export type Memory = z.infer<typeof memorySchema>;

/** What was remembered; nothing, where the browser does not keep anything. */
export function remembered(): Memory {
  try {
    return memorySchema.parse(JSON.parse(localStorage.getItem(KEY) ?? "{}"));
  } catch {
    // Storage may be forbidden, or hold something else: begin afresh.
    return { name: "", camera: "", microphone: "" };
  }
}

/** Adds to what is remembered. */
export function remember(change: Partial<Memory>): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...remembered(), ...change }));
  } catch {
    // Storage is forbidden or full: the next call asks again.
  }
}
