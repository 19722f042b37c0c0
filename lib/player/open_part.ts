/** The part that is being appended, track by track. Browser only. */
import type { Piece } from "./buffers.ts";
import { browserWorld, createMediaFetch, MediaFetchError } from "./media_fetch.ts";
import type { Fragment, PartFile } from "./part_file.ts";
import type { Head } from "./plan.ts";
import type { PartFinding, Segment } from "./timeline.ts";

/** The reader of files is as large as the rest of the player: the controls need not wait for it. */
export function loadPartFiles(): Promise<typeof import("./part_file.ts")> {
  return import("./part_file.ts").catch((cause: unknown) => {
    throw new MediaFetchError("unreachable", "Loading the player's file reader failed", { cause });
  });
}

interface OpenTrack extends Head {
  mimeType: string;
  fragments: AsyncGenerator<Fragment, void, void>;
  /** Read but not taken by the browser yet. */
  pending: Fragment | null;
  fresh: boolean;
}

/** A piece read from a part. */
export interface NextPiece extends Piece {
  /** True for the first of its track: what was appended before it came from elsewhere. */
  isFirst: boolean;
  /** Says that the browser took it; until then the same piece comes again. */
  taken(): void;
}

/** A part's file, read from a moment of the film on. */
export class OpenPart {
  /** How far each track was taken. */
  readonly tracks: readonly OpenTrack[];
  readonly segment: Segment;
  readonly #file: PartFile;

  private constructor(segment: Segment, file: PartFile, fromSeconds: number) {
    this.segment = segment;
    this.#file = file;
    this.tracks = file.tracks.map((track) => ({
      kind: track.kind,
      mimeType: track.mimeType,
      fragments: track.fragments(fromSeconds - segment.placeSeconds),
      appendedToSeconds: fromSeconds,
      done: false,
      pending: null,
      fresh: true,
    }));
  }

  /** Opens a part to be read from film time `fromSeconds` on. Rejects as `openPartFile` does. */
  static async open(segment: Segment, fromSeconds: number): Promise<OpenPart> {
    const { openPartFile } = await loadPartFiles();
    const fetchMedia = createMediaFetch(segment.mediaUrl, browserWorld);
    return new OpenPart(segment, await openPartFile(segment.mediaUrl, fetchMedia), fromSeconds);
  }

  /** What the file says about itself. */
  get finding(): PartFinding {
    const { startSeconds, endSeconds } = this.#file;
    return { kind: "media", startSeconds, endSeconds };
  }

  /** Reads on in a track; null at its end, which is then `done`. */
  async next(kind: Head["kind"]): Promise<NextPiece | null> {
    const track = this.tracks.find((candidate) => candidate.kind === kind);
    if (!track) return null;
    const fragment = track.pending ?? (await track.fragments.next()).value;
    if (!fragment) {
      track.done = true;
      return null;
    }
    track.pending = fragment;
    const { placeSeconds } = this.segment;
    return {
      mimeType: track.mimeType,
      placeSeconds,
      bytes: fragment.bytes,
      isFirst: track.fresh,
      taken() {
        track.fresh = false;
        track.appendedToSeconds = placeSeconds + fragment.endSeconds;
        track.pending = null;
      },
    };
  }

  close(): void {
    this.#file.close();
  }
}
