/** Exporting a film from its page: starts the worker, asks where to, hands the file over. Browser only. */
import { asset } from "fresh/runtime";
import type { Film } from "../recording/views.ts";
import { type Container, fileNameOf } from "./container.ts";
import {
  type Destination,
  holdPrivateFile,
  privateFile,
  privateName,
  sweepPrivateFiles,
} from "./disk.ts";
import type { FromExporter, ToExporter } from "./messages.ts";
import type { Survey } from "./survey.ts";

type Possible = Survey & { kind: "possible" };

/** How an export stands. */
export type ExportState =
  | { kind: "looking"; parts: number; ofParts: number; stalled: boolean }
  | { kind: "impossible"; reason: string }
  /** `roomBytes`: what the browser's own storage takes; null where the file goes to its place at once. */
  | { kind: "ready"; survey: Possible; roomBytes: number | null; wasCancelled: boolean }
  | {
    kind: "writing";
    survey: Possible;
    filmSeconds: number;
    bytes: number;
    sinceMs: number;
    stalled: boolean;
  }
  | { kind: "cancelling" }
  /** `url`: where the file can be downloaded again; null where it is in its place. */
  | { kind: "done"; name: string; bytes: number; url: string | null }
  | { kind: "failed"; text: string };

/** `showSaveFilePicker()`, which only some browsers have (https://wicg.github.io/file-system-access/). */
type SavePicker = (options: {
  suggestedName: string;
  types: { accept: Record<string, string[]> }[];
}) => Promise<FileSystemFileHandle>;

/** How long the worker gets to clean up. */
const CANCEL_LIMIT_MS = 5_000;

/** One film's export, as often as it is wanted. Close it. */
export class FilmExport {
  readonly #film: Film;
  readonly #tell: (state: ExportState) => void;
  #state: ExportState = { kind: "looking", parts: 0, ofParts: 0, stalled: false };
  #worker: Worker | null = null;
  #saving: { name: string; destination: Destination } | null = null;
  #release = () => {};
  #url: string | null = null;
  #wasCancelled = false;

  constructor(film: Film, tell: (state: ExportState) => void) {
    this.#film = film;
    this.#tell = tell;
  }

  /** Looks at the parts: first, and again after whatever ended. */
  look(): void {
    this.#end();
    if (!globalThis.isSecureContext) {
      this.#become({
        kind: "impossible",
        reason: "Browsers let a page write files only over https",
      });
      return;
    }
    this.#become({ kind: "looking", parts: 0, ofParts: this.#film.parts.length, stalled: false });
    const worker = new Worker(asset("/workers/export.js"), { type: "module" });
    this.#worker = worker;
    worker.addEventListener("message", ({ data }: MessageEvent<FromExporter>) => {
      // Both ends are this app's own code of one build.
      if (this.#worker === worker) void this.#hear(data);
    });
    worker.addEventListener("error", (event) => {
      if (this.#worker !== worker) return;
      const detail = event.message || "the page's own code could not be loaded";
      this.#fail(
        `The film could not be put together: ${detail}. Check the connection and try again`,
      );
    });
    this.#say({ type: "look", film: this.#film });
  }

  /** Asks where to, then writes. Call it where the viewer has just pressed something. */
  async save(): Promise<void> {
    const state = this.#state;
    if (state.kind !== "ready") return;
    const { survey } = state;
    const name = fileNameOf(this.#film.name, survey.container);
    const destination = await this.#choose(name, survey.container);
    if (!destination) return;
    this.#wasCancelled = false;
    this.#saving = { name, destination };
    const sinceMs = Date.now();
    this.#become({ kind: "writing", survey, filmSeconds: 0, bytes: 0, sinceMs, stalled: false });
    this.#say({ type: "write", destination });
  }

  /** Tries to reach the parts again, now. */
  retry(): void {
    this.#say({ type: "retry" });
  }

  /** Ends the writing and removes what was written, then is ready again. */
  cancel(): void {
    if (this.#state.kind !== "writing") return;
    const worker = this.#worker;
    this.#wasCancelled = true;
    this.#become({ kind: "cancelling" });
    this.#say({ type: "cancel" });
    setTimeout(() => {
      if (this.#worker === worker && this.#state.kind === "cancelling") this.look();
    }, CANCEL_LIMIT_MS);
  }

  /** Ends everything. */
  close(): void {
    if (this.#state.kind === "writing") {
      // It removes what was written and ends by itself.
      this.#say({ type: "cancel" });
      this.#worker = null;
    }
    this.#end();
    this.#forgetFile();
  }

  async #hear(message: FromExporter): Promise<void> {
    const state = this.#state;
    switch (message.type) {
      case "looking":
        return this.#become({ ...message, kind: "looking", stalled: false });
      case "stalled":
        if (state.kind === "looking" || state.kind === "writing") {
          this.#become({ ...state, stalled: true });
        }
        return;
      case "surveyed":
        return await this.#ready(message.survey);
      case "progress": {
        const { filmSeconds, bytes } = message;
        if (state.kind === "writing") {
          this.#become({ ...state, filmSeconds, bytes, stalled: false });
        }
        return;
      }
      case "done":
        return await this.#deliver(message.bytes);
      case "cancelled":
        return this.look();
      case "failed":
        return this.#fail(message.text);
    }
  }

  async #ready(survey: Survey): Promise<void> {
    if (survey.kind === "impossible") return this.#become(survey);
    const wasCancelled = this.#wasCancelled;
    let roomBytes: number | null = null;
    if (!savePicker()) {
      const { quota = 0, usage = 0 } = await navigator.storage.estimate();
      roomBytes = Math.max(0, quota - usage);
    }
    this.#become({ kind: "ready", survey, roomBytes, wasCancelled });
  }

  /** Where the file goes; null if the viewer closed the dialog. */
  async #choose(name: string, container: Container): Promise<Destination | null> {
    const pick = savePicker();
    if (!pick) {
      this.#forgetFile();
      await sweepPrivateFiles();
      const destination = { kind: "private", name: privateName() } as const;
      this.#release = holdPrivateFile(destination.name);
      return destination;
    }
    try {
      const accept = { [container.mimeType]: [`.${container.extension}`] };
      const handle = await pick({ suggestedName: name, types: [{ accept }] });
      return { kind: "picked", handle };
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return null;
      const detail = error instanceof Error ? error.message : String(error);
      this.#fail(`The browser did not let a place for the file be chosen: ${detail}. Try again`);
      return null;
    }
  }

  async #deliver(bytes: number): Promise<void> {
    this.#end();
    if (!this.#saving) return;
    const { name, destination } = this.#saving;
    if (destination.kind === "private") {
      this.#url = URL.createObjectURL(await privateFile(destination.name));
      const link = document.createElement("a");
      link.href = this.#url;
      link.download = name;
      link.click();
    }
    this.#become({ kind: "done", name, bytes, url: this.#url });
  }

  #fail(text: string): void {
    this.#end();
    this.#become({ kind: "failed", text });
  }

  #end(): void {
    this.#worker?.terminate();
    this.#worker = null;
  }

  #forgetFile(): void {
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = null;
    this.#release();
    this.#release = () => {};
  }

  #say(message: ToExporter): void {
    this.#worker?.postMessage(message);
  }

  #become(state: ExportState): void {
    this.#state = state;
    this.#tell(state);
  }
}

function savePicker(): SavePicker | null {
  const scope: typeof globalThis & { showSaveFilePicker?: SavePicker } = globalThis;
  return scope.showSaveFilePicker?.bind(globalThis) ?? null;
}
