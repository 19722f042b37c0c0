/**
 * The recording worker of a page: reads frames and samples of every track it is given, and makes all
 * recordings of the page from them. Timers and streams run here at full speed while the tab is hidden.
 */
import { FeedDecoder } from "./feed_decoder.ts";
import { FeedEncoder } from "./feed_encoder.ts";
import { ArchiveRecording } from "./recorder_archive.ts";
import { AudioFeed } from "./recorder_audio.ts";
import { Studio } from "./recorder_encoder.ts";
import { CameraClock } from "./recorder_clock.ts";
import { feedIds, type FromWorker, type Tile, toWorkerSchema } from "./recorder_messages.ts";
import { Ticker } from "./recorder_ticker.ts";
import { VideoFeed } from "./recorder_video.ts";

/** Time between two looks at the sound, and at the cameras, ms. */
const pumpEveryMs = 20;
const lookEveryMs = 100;

const recordings = new Map<string, ArchiveRecording>();
const microphones = new Map<string, AudioFeed>();
const encoders = new Map<string, FeedEncoder>();
const decoders = new Map<string, FeedDecoder>();
const studio = new Studio();
const ticker = new Ticker((atMs) => {
  studio.compose(atMs, [...recordings.values()].filter((recording) => recording.tick(atMs)));
});
setInterval(() => ticker.look(), lookEveryMs);
setInterval(() => {
  for (const recording of recordings.values()) recording.pump();
}, pumpEveryMs);

function tell(message: FromWorker, transfer: Transferable[] = []): void {
  globalThis.postMessage(message, { transfer });
}

function sorted(tiles: Tile[]): Tile[] {
  return [...tiles].sort((a, b) => a.order - b.order);
}

function showVisible(): void {
  const tiles = [...recordings.values()].flatMap((recording) => recording.tiles);
  const shown = sorted(tiles).flatMap(({ hasVideo, videoFeed }) =>
    hasVideo && videoFeed !== null ? [videoFeed] : []
  );
  ticker.show([...new Set(shown)]);
}

async function read(
  readable: ReadableStream,
  take: (value: unknown) => void | Promise<void>,
): Promise<void> {
  const reader = readable.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    await take(value);
  }
}

function addFeed(id: string, kind: "audio" | "video", readable: ReadableStream): void {
  if (kind === "audio") {
    const feed = new AudioFeed();
    microphones.set(id, feed);
    read(readable, (data) => {
      if (data instanceof AudioData) feed.push(data);
    }).finally(() => microphones.delete(id));
  } else {
    const feed = new VideoFeed();
    const clock = new CameraClock();
    ticker.feeds.set(id, feed);
    read(readable, async (frame) => {
      if (!(frame instanceof VideoFrame)) return;
      const atMs = clock.moment(frame, performance.now());
      if (atMs === null) frame.close();
      else await ticker.push(feed, frame, atMs);
    }).finally(() => {
      feed.clear();
      if (ticker.feeds.get(id) === feed) ticker.feeds.delete(id);
    });
  }
  showVisible();
}

/** Encodes a track for somebody else's recorder. */
function send(id: string, kind: "audio" | "video", readable: ReadableStream): void {
  const encoder = encoders.get(id) ??
    new FeedEncoder((messages) => tell({ type: "packet", id, messages }, messages));
  encoders.set(id, encoder);
  read(readable, async (value) => {
    if (kind === "audio" && value instanceof AudioData) encoder.pushData(value);
    else if (value instanceof VideoFrame) await encoder.pushFrame(value);
  }).catch(() => {}); // the track's end, which the page told us of
}

/** Takes what somebody else's publisher sends. */
function receive(id: string, message: ArrayBuffer): void {
  let decoder = decoders.get(id);
  if (decoder === undefined) {
    decoder = new FeedDecoder(ticker, () => tell({ type: "broken", id }));
    decoders.set(id, decoder);
    const ids = feedIds(id);
    ticker.feeds.set(ids.video, decoder.video);
    microphones.set(ids.audio, decoder.audio);
    showVisible();
  }
  decoder.take(message);
}

function endReceive(id: string): void {
  const ids = feedIds(id);
  decoders.get(id)?.close();
  decoders.delete(id);
  ticker.feeds.delete(ids.video);
  microphones.delete(ids.audio);
  showVisible();
}

globalThis.addEventListener("message", ({ data }) => {
  const message = toWorkerSchema.parse(data);
  switch (message.type) {
    case "feed":
      return addFeed(message.id, message.kind, message.readable);
    case "end-feed":
      ticker.feeds.get(message.id)?.clear();
      ticker.feeds.delete(message.id);
      microphones.delete(message.id);
      return;
    case "send":
      return send(message.id, message.kind, message.readable);
    case "end-send":
      encoders.get(message.id)?.close();
      return void encoders.delete(message.id);
    case "receive":
      return receive(message.id, message.message);
    case "end-receive":
      return endReceive(message.id);
    case "start": {
      const { options: { archiveId } } = message;
      const recording = new ArchiveRecording(
        message.options,
        ticker,
        studio,
        microphones,
        (epochMs) => tell({ type: "started", archiveId, epochMs }),
      );
      recording.tiles = sorted(message.tiles);
      recordings.set(archiveId, recording);
      recording.finished.then(
        (droppedFrames) => tell({ type: "finished", archiveId, droppedFrames }),
        (error) => tell({ type: "failed", archiveId, message: String(error?.message ?? error) }),
      ).finally(() => {
        recordings.delete(archiveId);
        showVisible();
      });
      return showVisible();
    }
    case "tiles": {
      const recording = recordings.get(message.archiveId);
      if (recording !== undefined) recording.tiles = sorted(message.tiles);
      return showVisible();
    }
    case "stop":
      return void recordings.get(message.archiveId)?.stop();
  }
});
