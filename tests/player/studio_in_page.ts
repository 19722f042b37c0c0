/** Runs inside Chromium: records a made-up world as files, as a platform's recorder would. */
import {
  AudioSample,
  AudioSampleSource,
  BufferTarget,
  Mp4OutputFormat,
  Output,
  VideoSample,
  VideoSampleSource,
  WebMOutputFormat,
} from "mediabunny";
import { rangesOf } from "../../lib/player/buffers.ts";
import type { Crossing } from "../../lib/player/engine.ts";
import type { GaplessVideo } from "../../lib/player/gapless_video.ts";
import type { Film } from "../../lib/recording/views.ts";
import { drawFrame } from "../support/frame_code.ts";
import { makeTones, readTones, type ToneReport } from "../support/tone_code.ts";

/** One file to make: the world from `fromSeconds` for `seconds`. */
export interface Take {
  fromSeconds: number;
  seconds: number;
  format: "webm" | "mp4";
  width?: number;
  height?: number;
  sound?: boolean;
  picture?: boolean;
  /** Something bright wanders about instead of the numbers, which repeat in their last digits. */
  wander?: boolean;
}

const RATE = 48_000;
/** Pictures of the world a second: picture n is shown from n / 30 s on. */
const FRAMES_PER_SECOND = 30;
/** The world's sound lasts no longer. */
const LOOP_SECONDS = 180;

/** Records one take and returns the file. H.264 + Opus in MP4, VP8 + Opus in WebM. */
async function record(take: Take): Promise<Uint8Array> {
  const { fromSeconds, seconds, format, width = 192, height = 108 } = take;
  const { sound = true, picture = true } = take;
  const webm = format === "webm";
  const target = new BufferTarget();
  const output = new Output({
    format: webm ? new WebMOutputFormat() : new Mp4OutputFormat({ fastStart: false }),
    target,
  });
  const video = new VideoSampleSource({
    codec: webm ? "vp8" : "avc",
    bitrate: 400_000,
    keyFrameInterval: 2,
    latencyMode: "realtime",
  });
  const audio = new AudioSampleSource({ codec: "opus", bitrate: 64_000 });
  if (picture) output.addVideoTrack(video, { frameRate: FRAMES_PER_SECOND });
  if (sound) output.addAudioTrack(audio);
  await output.start();
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("Cannot make a 2d canvas");
  const world = makeTones("low", fromSeconds + seconds, RATE);
  const first = Math.ceil(fromSeconds * FRAMES_PER_SECOND);
  const last = Math.floor((fromSeconds + seconds) * FRAMES_PER_SECOND);
  for (let second = 0; second < seconds; second++) {
    if (sound) {
      const from = Math.round((fromSeconds + second) * RATE);
      const length = Math.round(Math.min(1, seconds - second) * RATE);
      const sample = new AudioSample({
        data: world.slice(from, from + length),
        format: "f32",
        numberOfChannels: 1,
        sampleRate: RATE,
        timestamp: second,
      });
      await audio.add(sample);
      sample.close();
    }
    if (!picture) continue;
    for (let number = first; number < last; number++) {
      const at = number / FRAMES_PER_SECOND - fromSeconds;
      if (at < second || at >= second + 1) continue;
      if (take.wander) drawWanderer(context, width, height, number / FRAMES_PER_SECOND);
      else drawFrame(context, width, height, number, "green");
      const sample = new VideoSample(canvas, {
        timestamp: at,
        duration: 1 / FRAMES_PER_SECOND,
      });
      await video.add(sample);
      sample.close();
    }
  }
  await output.finalize();
  if (!target.buffer) throw new Error("The recording is empty");
  return new Uint8Array(target.buffer);
}

/** Swings that never come together again. */
const SWINGS_HZ = [0.31, 0.73, 1.37, 2.11];

function drawWanderer(
  context: OffscreenCanvasRenderingContext2D,
  width: number,
  height: number,
  seconds: number,
): void {
  const swing = (phase: number) =>
    SWINGS_HZ.reduce((sum, hz, i) => sum + Math.sin(6.283 * hz * seconds + phase * (i + 1)), 0) / 9;
  context.fillStyle = "#123";
  context.fillRect(0, 0, width, height);
  context.fillStyle = "#fff";
  context.beginPath();
  context.arc(width * (0.5 + swing(1)), height * (0.5 + swing(2)), height / 5, 0, 7);
  context.fill();
}

/** What was on the screen at one animation frame. */
export interface ScreenSample {
  number: number | null;
  /** Nobody counts what two elements put on screen. */
  presented: null;
}

/** Looks at every animation frame, whichever element is on screen, until `done`. */
async function watchScreen(
  find: () => HTMLVideoElement,
  done: (samples: ScreenSample[]) => boolean,
): Promise<void> {
  const samples: ScreenSample[] = [];
  while (!done(samples)) {
    await new Promise(requestAnimationFrame);
    samples.push({ number: gaplessTest.numberShown(find(), "green"), presented: null });
  }
}

/** Chunks of audio, of 10 ms or so, that wait while the page is busy. */
const BUFFERED_CHUNKS = 1_000;

/** The film's element on the page. Throws if there is none. */
function findPlayer(): GaplessVideo {
  const found = document.querySelector("gapless-video");
  if (!found) throw new Error("There is no player");
  return found;
}

/** Seeks to the middle of each picture and reads what is shown. */
async function picturesAt(numbers: number[]): Promise<(number | null)[]> {
  const player = findPlayer();
  const seen: (number | null)[] = [];
  for (const number of numbers) {
    const landed = nextEvent(player, "seeked");
    // `seeked` says that the picture is decoded, the callback that it is on screen.
    const shown = new Promise((resolve) => player.requestVideoFrameCallback(resolve));
    player.currentTime = (number + 0.5) / FRAMES_PER_SECOND;
    await Promise.all([landed, shown]);
    seen.push(gaplessTest.numberShown(player.visibleVideo, "green"));
  }
  return seen;
}

function nextEvent(target: EventTarget, name: string): Promise<unknown> {
  return new Promise((resolve) => target.addEventListener(name, resolve, { once: true }));
}

/**
 * Waits until there is a player and `look` finds something about it, and answers that. Throws after half
 * a minute.
 */
function until<Found>(look: (player: GaplessVideo) => Found | false): Promise<Found> {
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => {
      const { currentTime, readyState, paused, notice, buffered } = findPlayer();
      const ranges = rangesOf(buffered);
      const seen = { currentTime, readyState, paused, notice, ranges };
      reject(new Error(`Waited in vain: ${JSON.stringify(seen)}`));
    }, 30_000);
    const lookAgain = () => {
      const player = document.querySelector("gapless-video");
      const found = player && look(player);
      if (!found) return void requestAnimationFrame(lookAgain);
      clearTimeout(deadline);
      resolve(found);
    };
    lookAgain();
  });
}

/** Seeks, plays at `rate` and waits until the film plays. Throws after half a minute. */
async function seekAndPlay(seconds: number, rate = 1): Promise<void> {
  const player = findPlayer();
  let plays = false;
  player.playbackRate = rate;
  player.currentTime = seconds;
  const playing = player.play().then(() => plays = true);
  await Promise.race([playing, until(() => plays)]);
}

/** Plays from a moment to the end of the film and tells how that went. */
async function playFrom(seconds: number, rate: number) {
  const player = findPlayer();
  const crossings: Crossing[] = [];
  player.addEventListener("gapless-crossed", (event) => {
    if (event instanceof CustomEvent) crossings.push(event.detail);
  });
  await seekAndPlay(seconds, rate);
  await until((player) => player.ended);
  const { ended, currentTime: atSeconds, dataset: { technique }, notice } = player;
  return { ended, atSeconds, technique, notice: notice.kind, crossings };
}

/** Hears the sound as an element puts it out; answers what ends that and tells what was heard. */
function hear(
  video: HTMLVideoElement & { captureStream?(): MediaStream },
): () => Promise<Float32Array> {
  const track = video.captureStream?.().getAudioTracks()[0];
  if (!track) throw new Error("The sound cannot be captured");
  const reader = new MediaStreamTrackProcessor({ track, maxBufferSize: BUFFERED_CHUNKS }).readable
    .getReader();
  const heard: number[] = [];
  const reading = (async () => {
    for (;;) {
      const { value } = await reader.read();
      if (!value) return;
      const samples = new Float32Array(value.numberOfFrames);
      value.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
      value.close();
      for (const sample of samples) heard.push(sample);
    }
  })();
  return async () => {
    await reader.cancel();
    await reading;
    return Float32Array.from(heard);
  };
}

/** Plays a stretch of the film and answers what was heard. */
async function listen(fromSeconds: number, toSeconds: number): Promise<ToneReport> {
  const player = findPlayer();
  const landed = nextEvent(player, "seeked");
  player.currentTime = fromSeconds;
  await landed;
  const heard = hear(player.visibleVideo);
  await player.play();
  await until((player) => player.currentTime >= toSeconds);
  player.pause();
  const sound = await heard();
  // The track begins in silence and ends in it: only what lies between was played.
  const first = sound.findIndex((sample) => Math.abs(sample) > 0.05);
  const last = sound.findLastIndex((sample) => Math.abs(sample) > 0.05);
  return readTones(sound.subarray(first, last), RATE, "low", LOOP_SECONDS);
}

/** What every media element tells about each act; the rest depends on the network and on timing. */
const TOLD = [
  "emptied",
  "loadedmetadata",
  "loadeddata",
  "canplay",
  "play",
  "playing",
  "pause",
  "seeking",
  "seeked",
  "ended",
  "ratechange",
  "volumechange",
];

/**
 * Puts a plain video (of a URL) or our element (of a film) through the same acts; answers what it said
 * and how it stood.
 */
async function rehearse(media: string | Film): Promise<string[]> {
  const player = document.createElement(typeof media === "string" ? "video" : "gapless-video");
  document.querySelector("gapless-video, video")?.replaceWith(player);
  const told: string[] = [];
  for (const name of TOLD) player.addEventListener(name, () => told.push(name));
  const act = async (name: string, ends: string, doIt: () => void) => {
    told.push(`(${name})`);
    const over = nextEvent(player, ends).then(async () => {
      while (!player.ended && player.readyState < 3) await new Promise(requestAnimationFrame);
    });
    doIt();
    const late = new Promise((resolve) => setTimeout(resolve, 10_000, "late"));
    if (await Promise.race([over, late]) === "late") told.push(`(never ${ends})`);
    // What is told at once after the last thing belongs to the same act.
    await new Promise((resolve) => setTimeout(resolve, 60));
    const { paused, ended, seeking, playbackRate, volume, muted, error } = player;
    const at = [player.duration, player.seekable.length && player.seekable.end(0)]
      .map((seconds) => Math.round(seconds * 10) / 10);
    told.push(JSON.stringify({ paused, ended, seeking, playbackRate, volume, muted, error, at }));
  };
  const { paused, ended, seeking, readyState, duration, currentTime } = player;
  told.push(`${[paused, ended, seeking, readyState, duration, currentTime]}`);
  await act("load", "canplay", () => {
    if (typeof media === "string") Object.assign(player, { src: media });
    else Object.assign(player, { film: media });
  });
  await act("play", "playing", () => void player.play());
  await act("pause", "pause", () => player.pause());
  await act("seek", "seeked", () => player.currentTime = 2);
  await act("rate", "ratechange", () => player.playbackRate = 1.5);
  await act("mute", "volumechange", () => player.muted = true);
  await act("volume", "volumechange", () => player.volume = 0.5);
  await act("seek near the end and play", "ended", () => {
    player.currentTime = 3.5;
    void player.play();
  });
  await act("play again", "playing", () => void player.play());
  await act("pause again", "pause", () => player.pause());
  await act("seek past the end", "seeked", () => player.currentTime = 99);
  return told;
}

/** What tests call through `page.evaluate`. */
export const studio = {
  findPlayer,
  rangesOf,
  nextEvent,
  hear,
  playFrom,
  record: async (take: Take): Promise<string> => (await record(take)).toBase64(),
  watchScreen,
  picturesAt,
  until,
  listen,
  seekAndPlay,
  rehearse,
};
declare global {
  var gaplessStudio: typeof studio;
}
globalThis.gaplessStudio = studio;
