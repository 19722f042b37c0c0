/** One camera that this page records. */
import type { Planes } from "./recorder_planes.ts";

/** A picture and its moment on the recorder's clock. */
export interface TimedPlanes {
  planes: Planes;
  atMs: number;
}

/** The pictures of one camera, in their order. */
export class VideoFeed {
  /** The picture that is shown now. */
  shown: Planes | null = null;
  /** Pictures that wait for those of other cameras. */
  readonly arrived: TimedPlanes[] = [];
  /** Pictures whose turn has come, and that wait for a tick. */
  readonly queue: TimedPlanes[] = [];
  /** When the last picture came, and its moment; ms on the recorder's clock. */
  lastArrivalMs = -Infinity;
  lastAtMs = -Infinity;
  /** Moment of the last picture whose turn has come, ms. */
  lastTurnMs = -Infinity;

  /** @param giveBack takes pictures that are done with: their memory is used again */
  constructor(readonly giveBack: (planes: Planes) => void) {}

  /** Shows the next picture, if one waits. */
  advance(): void {
    const next = this.queue.shift();
    if (next === undefined) return;
    if (this.shown !== null) this.giveBack(this.shown);
    this.shown = next.planes;
  }

  /** Forgets all pictures. */
  clear(): void {
    for (const { planes } of [...this.arrived.splice(0), ...this.queue.splice(0)]) {
      this.giveBack(planes);
    }
    if (this.shown !== null) this.giveBack(this.shown);
    this.shown = null;
  }
}
