/**
 * The structure of append-only Matroska files (RFC 9559): a segment and clusters of unknown size, in
 * which whole elements follow one another.
 */

/** Elements of unknown size: they contain the following ones, up to the next of their kind. */
const CONTAINERS: ReadonlySet<number> = new Set([
  0x18538067, // Segment
  0x1f43b675, // Cluster
]);
/** Elements of known size. */
const ELEMENTS: ReadonlySet<number> = new Set([
  0x1a45dfa3, // EBML header
  0x114d9b74, // SeekHead
  0x1549a966, // Info
  0x1654ae6b, // Tracks
  0x1c53bb6b, // Cues
  0x1254c367, // Tags
  0xec, // Void
  0xe7, // Timestamp
  0xa3, // SimpleBlock
  0xa0, // BlockGroup
]);
/** An id of 4 bytes and a size of 8. */
const MAX_HEADER_BYTES = 12;

/**
 * Cuts a file after its last whole element. An upload may end anywhere; mediabunny (1.61.0) loses the
 * last cluster, up to 2 s, if that is incomplete, and must be given well-formed files.
 */
export async function cutToWholeElements(path: string): Promise<void> {
  using file = await Deno.open(path, { read: true, write: true });
  const { size } = await file.stat();
  const buffer = new Uint8Array(64 * 1024);
  let window = buffer.subarray(0, 0);
  let windowAt = 0;
  for (let at = 0;;) {
    if (at + MAX_HEADER_BYTES > windowAt + window.length) {
      windowAt = await file.seek(at, Deno.SeekMode.Start);
      window = buffer.subarray(0, await file.read(buffer) ?? 0);
    }
    const id = readNumber(window, at - windowAt);
    const length = readNumber(window, at - windowAt + id.bytes);
    // All bits of a size are set when it is unknown.
    const isOpen = length.value === 2 ** (7 * length.bytes) - 1;
    const end = at + id.bytes + length.bytes + (isOpen ? 0 : length.value);
    const isKnown = (isOpen ? CONTAINERS : ELEMENTS).has(id.marked);
    // Not a number where the header is incomplete.
    if (!isKnown || !(end <= size)) return await file.truncate(at);
    at = end;
  }
}

/**
 * A number whose first bit that is set marks its length (RFC 8794), with this mark and without; NaN if
 * it is not there in whole.
 */
function readNumber(window: Uint8Array, at: number) {
  const bytes = Math.clz32(window[at] ?? 0) - 23;
  const isWhole = bytes <= 8 && at + bytes <= window.length;
  const digits = window.subarray(at, at + bytes);
  const marked = isWhole ? digits.reduce((sum, byte) => sum * 256 + byte, 0) : NaN;
  return { bytes, marked, value: marked - 2 ** (7 * bytes) };
}
