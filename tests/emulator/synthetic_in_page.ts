/** Runs in a page: cameras and microphones that lose nothing, for a recorder's worker. */
import type { FromWorker, ToWorker } from "../../lib/emulator/recorder/messages.ts";
import { type Colour, drawFrame } from "../support/frame_code.ts";
import { type Band, makeTones } from "../support/tone_code.ts";

const FPS = 30;
const SIZE = { width: 320, height: 240 };
const RATE = 48_000;
/** Samples of a chunk: 10 ms. */
const CHUNK = 480;

/** A participant: a camera of numbered frames and a microphone of time-coded audio. */
export interface Participant {
  streamId: string;
  colour: Colour;
  band: Band;
}

/** Frames `n` at `n / 30` s, as many as are due: those of a page that was busy come all at once. */
function camera(colour: Colour, dueSeconds: () => number): ReadableStream<VideoFrame> {
  const canvas = new OffscreenCanvas(SIZE.width, SIZE.height);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("Cannot make a 2d canvas");
  let number = 0;
  return endless<VideoFrame>((enqueue) => {
    for (; number / FPS <= dueSeconds(); number++) {
      drawFrame(context, SIZE.width, SIZE.height, number, colour);
      enqueue(new VideoFrame(canvas, { timestamp: Math.round(number * 1e6 / FPS) }));
    }
  });
}

/** Audio whose tones tell its time, in chunks of 10 ms, as many as are due. */
function microphone(band: Band, dueSeconds: () => number): ReadableStream<AudioData> {
  const tones = makeTones(band, 60, RATE);
  let at = 0;
  return endless<AudioData>((enqueue) => {
    for (; at / RATE <= dueSeconds(); at += CHUNK) {
      enqueue(
        new AudioData({
          format: "f32-planar",
          sampleRate: RATE,
          numberOfFrames: CHUNK,
          numberOfChannels: 1,
          timestamp: Math.round(at * 1e6 / RATE),
          data: tones.slice(at, at + CHUNK),
        }),
      );
    }
  });
}

/** A stream that drops nothing, however long its reader takes. */
function endless<Data>(produce: (enqueue: (data: Data) => void) => void): ReadableStream<Data> {
  let timer: ReturnType<typeof setInterval>;
  return new ReadableStream<Data>({
    start(controller) {
      timer = setInterval(() => produce((data) => controller.enqueue(data)), 10);
    },
    cancel: () => clearInterval(timer),
  });
}

/** Starts the worker, and gives it the media of these participants as often as it asks for them. */
export function startRecorder(participants: Participant[]): void {
  const worker = new Worker("/workers/recorder.js", { type: "module" });
  const post = (message: ToWorker, transfer: Transferable[] = []) =>
    worker.postMessage(message, transfer);
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    if (data.type !== "reads" || !data.reads) return;
    const startMs = performance.now();
    const dueSeconds = () => (performance.now() - startMs) / 1000;
    for (const { streamId, colour, band } of participants) {
      const [frames, audio] = [camera(colour, dueSeconds), microphone(band, dueSeconds)];
      post({ type: "video", streamId, readable: frames }, [frames]);
      post({ type: "audio", streamId, readable: audio }, [audio]);
    }
  };
  post({ type: "start", token: "" });
  post({ type: "streams", streamIds: participants.map(({ streamId }) => streamId) });
}

declare global {
  var startRecorder: (participants: Participant[]) => void;
}
globalThis.startRecorder = startRecorder;
