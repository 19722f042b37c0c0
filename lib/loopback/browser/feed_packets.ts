/**
 * A publisher's pictures and sound on their way to somebody else's recorder: packets over a reliable
 * data channel, so that a busy machine makes them late but loses none (WebRTC's own media would drop
 * what it cannot encode in time).
 */

/** Bytes of one message: what every browser's data channels take. */
const maxMessageBytes = 64 * 1024;
const headerBytes = 16;
const isKey = 1;
const isLast = 2;
/** What one packet may have, bytes; a longer one is not of ours. */
const maxPacketBytes = 8 * 1024 * 1024;

/** A picture as VP8, or a piece of sound as samples; `atMs` is its moment on the publisher's clock. */
export type FeedPacket =
  | { kind: "video"; atMs: number; key: boolean; data: Uint8Array<ArrayBuffer> }
  | { kind: "audio"; atMs: number; sampleRate: number; channels: Float32Array<ArrayBuffer>[] };

/** The messages that carry a packet, in order. */
export function toMessages(packet: FeedPacket): ArrayBuffer[] {
  const data = packet.kind === "video" ? packet.data : joined(packet.channels);
  const messages: ArrayBuffer[] = [];
  const room = maxMessageBytes - headerBytes;
  for (let at = 0; at === 0 || at < data.length; at += room) {
    const piece = data.subarray(at, at + room);
    const message = new ArrayBuffer(headerBytes + piece.length);
    const header = new DataView(message);
    header.setUint8(0, packet.kind === "video" ? 0 : packet.channels.length);
    const key = packet.kind === "video" && packet.key ? isKey : 0;
    header.setUint8(1, key | (at + room >= data.length ? isLast : 0));
    header.setUint32(4, packet.kind === "video" ? 0 : packet.sampleRate);
    header.setFloat64(8, packet.atMs);
    new Uint8Array(message, headerBytes).set(piece);
    messages.push(message);
  }
  return messages;
}

/** Puts messages together again. */
export class PacketReader {
  #pieces: Uint8Array<ArrayBuffer>[] = [];
  #bytes = 0;

  /**
   * The packet that a message completes, or null while there is more to come.
   * @throws {RangeError} where a message is none of {@link toMessages}.
   */
  take(message: ArrayBuffer): FeedPacket | null {
    const header = new DataView(message);
    const flags = header.getUint8(1);
    this.#pieces.push(new Uint8Array(message, headerBytes));
    this.#bytes += message.byteLength - headerBytes;
    if (this.#bytes > maxPacketBytes) throw new RangeError("Read a feed: a packet is too long");
    if (!(flags & isLast)) return null;
    const data = joined(this.#pieces);
    this.#pieces = [];
    this.#bytes = 0;
    const channelCount = header.getUint8(0);
    const atMs = header.getFloat64(8);
    if (channelCount === 0) return { kind: "video", atMs, key: (flags & isKey) !== 0, data };
    const length = data.length / 4 / channelCount;
    const channels = Array.from(
      { length: channelCount },
      (_, i) => new Float32Array(data.buffer, i * length * 4, length),
    );
    return { kind: "audio", atMs, sampleRate: header.getUint32(4), channels };
  }
}

function joined(pieces: (Uint8Array | Float32Array)[]): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(pieces.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const { buffer, byteOffset, byteLength } of pieces) {
    data.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return data;
}
