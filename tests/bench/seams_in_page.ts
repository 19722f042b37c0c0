/** Runs inside Chromium: plays a film in one way or another and tells what reaches eye and ear. */
import type { Colour } from "../support/frame_code.ts";
import type { Film } from "../../lib/recording/views.ts";

/** What was on screen at one animation frame. */
interface Look {
  atMs: number;
  number: number | null;
  /** How many pictures the element had put on screen by then: some come between two looks. */
  presented: number;
}

/** A moment of sound: it was loud from then to then. */
interface Sound {
  fromMs: number;
  toMs: number;
}

/** One stretch of a film as it was seen and heard. */
export interface Stretch {
  /** The longest time for which the picture stood still or was missing. */
  freezeMs: number;
  skipped: number;
  repeated: number;
  /** The longest silence; null where nothing could be heard. */
  soundHoleMs: number | null;
}

/** A playthrough: at the seams, and where there is none. */
export interface Playthrough {
  seams: Stretch[];
  elsewhere: Stretch[];
}

/** What is looked at before and after a seam. */
const MARGIN_MS = 700;
/** The films' tones are all of one loudness; much softer than that is silence. */
const SILENCE = 0.02;
/** Sound is looked at in pieces of so many samples: 2.5 ms. */
const PIECE_SAMPLES = 120;

/** Plays the film once and measures it about the pictures `seams` and, for comparison, `elsewhere`. */
async function measure(
  way: "ours" | "sample",
  film: Film,
  colour: Colour,
  pictures: { seams: number[]; elsewhere: number[] },
): Promise<Playthrough> {
  const player = way === "ours" ? oursOf(film) : samplesWay(film);
  document.querySelector("gapless-video, video, main")?.replaceWith(player.element);
  await player.ready;
  const hearing = hear(player.shown());
  const looks: Look[] = [];
  let over = false;
  let presented = 0;
  const count = (_now: number, metadata: VideoFrameCallbackMetadata) => {
    presented = metadata.presentedFrames;
    if (!over) player.shown().requestVideoFrameCallback(count);
  };
  player.shown().requestVideoFrameCallback(count);
  const watching = (async () => {
    while (!over) {
      const atMs = await new Promise<number>(requestAnimationFrame);
      looks.push({ atMs, number: gaplessTest.numberShown(player.shown(), colour), presented });
    }
  })();
  await player.play();
  over = true;
  await watching;
  const sounds = hearing();
  const at = (number: number) => stretchAbout(number, looks, sounds);
  return { seams: pictures.seams.map(at), elsewhere: pictures.elsewhere.map(at) };
}

interface Played {
  element: HTMLElement;
  ready: Promise<unknown>;
  shown(): HTMLVideoElement;
  /** Resolves at the end of the film. */
  play(): Promise<void>;
}

/** Resolves at the next event of this type. */
function next(type: string, element: HTMLElement): Promise<unknown> {
  return new Promise((resolve) => element.addEventListener(type, resolve, { once: true }));
}

function oursOf(film: Film): Played {
  const element = document.createElement("gapless-video");
  const ready = next("canplaythrough", element);
  element.film = film;
  return {
    element,
    ready,
    shown: () => element.visibleVideo,
    async play() {
      const ended = next("ended", element);
      await element.play();
      await ended;
    },
  };
}

/** One `<video>` whose `src` is replaced on `ended`, and which then goes to the right offset. */
function samplesWay(film: Film): Played {
  const element = document.createElement("video");
  const [first, ...others] = film.parts;
  const ready = next("canplaythrough", element);
  element.src = first?.mediaUrl ?? "";
  return {
    element,
    ready,
    shown: () => element,
    async play() {
      let before = first;
      for (const part of [null, ...others]) {
        if (part && before) {
          element.src = part.mediaUrl;
          element.currentTime = before.placeSeconds + (before.durationSeconds ?? 0) -
            part.placeSeconds;
          before = part;
        }
        const ended = next("ended", element);
        await element.play();
        await ended;
      }
    },
  };
}

/**
 * Listens to what an element puts out, whatever file it plays; answers what ends that and tells when
 * it was loud. Each file's sound has a clock of its own: the least late piece ties it to the page's.
 */
function hear(video: HTMLVideoElement & { captureStream?(): MediaStream }): () => Sound[] {
  const stream = video.captureStream?.();
  const tracks = new Map<string, { lateMs: number; sounds: Sound[] }>();
  const listen = async (track: MediaStreamAudioTrack) => {
    if (tracks.has(track.id)) return;
    const heard = { lateMs: Infinity, sounds: new Array<Sound>() };
    tracks.set(track.id, heard);
    const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
    for (;;) {
      const { value } = await reader.read();
      if (!value) return;
      const samples = new Float32Array(value.numberOfFrames);
      value.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
      const [atMs, lengthMs] = [value.timestamp / 1000, samples.length * 1000 / value.sampleRate];
      heard.lateMs = Math.min(heard.lateMs, performance.now() - lengthMs - atMs);
      for (let from = 0; from < samples.length; from += PIECE_SAMPLES) {
        const piece = samples.subarray(from, from + PIECE_SAMPLES);
        const [fromMs, toMs] = [from, from + piece.length].map((at) =>
          atMs + at * 1000 / value.sampleRate
        );
        if (piece.some((sample) => Math.abs(sample) > SILENCE)) {
          heard.sounds.push({ fromMs: fromMs ?? 0, toMs: toMs ?? 0 });
        }
      }
      value.close();
    }
  };
  const listenToAll = () => {
    for (const track of stream?.getAudioTracks() ?? []) void listen(track);
  };
  listenToAll();
  stream?.addEventListener("addtrack", listenToAll);
  return () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    return [...tracks.values()].flatMap(({ lateMs, sounds }) =>
      sounds.map(({ fromMs, toMs }) => ({ fromMs: fromMs + lateMs, toMs: toMs + lateMs }))
    );
  };
}

function stretchAbout(number: number, looks: Look[], sounds: Sound[]): Stretch {
  // A seam is where its picture, or the first one after it that was shown, came on screen.
  const here = looks.find((look) => look.number !== null && look.number >= number)?.atMs ?? NaN;
  const seen = looks.filter(({ atMs }) => Math.abs(atMs - here) <= MARGIN_MS);
  const changes = seen.filter((look, i) => look.number !== seen[i - 1]?.number);
  const shown = changes.filter((look) => look.number !== null);
  let [freezeMs, skipped, repeated] = [0, 0, 0];
  for (const [i, look] of shown.entries()) {
    const before = shown[i - 1];
    if (!before) continue;
    freezeMs = Math.max(freezeMs, look.atMs - before.atMs);
    const step = (look.number ?? 0) - (before.number ?? 0);
    // A new file begins to count anew.
    const presented = Math.max(1, look.presented - before.presented);
    skipped += Math.max(0, step - presented);
    if (step < 1) repeated += 1 - step;
  }
  return { freezeMs, skipped, repeated, soundHoleMs: longestSilenceMs(sounds, here) };
}

function longestSilenceMs(sounds: Sound[], hereMs: number): number | null {
  const near = sounds.filter((sound) => Math.abs(sound.fromMs - hereMs) <= MARGIN_MS)
    .sort((a, b) => a.fromMs - b.fromMs);
  const [first] = near;
  if (!first) return null;
  let [longestMs, loudToMs] = [0, first.toMs];
  for (const { fromMs, toMs } of near) {
    longestMs = Math.max(longestMs, fromMs - loudToMs);
    loudToMs = Math.max(loudToMs, toMs);
  }
  return longestMs;
}

/** How long from asking for the film to its first picture, ms. */
async function firstPictureMs(way: "ours" | "plain", film: Film): Promise<number> {
  const element = document.createElement(way === "ours" ? "gapless-video" : "video");
  document.querySelector("gapless-video, video, main")?.replaceWith(element);
  const sinceMs = performance.now();
  const shown = new Promise((resolve) => element.requestVideoFrameCallback(resolve));
  Object.assign(element, way === "ours" ? { film } : { src: film.parts[0]?.mediaUrl });
  await shown;
  return performance.now() - sinceMs;
}

/** What the bench calls through `page.evaluate`. */
export const bench = { measure, firstPictureMs };
declare global {
  var gaplessBench: typeof bench;
}
globalThis.gaplessBench = bench;
