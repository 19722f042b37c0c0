/**
 * What this page receives to record: of every stream of somebody else's a feed, which loses nothing;
 * where the publisher's browser cannot make one, its media over WebRTC.
 */
import type { Inbound } from "./inbound.ts";
import type { RecordedStream } from "./recorder.ts";
import { feedIds } from "./recorder_messages.ts";
import { listenToWorker, postToWorker } from "./recorder_worker.ts";

/** What there is of a stream now: feeds that the worker has already, or tracks for it to read. */
export type Reception = { feeds: { audio: string; video: string } } | {
  tracks: MediaStreamTrack[];
};

interface Received {
  inbound: Inbound;
  /** Names the feed; null where it is media. */
  feed: string | null;
}

/** What this page receives, by source: recordings of both lanes share it. */
const bySource = new Map<string, Received>();
/** Sources whose publisher could not feed. */
const unfed = new Set<string>();

/** One recording's streams of others. */
export class Receiving {
  /** By stream. */
  readonly #held = new Map<string, { received: Received; release: () => void }>();

  /** @param onChange called when a stream's media came, changed or ended */
  constructor(private readonly onChange: () => void) {}

  /** What there is of a stream; it is asked for at the first call. */
  receive(stream: RecordedStream): Reception {
    let { received } = this.#held.get(stream.streamId) ?? {};
    if (received === undefined || received.inbound.closed) {
      this.#held.get(stream.streamId)?.release();
      received = this.#hold(stream);
    }
    const { feed, inbound } = received;
    return feed === null ? { tracks: inbound.media.getTracks() } : { feeds: feedIds(feed) };
  }

  /** Gives back all but these streams. */
  keepOnly(streamIds: readonly string[]): void {
    for (const [streamId, { release }] of this.#held) {
      if (!streamIds.includes(streamId)) release();
    }
  }

  #hold({ streamId, source, ...stream }: RecordedStream): Received {
    const shared = bySource.get(source);
    const received = shared !== undefined && !shared.inbound.closed
      ? shared
      : unfed.has(source)
      ? { inbound: stream.inbound(), feed: null }
      : openFeed(stream.feed);
    const { inbound, feed } = received;
    bySource.set(source, received);
    let came = inbound.connected;
    const unwatch = inbound.watch((state) => {
      if (state === "media") came = true;
      if (state === "closed") {
        if (feed !== null && !came) unfed.add(source);
        if (bySource.get(source) === received) bySource.delete(source);
      }
      this.onChange();
    });
    this.#held.set(streamId, {
      received,
      release: () => {
        this.#held.delete(streamId);
        unwatch();
        if (!inbound.closed) inbound.release();
      },
    });
    inbound.retain();
    return received;
  }
}

/** Asks for a feed and hands what comes to the worker. */
function openFeed(open: RecordedStream["feed"]): Received {
  const id = crypto.randomUUID();
  const inbound = open((message) => postToWorker({ type: "receive", id, message }, [message]));
  const unlisten = listenToWorker({
    take: (message) => {
      if (message.type === "broken" && message.id === id) inbound.restart();
    },
    failed: () => inbound.close(),
  });
  inbound.watch((state) => {
    if (state !== "closed") return;
    unlisten();
    postToWorker({ type: "end-receive", id });
  });
  return { inbound, feed: id };
}
