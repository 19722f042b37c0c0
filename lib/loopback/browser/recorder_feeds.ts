/** The tracks that this page's recording worker reads: each one once, however many recordings use it. */
import { postToWorker, readTrack } from "./recorder_worker.ts";

/** Counts who uses each feed: the first use hands it to the worker, the last takes it back. */
export class Feeds {
  readonly #feeds = new Map<string, { holders: number; track: MediaStreamTrack }>();

  /** One more recording uses the track under this id. */
  retain(id: string, track: MediaStreamTrack): void {
    const known = this.#feeds.get(id);
    if (known !== undefined) {
      known.holders += 1;
      return;
    }
    // A clone: muting must not starve the recorder's clock, nor stopping the original end it.
    const clone = track.clone();
    clone.enabled = true;
    const source = readTrack(clone);
    this.#feeds.set(id, { holders: 1, track: clone });
    postToWorker({ type: "feed", id, source }, [source]);
  }

  /** One recording less uses it. */
  release(id: string): void {
    const feed = this.#feeds.get(id);
    if (feed === undefined) return;
    feed.holders -= 1;
    if (feed.holders > 0) return;
    this.#feeds.delete(id);
    postToWorker({ type: "end-feed", id });
    feed.track.stop();
  }

  /** The worker is gone, and every feed with it. */
  lost(): void {
    for (const { track } of this.#feeds.values()) track.stop();
    this.#feeds.clear();
  }
}
