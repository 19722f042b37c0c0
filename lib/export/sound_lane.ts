/** Where packets of sound lie in the film's file: pure. */

/** As much of a packet of sound as its place depends on: film time, seconds. */
export interface SoundPacket {
  timestamp: number;
  duration: number;
}

/** Where a packet goes, and how much silence before it. */
export interface SoundPlace {
  /** Where the silence begins: `silentPackets` packets, one after the other. */
  silenceFromSeconds: number;
  silentPackets: number;
  /** Where the packet itself begins. */
  timestamp: number;
}

/** Times are sums of decimals. */
const ROUNDING_SECONDS = 1e-6;

/**
 * Lays sound out without a break: many players play one packet after the other whatever their times
 * say, so that a hole would move all that follows away from its picture. Holes are filled with
 * silence, and each part's packets are moved together, by half a packet at most, onto the grid of
 * those before; the movement never adds up, as every part is placed by the film's own time.
 */
export class SoundLane {
  #endSeconds: number | null = null;
  #entering = true;

  /** `silentSeconds`: the length of a packet of silence, or null where there is none to be had. */
  constructor(readonly silentSeconds: number | null) {}

  /** Film time up to which there is sound; null before the first. */
  get endSeconds(): number | null {
    return this.#endSeconds;
  }

  /** The packets that follow are another part's. */
  enterPart(): void {
    this.#entering = true;
  }

  /** The place of the next packet, or null if its time is taken already. */
  place(packet: SoundPacket): SoundPlace | null {
    const { timestamp, duration } = packet;
    const step = this.silentSeconds;
    if (this.#endSeconds === null) {
      // The first packet lies exactly where it belongs.
      const before = step === null ? 0 : Math.floor((timestamp + ROUNDING_SECONDS) / step);
      this.#endSeconds = step === null ? timestamp : Math.max(0, timestamp - before * step);
    }
    const endSeconds = this.#endSeconds;
    const lateSeconds = endSeconds - timestamp;
    // Inside a part times may jitter; only a whole packet too many or too few is put right.
    const toleranceSeconds = (this.#entering ? duration / 2 : duration) + ROUNDING_SECONDS;
    if (lateSeconds > toleranceSeconds) return null;
    let silentPackets = 0;
    if (-lateSeconds > toleranceSeconds) {
      silentPackets = step === null ? 0 : Math.round(-lateSeconds / step);
    }
    this.#entering = false;
    const beginSeconds = step === null && -lateSeconds > toleranceSeconds
      ? timestamp
      : endSeconds + silentPackets * (step ?? 0);
    this.#endSeconds = beginSeconds + duration;
    return { silenceFromSeconds: endSeconds, silentPackets, timestamp: beginSeconds };
  }
}
