/** Comparing two parts from a page, off its main thread. Browser only. */
import { asset } from "fresh/runtime";
import { type Alignment, none } from "./alignment.ts";
import type { AlignRequest, FromAligner } from "./messages.ts";

/** A comparison reads some seconds of two files; one that takes longer has got stuck. */
const DEADLINE_MS = 180_000;

/** Where the later part begins, or why that cannot be told. Rejects only when `signal` aborts. */
export function alignFiles(
  request: AlignRequest,
  { onProgress, signal }: { onProgress(share: number): void; signal: AbortSignal },
): Promise<Alignment> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const worker = new Worker(asset("/workers/align.js"), { type: "module" });
    const timer = setTimeout(
      () => done(none("unreadable", `The files were not read within ${DEADLINE_MS / 1000} s`)),
      DEADLINE_MS,
    );
    const aborted = () => {
      close();
      reject(signal.reason);
    };
    function close() {
      clearTimeout(timer);
      signal.removeEventListener("abort", aborted);
      worker.terminate();
    }
    function done(alignment: Alignment) {
      close();
      resolve(alignment);
    }
    signal.addEventListener("abort", aborted);
    worker.addEventListener("error", (event) => {
      done(
        none("unreadable", `The files cannot be compared here: ${event.message || "no worker"}`),
      );
    });
    // Both ends are this app's own code of one build.
    worker.addEventListener("message", ({ data }: MessageEvent<FromAligner>) => {
      if (data.type === "progress") onProgress(data.share);
      else done(data.alignment);
    });
    worker.postMessage(request);
  });
}
