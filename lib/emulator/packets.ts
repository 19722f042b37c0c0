/**
 * What recorders upload: encoded packets one after the other, each behind the lengths of its header and
 * of its data (uint32, little-endian) and the header in JSON. Nothing else is parsed on the server.
 */
import * as z from "zod";

/** The two lengths before a header, bytes. */
export const LENGTHS_BYTES = 8;

const decoder = {
  codec: z.string(),
  /** Empty for codecs that have none. */
  description: z.array(z.number()).transform((bytes) =>
    bytes.length > 0 ? Uint8Array.from(bytes) : undefined
  ),
};
const audioDecoder = { ...decoder, numberOfChannels: z.number(), sampleRate: z.number() };
const packet = {
  type: z.enum(["key", "delta"]),
  /** Seconds of the segment's media time; no archive is longer than a day. */
  timestamp: z.number().min(0).max(86_400),
  duration: z.number().nonnegative(),
};
/** A packet's header. The first packet of each kind brings what its decoder needs. */
export const packetHeaderSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("video"), ...packet, config: z.looseObject(decoder).optional() }),
  z.object({ kind: z.literal("audio"), ...packet, config: z.looseObject(audioDecoder).optional() }),
]);
/** A packet as the server reads it. */
export type Packet = z.output<typeof packetHeaderSchema> & { data: Uint8Array };

/** Encodes a packet for an upload, in several pieces. */
export function encodePacket(
  kind: Packet["kind"],
  { data, type, timestamp, duration }: Pick<Packet, "data" | "type" | "timestamp" | "duration">,
  config?: VideoDecoderConfig | AudioDecoderConfig,
): Uint8Array<ArrayBuffer>[] {
  const { description = new Uint8Array() } = config ?? {};
  const bytes = ArrayBuffer.isView(description)
    ? new Uint8Array(description.buffer, description.byteOffset, description.byteLength)
    : new Uint8Array(description);
  const decoder = config && { ...config, description: [...bytes] };
  const header = JSON.stringify({ kind, type, timestamp, duration, config: decoder });
  const encoded = new TextEncoder().encode(header);
  const lengths = Uint32Array.of(encoded.length, data.length);
  return [new Uint8Array(lengths.buffer), encoded, data.slice()];
}
