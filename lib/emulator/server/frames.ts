/**
 * Frames of OpenTok's client signalling, binary in both directions: uint32 length of the rest, two
 * bytes 0, kind, addresses, headers, and a body of text. Strings have a uint16 length and are UTF-8.
 */
import { Buffer } from "node:buffer";

/** Kinds of frames. 0, 1 and 3 (subscribe, unsubscribe, connect) need neither action nor answer. */
export const KIND = { message: 2, disconnect: 4, ping: 7, pong: 8, status: 9 } as const;

/** A decoded frame. */
export interface Frame {
  kind: number;
  headers: ReadonlyMap<string, string>;
  body: string;
}

/** Encodes a frame. Throws RangeError for a string of over 65,535 bytes outside the body. */
export function encodeFrame(
  kind: number,
  { address, headers = {}, body = "" }: {
    address?: string;
    headers?: Record<string, string>;
    body?: string;
  } = {},
): Uint8Array<ArrayBuffer> {
  const prefixed = (text: string) => {
    const bytes = Buffer.from(`\0\0${text}`);
    bytes.writeUInt16BE(bytes.length - 2);
    return bytes;
  };
  const entries = Object.entries(headers);
  const addresses = address === undefined ? [] : [address];
  const frame = Buffer.concat([
    Buffer.from([0, 0, 0, 0, 0, 0, kind, addresses.length]),
    ...addresses.map(prefixed),
    Buffer.from([entries.length]),
    ...entries.flat().map(prefixed),
    Buffer.from(body),
  ]);
  frame.writeUInt32BE(frame.length - 4);
  return new Uint8Array(frame);
}

/** Decodes a frame; null for bytes that are none. */
export function decodeFrame(bytes: ArrayBuffer): Frame | null {
  const buffer = Buffer.from(bytes);
  let at = 8; // after length, padding, kind and number of addresses
  const readString = () => {
    const start = at + 2;
    at = start + buffer.readUInt16BE(at);
    if (at > buffer.length) throw new RangeError("The string ends after the frame");
    return buffer.toString("utf8", start, at);
  };
  try {
    for (let left = buffer.readUInt8(7); left > 0; left--) readString();
    const headers = new Map<string, string>();
    for (let left = buffer.readUInt8(at++); left > 0; left--) {
      headers.set(readString(), readString());
    }
    return { kind: buffer.readUInt8(6), headers, body: buffer.toString("utf8", at) };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
