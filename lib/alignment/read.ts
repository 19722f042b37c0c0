/** Reading the overlap of two files: sound in one channel, picture very small. Browser only. */
import {
  AudioSampleSink,
  CanvasSink,
  Input,
  type InputAudioTrack,
  type InputVideoTrack,
  MATROSKA,
  MP4,
  UrlSource,
  WEBM,
} from "../mediabunny.ts";
import type { Motion } from "./picture.ts";
import { mixDown, type Sound } from "./sound.ts";

/** A stretch of media time, seconds. */
export interface Stretch {
  fromSeconds: number;
  toSeconds: number;
}

/** Called with the share that is read, 0 to 1. */
export type OnProgress = (share: number) => void;

/** Bytes of one file kept in memory. */
const CACHE_BYTES = 16 * 2 ** 20;
const MAX_TRIES = 3;
/** The picture's cells, and how finely each is sampled. */
const CELLS = { across: 8, down: 6, pixels: 8 } as const;

/** Opens a file whose address may redirect. Dispose it. */
export function openFile(url: string): Input {
  return new Input({
    formats: [MP4, WEBM, MATROSKA],
    source: new UrlSource(new URL(url, location.href), {
      requestInit: { cache: "no-store" },
      maxCacheSize: CACHE_BYTES,
      getRetryDelay: (tries) => tries < MAX_TRIES ? tries : null,
      handleUnhandledError: () => {},
    }),
  });
}

/** The sound of a stretch, its channels mixed into one; what the file lacks is silent. */
export async function readSound(
  track: InputAudioTrack,
  stretch: Stretch,
  onProgress: OnProgress,
): Promise<Sound> {
  const sampleRate = await track.getSampleRate();
  const seconds = stretch.toSeconds - stretch.fromSeconds;
  const samples = new Float32Array(Math.max(0, Math.ceil(seconds * sampleRate)));
  const sink = new AudioSampleSink(track);
  for await (const sample of sink.samples(stretch.fromSeconds, stretch.toSeconds)) {
    const { numberOfFrames, numberOfChannels, timestamp } = sample;
    const first = Math.round((timestamp - stretch.fromSeconds) * sampleRate);
    const mixed = mixDown(
      Array.from({ length: numberOfChannels }, (_, planeIndex) => {
        const channel = new Float32Array(numberOfFrames);
        sample.copyTo(channel, { planeIndex, format: "f32-planar" });
        return channel;
      }),
    );
    // What begins before the stretch or ends after it is cut.
    samples.set(
      mixed.subarray(Math.max(0, -first), Math.max(0, samples.length - first)),
      Math.min(samples.length, Math.max(0, first)),
    );
    sample.close();
    onProgress(Math.min(1, (timestamp - stretch.fromSeconds) / seconds));
  }
  return { samples, sampleRate, startSeconds: stretch.fromSeconds };
}

/** How bright each cell of a coarse grid is in every frame of a stretch. */
export async function readMotion(
  track: InputVideoTrack,
  stretch: Stretch,
  onProgress: OnProgress,
): Promise<Motion> {
  const { across, down, pixels } = CELLS;
  const [width, height] = [across * pixels, down * pixels];
  const sink = new CanvasSink(track, { width, height, fit: "fill", poolSize: 1 });
  const scratch = new OffscreenCanvas(width, height)
    .getContext("2d", { willReadFrequently: true });
  if (!scratch) throw new Error("Cannot look at pictures: this browser has no canvas in workers");
  const motion: Motion = { seconds: [], cells: [] };
  for await (const { canvas, timestamp } of sink.canvases(stretch.fromSeconds, stretch.toSeconds)) {
    scratch.drawImage(canvas, 0, 0);
    const { data } = scratch.getImageData(0, 0, width, height);
    const cells = new Float32Array(across * down);
    for (let i = 0; i < width * height; i++) {
      const cell = Math.floor(i / width / pixels) * across + Math.floor(i % width / pixels);
      // Green is most of what the eye takes for brightness.
      const brightness =
        ((data[4 * i] ?? 0) + 2 * (data[4 * i + 1] ?? 0) + (data[4 * i + 2] ?? 0)) /
        4;
      cells[cell] = (cells[cell] ?? 0) + brightness / pixels ** 2;
    }
    motion.seconds.push(timestamp);
    motion.cells.push(cells);
    onProgress(
      Math.min(1, (timestamp - stretch.fromSeconds) / (stretch.toSeconds - stretch.fromSeconds)),
    );
  }
  return motion;
}
