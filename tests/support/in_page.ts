/** Runs inside Chromium: reads recorded files and watches players. See `page_tools.ts`. */
import { ALL_FORMATS, AudioSampleSink, Input, UrlSource, VideoSampleSink } from "mediabunny";
import { type Colour, readFrame } from "./frame_code.ts";
import { type Band, readTones, type ToneReport } from "./tone_code.ts";

/** One decoded picture of a file. */
export interface SeenFrame {
  /** Media time, seconds. */
  seconds: number;
  /** Number by camera colour; null where unreadable. */
  numbers: Partial<Record<Colour, number | null>>;
}

/** What a media file holds, decoded from the first frame to the last. */
export interface MediaReport {
  durationSeconds: number;
  frames: SeenFrame[];
  /** Length of the sound, seconds, and what was heard of each band asked for. */
  soundSeconds: number;
  tones: Partial<Record<Band, ToneReport>>;
  tags: Record<string, string>;
}

async function decode(
  url: string,
  colours: Colour[],
  bands: Band[],
  loopSeconds: number,
): Promise<MediaReport> {
  const input = new Input({ source: new UrlSource(url), formats: ALL_FORMATS });
  const video = await input.getPrimaryVideoTrack();
  const audio = await input.getPrimaryAudioTrack();
  const frames: SeenFrame[] = [];
  if (video) {
    const canvas = new OffscreenCanvas(1, 1);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("Cannot make a 2d canvas");
    for await (const sample of new VideoSampleSink(video).samples()) {
      canvas.width = sample.displayWidth;
      canvas.height = sample.displayHeight;
      sample.draw(context, 0, 0);
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      frames.push({
        seconds: sample.timestamp,
        numbers: Object.fromEntries(
          colours.map((colour) => [colour, readFrame(data, canvas.width, canvas.height, colour)]),
        ),
      });
      sample.close();
    }
  }
  const tones: MediaReport["tones"] = {};
  let soundSeconds = 0;
  if (audio) {
    const rate = audio.sampleRate;
    soundSeconds = await audio.computeDuration();
    const sound = new Float32Array(Math.ceil(soundSeconds * rate) + rate);
    for await (const sample of new AudioSampleSink(audio).samples()) {
      const channel = new Float32Array(sample.numberOfFrames);
      sample.copyTo(channel, { planeIndex: 0, format: "f32-planar" });
      const at = Math.round(sample.timestamp * rate);
      sound.set(channel.subarray(Math.max(0, -at)), Math.max(0, at));
      sample.close();
    }
    const first = Math.max(0, Math.round((await audio.getFirstTimestamp()) * rate));
    const heard = sound.subarray(first, Math.floor(soundSeconds * rate));
    for (const band of bands) tones[band] = readTones(heard, rate, band, loopSeconds);
  }
  const raw = (await input.getMetadataTags()).raw ?? {};
  return {
    durationSeconds: await input.computeDuration(),
    frames,
    soundSeconds,
    tones,
    tags: Object.fromEntries(
      Object.entries(raw).filter((entry): entry is [string, string] =>
        typeof entry[1] === "string"
      ),
    ),
  };
}

/** One look at a playing element. */
export interface PlayerSample {
  /** `performance.now()`, ms. */
  atMs: number;
  currentTime: number;
  number: number | null;
  /** Pictures the element has put on screen so far: some come between two looks. */
  presented: number;
  /** Frames that the element has dropped so far because it came too late to show them. */
  dropped: number;
}

/** The picture a video element shows now, as a number. */
function numberShown(video: HTMLVideoElement, colour: Colour): number | null {
  return readImage(video, video.videoWidth, video.videoHeight, colour);
}

/** The picture on a canvas, as a number. */
function numberOn(canvas: HTMLCanvasElement, colour: Colour): number | null {
  return readImage(canvas, canvas.width, canvas.height, colour);
}

function readImage(
  image: CanvasImageSource,
  width: number,
  height: number,
  colour: Colour,
): number | null {
  if (!width || !height) return null;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("Cannot make a 2d canvas");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  return readFrame(data, width, height, colour);
}

/**
 * Looks at every frame the compositor gets (`requestVideoFrameCallback`) until `done` says so. `find`
 * answers the video element shown now: a player may change it.
 */
function watch(
  find: () => HTMLVideoElement | null,
  colour: Colour,
  done: (samples: PlayerSample[]) => boolean,
): Promise<PlayerSample[]> {
  const samples: PlayerSample[] = [];
  return new Promise((resolve) => {
    const look = () => {
      const video = find();
      if (done(samples)) return resolve(samples);
      if (!video) return void requestAnimationFrame(look);
      video.requestVideoFrameCallback((_now, metadata) => {
        samples.push({
          atMs: performance.now(),
          currentTime: metadata.mediaTime,
          number: numberShown(video, colour),
          presented: metadata.presentedFrames,
          dropped: video.getVideoPlaybackQuality().droppedVideoFrames,
        });
        look();
      });
    };
    look();
  });
}

/** What tests call through `page.evaluate`. */
export const tools = { decode, numberOn, numberShown, watch };
declare global {
  var gaplessTest: typeof tools;
}
globalThis.gaplessTest = tools;
