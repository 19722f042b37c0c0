/** H.264 parameter sets, moved from a file's header into its key frames: pure. */

/**
 * The parameter sets of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1) as a run of NAL
 * units, each behind its length in as many bytes as in the pictures themselves. Put before a key
 * frame, they change the decoder over to another part. Throws a `RangeError` where the record ends too
 * early.
 */
export function parameterSets(record: Uint8Array): Uint8Array {
  const lengthBytes = ((record[4] ?? 0) & 3) + 1;
  const pieces: Uint8Array[] = [];
  let at = 5;
  for (const mask of [0x1f, 0xff]) {
    const count = (record[at++] ?? 0) & mask;
    for (let i = 0; i < count; i++) {
      const length = ((record[at] ?? 0) << 8) | (record[at + 1] ?? 0);
      const unit = record.subarray(at + 2, at + 2 + length);
      if (unit.length < length) {
        throw new RangeError(`Failed to read H.264 parameter sets: they end after ${at} bytes`);
      }
      pieces.push(prefixed(unit, lengthBytes));
      at += 2 + length;
    }
  }
  return joined(pieces);
}

/** One run of bytes after the other. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  pieces.reduce((at, piece) => {
    whole.set(piece, at);
    return at + piece.length;
  }, 0);
  return whole;
}

function prefixed(unit: Uint8Array, lengthBytes: number): Uint8Array {
  const out = new Uint8Array(lengthBytes + unit.length);
  for (let i = 0; i < lengthBytes; i++) out[i] = unit.length >> 8 * (lengthBytes - 1 - i);
  out.set(unit, lengthBytes);
  return out;
}
