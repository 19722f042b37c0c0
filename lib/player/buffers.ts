/** MediaSource as promises: one SourceBuffer a kind, one operation at a time. */
import type { Range } from "./plan.ts";
import type { Kind } from "./part_file.ts";

/** The browser's MediaSource, or the iPhone's managed one, or null where there is neither. */
export function mediaSourceClass(): typeof MediaSource | null {
  const managed = Reflect.get(globalThis, "ManagedMediaSource");
  if (typeof MediaSource === "function") return MediaSource;
  return typeof managed === "function" ? managed : null;
}

/** True where only the iPhone's managed MediaSource is to be had. */
export function isManaged(): boolean {
  return typeof MediaSource !== "function";
}

/** The browser's memory for media is full: play on, throw away, then try again. */
export class BuffersFullError extends Error {
  override readonly name = "BuffersFullError";
}

/** A part cannot go into the buffers that were made for the film's first part. */
export class BuffersMismatchError extends Error {
  override readonly name = "BuffersMismatchError";
}

/** What goes in at one time: `place` is the film time of the bytes' time 0, seconds. */
export interface Piece {
  mimeType: string;
  placeSeconds: number;
  bytes: BufferSource;
}

/** The SourceBuffers of one MediaSource. Calls must not overlap: await each. */
export class Buffers {
  readonly #source: MediaSource;
  readonly #buffers = new Map<Kind, { buffer: SourceBuffer; mimeType: string }>();

  constructor(source: MediaSource) {
    this.#source = source;
  }

  /**
   * Makes or re-types the buffers for a part's tracks. Throws {@link BuffersMismatchError} if this
   * browser cannot decode one of them, or if the part has other kinds of track than the first had.
   */
  prepare(tracks: readonly { kind: Kind; mimeType: string }[]): void {
    const source = mediaSourceClass();
    const refused = tracks.find((track) => !source?.isTypeSupported(track.mimeType));
    if (refused) throw new BuffersMismatchError(`This browser does not stream ${refused.mimeType}`);
    if (this.#buffers.size === 0) {
      for (const { kind, mimeType } of tracks) {
        this.#buffers.set(kind, { buffer: this.#source.addSourceBuffer(mimeType), mimeType });
      }
      return;
    }
    const kinds = new Set(tracks.map((track) => track.kind));
    if (kinds.size !== this.#buffers.size || [...kinds].some((kind) => !this.#buffers.has(kind))) {
      throw new BuffersMismatchError("A part has other tracks than the parts before it");
    }
  }

  /** Appends one piece; what it covers replaces what was there. Throws {@link BuffersFullError}. */
  async append(kind: Kind, piece: Piece, firstOfPart: boolean): Promise<void> {
    const entry = this.#buffers.get(kind);
    if (!entry) throw new BuffersMismatchError(`There is no buffer for ${kind}`);
    const { buffer } = entry;
    if (firstOfPart) {
      // Ends what the previous part left half parsed, so that the next initialisation is taken.
      buffer.abort();
      if (entry.mimeType !== piece.mimeType) {
        buffer.changeType(piece.mimeType);
        entry.mimeType = piece.mimeType;
      }
      buffer.timestampOffset = piece.placeSeconds;
    }
    await settle(buffer, () => buffer.appendBuffer(piece.bytes));
  }

  /** Forgets everything from `fromSeconds` to `toSeconds`. */
  async remove(fromSeconds: number, toSeconds: number): Promise<void> {
    for (const { buffer } of this.#buffers.values()) {
      if (buffer.buffered.length === 0) continue;
      await settle(buffer, () => buffer.remove(fromSeconds, toSeconds));
    }
  }

  /** False while a managed source would rather not be given more. */
  get wanted(): boolean {
    return Reflect.get(this.#source, "streaming") !== false || this.#buffers.size === 0;
  }

  /** The earliest moment that any buffer holds, or null. */
  get fromSeconds(): number | null {
    const starts = [...this.#buffers.values()]
      .filter(({ buffer }) => buffer.buffered.length > 0)
      .map(({ buffer }) => buffer.buffered.start(0));
    return starts.length > 0 ? Math.min(...starts) : null;
  }

  /** Sets the film's length; it may only grow here, the browser cuts it at {@link end}. */
  setDuration(seconds: number): void {
    if (this.#source.readyState !== "open") return;
    if (!(this.#source.duration >= seconds)) this.#source.duration = seconds;
  }

  /** Tells the browser that nothing follows. */
  end(): void {
    if (this.#source.readyState === "open") this.#source.endOfStream();
  }

  /** True after {@link end} until something changes again. */
  get ended(): boolean {
    return this.#source.readyState === "ended";
  }
}

function settle(buffer: SourceBuffer, operation: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = () => {
      clear();
      resolve();
    };
    const failed = () => {
      clear();
      reject(new Error("The browser could not take this piece of media"));
    };
    const clear = () => {
      buffer.removeEventListener("updateend", done);
      buffer.removeEventListener("error", failed);
    };
    buffer.addEventListener("error", failed);
    buffer.addEventListener("updateend", done);
    try {
      operation();
    } catch (error) {
      clear();
      const full = error instanceof DOMException && error.name === "QuotaExceededError";
      reject(full ? new BuffersFullError("The browser's media memory is full") : error);
    }
  });
}

/** TimeRanges as a list. */
export function rangesOf(ranges: TimeRanges): Range[] {
  return Array.from({ length: ranges.length }, (_, index) => ({
    startSeconds: ranges.start(index),
    endSeconds: ranges.end(index),
  }));
}
