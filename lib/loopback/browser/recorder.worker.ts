/**
 * The recording worker of a page: takes pictures and samples of every track it is given, and makes all
 * recordings of the page from them. Timers and streams run here at full speed while the tab is hidden.
 */
import { CameraPictures } from "./camera_pictures.ts";
import { FeedDecoder } from "./feed_decoder.ts";
import { FeedEncoder } from "./feed_encoder.ts";
import { ArchiveRecording } from "./recorder_archive.ts";
import { AudioFeed } from "./recorder_audio.ts";
import { Studio } from "./recorder_encoder.ts";
import { feedIds, type FromWorker, type Tile, toWorkerSchema } from "./recorder_messages.ts";
import { Ticker } from "./recorder_ticker.ts";
import { VideoFeed } from "./recorder_video.ts";

/** Time between two looks at the sound, and at the cameras, ms. */
const pumpEveryMs = 20;
const lookEveryMs = 100;

const recordings = new Map<string, ArchiveRecording>();
const microphones = new Map<string, AudioFeed>();
const cameras = new Map<string, CameraPictures>();
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

/** Hands on what a microphone says until its track ends, of which the page tells as well. */
async function hear(readable: ReadableStream, take: (data: AudioData) => void): Promise<void> {
  const reader = readable.getReader();
  for (;;) {
    const { done, value } = await reader.read().catch(() => ({ done: true, value: null }));
    if (done) return;
    if (value instanceof AudioData) take(value);
  }
}

function addFeed(id: string, source: ReadableStream | MessagePort): void {
  if (source instanceof ReadableStream) {
    const feed = new AudioFeed();
    microphones.set(id, feed);
    hear(source, (data) => feed.push(data)).finally(() => {
      if (microphones.get(id) === feed) microphones.delete(id);
    });
  } else {
    const camera = new CameraPictures(source);
    const feed = new VideoFeed((planes) => camera.giveBack(planes));
    cameras.set(id, camera);
    ticker.feeds.set(id, feed);
    camera.receive({
      take: (planes, atMs) => ticker.add(feed, planes, atMs),
      lost: (pictures) => ticker.lost(pictures),
      end: () => {
        if (cameras.get(id) === camera) endFeed(id);
      },
    });
  }
  showVisible();
}

function endFeed(id: string): void {
  ticker.feeds.get(id)?.clear();
  ticker.feeds.delete(id);
  cameras.get(id)?.close();
  cameras.delete(id);
  microphones.delete(id);
}

/** Encodes a track for somebody else's recorder. */
function send(id: string, source: ReadableStream | MessagePort): void {
  const encoder = encoders.get(id) ??
    new FeedEncoder((messages) => tell({ type: "packet", id, messages }, messages));
  encoders.set(id, encoder);
  if (source instanceof ReadableStream) {
    void hear(source, (data) => encoder.pushData(data));
  } else {
    const camera = new CameraPictures(source);
    camera.receive({
      take: (planes, atMs) => {
        encoder.pushPicture(planes, atMs);
        camera.giveBack(planes);
      },
      lost: () => {}, // the recorder sees that none came
      end: () => camera.close(),
    });
  }
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
      return addFeed(message.id, message.source);
    case "end-feed":
      return endFeed(message.id);
    case "send":
      return send(message.id, message.source);
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
