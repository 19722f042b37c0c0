/** One camera that this page records. */
import { copyPlanes, type Planes } from "./recorder_planes.ts";

/** Pictures whose memory is kept to be used again. */
const maxSpare = 8;

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
  /** Memory of pictures that are done with. */
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];

  /** Copies a frame and closes it: the camera lends only a few. Null if it cannot be read any more. */
  async copy(frame: VideoFrame): Promise<Planes | null> {
    return await copyPlanes(frame, this.#spare.pop()).catch(() => null).finally(() =>
      frame.close()
    );
  }

  /** Shows the next picture, if one waits. */
  advance(): void {
    const next = this.queue.shift();
    if (next === undefined) return;
    if (this.shown !== null) this.drop(this.shown);
    this.shown = next.planes;
  }

  /** Is done with a picture. */
  drop({ data }: Planes): void {
    if (this.#spare.length < maxSpare) this.#spare.push(data);
  }

  /** Forgets all pictures. */
  clear(): void {
    this.shown = null;
    this.arrived.length = 0;
    this.queue.length = 0;
    this.#spare.length = 0;
  }
}
