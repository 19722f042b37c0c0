/**
 * The page's end of its recording worker and of its camera worker: one of each a page, started when
 * first needed.
 */
import { asset } from "fresh/runtime";
import type { CameraRequest } from "./camera_pictures.ts";
import { type FromWorker, fromWorkerSchema, type ToWorker } from "./recorder_messages.ts";
import { createFrameReader } from "./track_processor.ts";

/** Who listens to the recording worker. */
interface Listener {
  take(message: FromWorker): void;
  /** A worker is gone; the next message starts another. */
  failed(message: string): void;
}

let recorder: Worker | undefined;
let cameras: Worker | undefined;
const listeners = new Set<Listener>();

/** Loads the workers before they are needed: compiling them would cost the first recording its first moments. */
export function warmUpWorkers(): void {
  recorder ??= startRecorder();
  cameras ??= startCameras();
}

/** Sends a message to the recording worker. */
export function postToWorker(message: ToWorker, transfer: Transferable[] = []): void {
  recorder ??= startRecorder();
  recorder.postMessage(message, transfer);
}

/** What the recording worker reads a track from, to be transferred to it. It ends with the track. */
export function readTrack(track: MediaStreamTrack): ReadableStream | MessagePort {
  const readable = createFrameReader(track);
  if (track.kind === "audio") return readable;
  const { port1, port2 } = new MessageChannel();
  cameras ??= startCameras();
  const request: CameraRequest = { readable, port: port1 };
  cameras.postMessage(request, [readable, port1]);
  return port2;
}

/** Has `listener` hear everything the recording worker says, until the returned function is called. */
export function listenToWorker(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function startRecorder(): Worker {
  const started = start("recorder", () => recorder = undefined);
  started.onmessage = ({ data }) => {
    const message = fromWorkerSchema.parse(data);
    for (const listener of [...listeners]) listener.take(message);
  };
  return started;
}

function startCameras(): Worker {
  return start("camera", () => cameras = undefined);
}

function start(name: string, forget: () => void): Worker {
  const started = new Worker(asset(`/workers/${name}.js`), { type: "module" });
  started.onerror = (event) => {
    forget();
    const message = `Record in this page: the ${name} worker failed: ${
      event.message ?? "not loaded"
    }`;
    for (const listener of [...listeners]) listener.failed(message);
  };
  return started;
}
