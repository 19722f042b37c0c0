/**
 * The structure of append-only Matroska files (RFC 9559): a segment and clusters of unknown size, in
 * which whole elements follow one another.
 */

/** Elements that contain the following ones, up to the next of their kind. */
const CONTAINERS: ReadonlySet<number> = new Set([
  0x18538067, // Segment
  0x1f43b675, // Cluster
]);
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
const WINDOW_BYTES = 64 * 1024;
/** An id of 4 bytes and a size of 8. */
const MAX_HEADER_BYTES = 12;

/**
 * Cuts a file after its last whole element. An upload may end anywhere; mediabunny (1.61.0) loses the
 * last cluster, up to 2 s, if that is incomplete, and must be given well-formed files.
 */
export async function cutToWholeElements(path: string): Promise<void> {
  using file = await Deno.open(path, { read: true, write: true });
  const { size } = await file.stat();
  const window = new Uint8Array(WINDOW_BYTES);
  let windowAt = 0;
  let windowBytes = 0;
  for (let at = 0;;) {
    const windowEnd = windowAt + windowBytes;
    if (at + MAX_HEADER_BYTES > windowEnd && windowEnd < size) {
      await file.seek(at, Deno.SeekMode.Start);
      windowAt = at;
      windowBytes = await file.read(window) ?? 0;
    }
    const header = readHeader(window.subarray(at - windowAt, windowBytes));
    const dataAt = at + (header?.headerBytes ?? 0);
    const isContainer = CONTAINERS.has(header?.id ?? 0) && header?.dataBytes === null;
    const end = isContainer ? dataAt : dataAt + (header?.dataBytes ?? Infinity);
    if (!header || end > size || !(isContainer || ELEMENTS.has(header.id))) {
      return await file.truncate(at);
    }
    at = end;
  }
}

/** An element's id and size (null: unknown); null if these are not there in whole. */
function readHeader(
  bytes: Uint8Array,
): { id: number; dataBytes: number | null; headerBytes: number } | null {
  const idBytes = lengthOf(bytes[0]);
  const sizeBytes = lengthOf(bytes[idBytes]);
  const headerBytes = idBytes + sizeBytes;
  if (idBytes > 4 || headerBytes > bytes.length) return null;
  let id = 0;
  for (const byte of bytes.subarray(0, idBytes)) id = id * 256 + byte;
  let dataBytes = 0;
  for (const byte of bytes.subarray(idBytes, headerBytes)) dataBytes = dataBytes * 256 + byte;
  // The first bit that is set marks the length; all others set mean that the size is unknown.
  dataBytes -= 2 ** (7 * sizeBytes);
  const isUnknown = dataBytes === 2 ** (7 * sizeBytes) - 1;
  return { id, dataBytes: isUnknown ? null : dataBytes, headerBytes };
}

/** Length of a number by its first byte; over 8 where there is none. */
function lengthOf(first = 0): number {
  return Math.clz32(first) - 23;
}
