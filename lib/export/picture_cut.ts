/** Which pictures of a part go into the film's file, and when they are shown: pure. */

/** As much of an encoded picture as cutting depends on. */
export interface Picture {
  type: "key" | "delta";
  /** When it is shown, film time in seconds. */
  timestamp: number;
  /** How long it is shown, seconds; 0 where the file does not say. */
  duration: number;
}

/** When a picture is shown in the film, seconds. */
export interface PictureTime {
  timestamp: number;
  duration: number;
}

/** A picture belongs to the part in which most of its time lies; a long one is not waited for. */
const LONGEST_HALF_SECONDS = 0.025;
/** Pictures that H.264 may decode before one that is shown earlier (max_num_reorder_frames). */
const MAX_REORDERED = 16;
/** What is only there to be decoded is squeezed into this much time right before the seam. */
const SQUEEZE_SECONDS = 0.002;
/** What is taken where no file says how long a picture lasts. */
const USUAL_SECONDS = 1 / 30;

/**
 * Cuts one part's pictures. They are pushed in decode order, which is not the order they are shown in
 * where the encoder looks ahead: a picture before the seam may need one behind it. That one is kept,
 * with next to no time of its own, so that nothing before the seam is lost and nothing is seen twice.
 */
export class PictureCut<P extends Picture> {
  #held: P[] = [];
  #begun = false;
  #usualSeconds = USUAL_SECONDS;
  #behind = 0;

  /** What is shown from the first key frame at or after `fromSeconds` until `toSeconds`. */
  constructor(readonly fromSeconds: number, readonly toSeconds: number) {}

  /** True once no picture that is still to come can be shown before the seam. */
  get done(): boolean {
    return this.#behind >= MAX_REORDERED;
  }

  /** Takes the next picture in decode order; answers what goes into the file now, in that order. */
  push(picture: P): { picture: P; time: PictureTime }[] {
    if (picture.duration > 0) this.#usualSeconds = picture.duration;
    const duration = picture.duration || this.#usualSeconds;
    if (!this.#begun && (picture.type !== "key" || this.#isBefore(picture))) return [];
    this.#begun = true;
    // Decoded after the first key frame, shown before it: needs what came before the key frame.
    if (this.#isBefore(picture)) return [];
    const lastSeconds = this.toSeconds - Math.min(duration / 2, LONGEST_HALF_SECONDS);
    if (picture.timestamp >= lastSeconds) {
      this.#held.push(picture);
      this.#behind++;
      return [];
    }
    const needed = this.#held.splice(0).map((held) => ({
      picture: held,
      time: { timestamp: this.#squeeze(held.timestamp), duration: 0 },
    }));
    this.#behind = 0;
    const shownSeconds = Math.min(duration, this.toSeconds - picture.timestamp);
    return [...needed, {
      picture,
      time: { timestamp: picture.timestamp, duration: shownSeconds },
    }];
  }

  /** Times are sums of decimals. */
  #isBefore(picture: P): boolean {
    return picture.timestamp < this.fromSeconds - 1e-6;
  }

  /** Keeps the order of what lies behind the seam, right before it. */
  #squeeze(timestamp: number): number {
    const behindSeconds = Math.max(0, timestamp - this.toSeconds + LONGEST_HALF_SECONDS);
    return this.toSeconds - SQUEEZE_SECONDS / (1 + behindSeconds);
  }
}
