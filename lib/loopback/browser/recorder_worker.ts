/** The page's end of the recording worker: one a page, started when first needed. */
import { asset } from "fresh/runtime";
import { type FromWorker, fromWorkerSchema, type ToWorker } from "./recorder_messages.ts";

/** Who listens to the worker. */
interface Listener {
  take(message: FromWorker): void;
  /** The worker is gone; the next message starts another. */
  failed(message: string): void;
}

let worker: Worker | undefined;
const listeners = new Set<Listener>();

/** Loads the worker before it is needed: compiling it would cost the first recording its first moments. */
export function warmUpWorker(): void {
  worker ??= startWorker();
}

/** Sends a message to the worker. */
export function postToWorker(message: ToWorker, transfer: Transferable[] = []): void {
  worker ??= startWorker();
  worker.postMessage(message, transfer);
}

/** Has `listener` hear everything the worker says, until the returned function is called. */
export function listenToWorker(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function startWorker(): Worker {
  const started = new Worker(asset("/workers/recorder.js"), { type: "module" });
  started.onmessage = ({ data }) => {
    const message = fromWorkerSchema.parse(data);
    for (const listener of [...listeners]) listener.take(message);
  };
  started.onerror = (event) => {
    worker = undefined;
    const message = `Record in this page: the worker failed: ${event.message ?? "not loaded"}`;
    for (const listener of [...listeners]) listener.failed(message);
  };
  return started;
}
