/** The publisher's half of a feed, in the page: its tracks go to the worker, its packets out. */
import { listenToWorker, postToWorker, readTrack } from "./recorder_worker.ts";

/** Bytes that may wait in the channel; a line that slow is given up, and made anew. */
const maxBufferedBytes = 8 * 1024 * 1024;

/** Sends one stream's camera and microphone to one recorder, from when the channel opens. */
export class FeedSender {
  readonly #id = crypto.randomUUID();
  /** What is read, by the track it was cloned from. */
  readonly #clones = new Map<MediaStreamTrack, MediaStreamTrack>();
  readonly #unlisten: () => void;

  constructor(private readonly channel: RTCDataChannel, tracks: () => MediaStreamTrack[]) {
    this.#unlisten = listenToWorker({
      take: (message) => {
        if (message.type === "packet" && message.id === this.#id) this.#send(message.messages);
      },
      failed: () => channel.close(),
    });
    channel.onopen = () => {
      for (const track of tracks()) this.#read(track);
    };
    channel.onclose = () => this.close();
  }

  /** Reads another track in the place of one. */
  replace(old: MediaStreamTrack, track: MediaStreamTrack): void {
    if (!this.#clones.has(old)) return;
    this.#clones.get(old)?.stop();
    this.#clones.delete(old);
    this.#read(track);
  }

  /** What is muted here is muted there: silence and black, which keep the clock going. */
  tracksChanged(): void {
    for (const [track, clone] of this.#clones) clone.enabled = track.enabled;
  }

  /** Ends the feed. */
  close(): void {
    this.#unlisten();
    for (const clone of this.#clones.values()) clone.stop();
    if (this.#clones.size > 0) postToWorker({ type: "end-send", id: this.#id });
    this.#clones.clear();
    this.channel.close();
  }

  #read(track: MediaStreamTrack): void {
    if (track.readyState === "ended") return;
    const clone = track.clone();
    clone.enabled = track.enabled;
    this.#clones.set(track, clone);
    const source = readTrack(clone);
    postToWorker({ type: "send", id: this.#id, source }, [source]);
  }

  #send(messages: ArrayBuffer[]): void {
    if (this.channel.readyState !== "open") return;
    if (this.channel.bufferedAmount > maxBufferedBytes) return this.channel.close();
    for (const message of messages) this.channel.send(message);
  }
}
