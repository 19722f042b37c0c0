/** The page's part of the recorder: opens the call's tracks for the worker, which does the rest. */
import type { AttachedRecorder, RecordableCall } from "../../call/recorder.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

/** Longest wait for other pages to take over before the call may end, ms. */
const LEAVE_MS = 1_000;
/** Longest time that uploads may take after the call has ended, ms. */
const UPLOAD_MS = 10_000;
/** Frames and audio chunks that wait while the worker is busy; older ones are lost. */
const BUFFERED = { video: 30, audio: 300 };

/** Chromium's; TypeScript's library does not know it. */
declare const MediaStreamTrackProcessor: new <Data>(
  init: { track: MediaStreamTrack; maxBufferSize: number },
) => { readonly readable: ReadableStream<Data> };

/** Has the page record whatever the server asks for, where the browser has what that needs. */
export function attach(call: RecordableCall): AttachedRecorder {
  const canRecord = "MediaStreamTrackProcessor" in globalThis && "VideoEncoder" in globalThis;
  return canRecord ? new PageRecorder(call) : { leave: () => Promise.resolve() };
}

class PageRecorder implements AttachedRecorder {
  readonly #worker = new Worker("/workers/recorder.js", { type: "module" });
  #workerReads = false;
  /** Tracks that the worker reads, and what plays their audio. */
  readonly #open = new Map<string, HTMLAudioElement | null>();
  readonly #done = Promise.withResolvers<void>();
  readonly #unlisten: () => void;

  constructor(private readonly call: RecordableCall) {
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === "reads") this.#update(data.reads);
      else if (data.type === "warn") call.warn(data.message);
      else this.#done.resolve();
    };
    this.#worker.onerror = () => {
      call.warn("This page cannot record the call. Reload it to record here.");
      this.#done.resolve();
    };
    this.#post({ type: "start", token: call.token });
    this.#unlisten = call.onChange(() => this.#update());
    this.#update();
  }

  async leave(): Promise<void> {
    // What the recordings have shown until now is what they end with.
    this.#unlisten();
    this.#post({ type: "leave" });
    const done = this.#done.promise;
    void Promise.race([done, sleep(UPLOAD_MS)]).then(() => {
      this.#worker.terminate();
      this.#update(false);
      this.call.warn(null);
    });
    await Promise.race([done, sleep(LEAVE_MS)]);
  }

  #post(message: ToWorker, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  /** Sends the worker the list of streams, and opens all of their tracks while it reads. */
  #update(workerReads = this.#workerReads): void {
    this.#workerReads = workerReads;
    const streams = this.call.streams();
    this.#post({ type: "streams", streamIds: streams.map(({ streamId }) => streamId) });
    const closing = new Map(this.#open);
    for (const { streamId, tracks } of workerReads ? streams : []) {
      for (const track of tracks) {
        if (track.readyState !== "live") continue;
        const id = `${streamId} ${track.id}`;
        closing.delete(id);
        if (!this.#open.has(id)) this.#open.set(id, this.#read(streamId, track));
      }
    }
    for (const [id, player] of closing) {
      if (player !== null) player.srcObject = null;
      this.#open.delete(id);
    }
  }

  #read(streamId: string, track: MediaStreamTrack): HTMLAudioElement | null {
    const init = { track, maxBufferSize: track.kind === "video" ? BUFFERED.video : BUFFERED.audio };
    if (track.kind === "video") {
      const { readable } = new MediaStreamTrackProcessor<VideoFrame>(init);
      this.#post({ type: "video", streamId, readable }, [readable]);
      return null;
    }
    const { readable } = new MediaStreamTrackProcessor<AudioData>(init);
    this.#post({ type: "audio", streamId, readable }, [readable]);
    // Chromium delivers no audio of a remote track unless a media element plays it; muted suffices.
    const player = new Audio();
    player.muted = true;
    player.srcObject = new MediaStream([track]);
    player.play().catch(() => {}); // the track has ended
    return player;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
