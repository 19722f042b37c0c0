/** Small pictures of a film for its seek bar: the key frame shown at or before a moment. Browser only. */
import { CanvasSink, EncodedPacketSink, type Input } from "../mediabunny.ts";
import { browserWorld, createMediaFetch } from "./media_fetch.ts";
import { openInput } from "./part_file.ts";
import { segmentAt, type Timeline } from "./timeline.ts";

/** Width of a picture, CSS pixels twice over for sharp screens. */
const WIDTH = 320;
/** Pictures kept: about 15 MB of them. */
const MAX_PICTURES = 64;
/** Files kept open: those on both sides of a seam. */
const MAX_FILES = 2;
/** Bytes of one file kept in memory. */
const CACHE_BYTES = 4 * 2 ** 20;

/** Draws itself anywhere, any number of times. */
export type Picture = HTMLCanvasElement | OffscreenCanvas;

interface OpenFile {
  input: Input;
  packets: EncodedPacketSink;
  pictures: CanvasSink;
}

/** Reads pictures out of a film's files by itself, beside whatever plays them. */
export class Previews {
  readonly #files = new Map<string, Promise<OpenFile | null>>();
  readonly #pictures = new Map<string, Picture>();

  /**
   * The picture to show for the film's moment `seconds`; null in a gap and where none can be had: no
   * WebCodecs, a file that scripts may not read in pieces, no picture in it. One call at a time.
   */
  async pictureAt(timeline: Timeline, seconds: number): Promise<Picture | null> {
    const segment = timeline.segments[segmentAt(timeline, seconds)];
    if (!segment || seconds < segment.fromSeconds || typeof VideoDecoder !== "function") {
      return null;
    }
    const { archiveId, mediaUrl, placeSeconds } = segment;
    try {
      const file = await this.#open(archiveId, mediaUrl);
      const packet = await file?.packets.getKeyPacket(seconds - placeSeconds, {
        metadataOnly: true,
      }) ?? await file?.packets.getFirstKeyPacket({ metadataOnly: true });
      if (!file || !packet) return null;
      const key = `${archiveId} ${packet.timestamp}`;
      const known = this.#pictures.get(key);
      if (known) return known;
      const picture = (await file.pictures.getCanvas(packet.timestamp))?.canvas ?? null;
      if (picture) keepNewest(this.#pictures, key, picture, MAX_PICTURES);
      return picture;
    } catch {
      // A seek bar without pictures still tells time and part: nothing to report.
      return null;
    }
  }

  /** Ends all reading; running calls answer null. */
  close(): void {
    for (const file of this.#files.values()) closeFile(file);
    this.#files.clear();
    this.#pictures.clear();
  }

  #open(archiveId: string, mediaUrl: string): Promise<OpenFile | null> {
    const known = this.#files.get(archiveId);
    const file = known ?? openFile(mediaUrl);
    this.#files.delete(archiveId);
    const dropped = keepNewest(this.#files, archiveId, file, MAX_FILES);
    if (dropped) closeFile(dropped);
    return file;
  }
}

async function openFile(mediaUrl: string): Promise<OpenFile | null> {
  const input = openInput(mediaUrl, createMediaFetch(mediaUrl, browserWorld), CACHE_BYTES);
  try {
    const track = await input.getPrimaryVideoTrack();
    if (track && await track.canDecode()) {
      const pictures = new CanvasSink(track, { width: WIDTH });
      return { input, pictures, packets: new EncodedPacketSink(track) };
    }
  } catch {
    // Remembered as a file without pictures, so that it is not asked for at every move.
  }
  input.dispose();
  return null;
}

function closeFile(file: Promise<OpenFile | null>): void {
  void file.then((open) => open?.input.dispose());
}

/** Adds to a map that forgets its oldest beyond `limit`; answers what was forgotten. */
function keepNewest<Value>(
  map: Map<string, Value>,
  key: string,
  value: Value,
  limit: number,
): Value | null {
  map.set(key, value);
  if (map.size <= limit) return null;
  const [oldest] = map;
  if (!oldest) return null;
  map.delete(oldest[0]);
  return oldest[1];
}
