/**
 * The recording worker of a page: reads frames and samples of every track it is given, and makes all
 * recordings of the page from them. Timers and streams run here at full speed while the tab is hidden.
 */
import { ArchiveRecording } from "./recorder_archive.ts";
import { AudioFeed } from "./recorder_audio.ts";
import { Studio } from "./recorder_encoder.ts";
import { type FromWorker, type Tile, toWorkerSchema } from "./recorder_messages.ts";
import { Ticker, VideoFeed } from "./recorder_video.ts";

/** Time between two looks at the sound, ms. */
const pumpEveryMs = 20;

const recordings = new Map<string, ArchiveRecording>();
const microphones = new Map<string, AudioFeed>();
const studio = new Studio();
const ticker = new Ticker((atMs) => {
  studio.compose(atMs, [...recordings.values()].filter((recording) => recording.tick(atMs)));
});
setInterval(() => {
  for (const recording of recordings.values()) recording.pump();
}, pumpEveryMs);

function tell(message: FromWorker): void {
  globalThis.postMessage(message);
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
    ticker.feeds.set(id, feed);
    read(readable, async (frame) => {
      if (!(frame instanceof VideoFrame)) return;
      if (ticker.feeds.get(id) === feed) await ticker.push(feed, frame);
      else frame.close();
    }).finally(() => {
      feed.clear();
      if (ticker.feeds.get(id) === feed) ticker.feeds.delete(id);
    });
  }
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
