/** The worker that puts a film into one file: it looks at the parts, then writes when told where. */
import type { Film } from "../recording/views.ts";
import { openDisk } from "./disk.ts";
import { failureText } from "./failure.ts";
import { writeFilm } from "./film_file.ts";
import { type FromExporter, toExporterSchema } from "./messages.ts";
import { openPart, type PartReader } from "./part_reader.ts";
import { createPatientFetch, type Wait } from "./patient_fetch.ts";
import { type Survey, survey } from "./survey.ts";

/** Progress is told this often at most. */
const TELL_EVERY_MS = 200;
/** Parts that cannot be reached are tried again by themselves this often ... */
const TRY_EVERY_MS = 15_000;
/** ... and given up after this long. */
const GIVE_UP_MS = 30 * 60_000;

const tell = (message: FromExporter) => globalThis.postMessage(message);
const over = new AbortController();
/** Ends the wait for parts that cannot be reached. */
let tryAgain = () => {};
let surveyed: { film: Film; survey: Survey } | null = null;
let stalledSinceMs = 0;
/** The last progress, told or not. */
let reached: FromExporter & { type: "progress" } | null = null;

globalThis.addEventListener("online", () => tryAgain());
globalThis.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
  const message = toExporterSchema.parse(data);
  if (message.type === "retry") return tryAgain();
  if (message.type === "cancel") return over.abort();
  const work = message.type === "look" ? look(message.film) : write(message.destination);
  work.catch((error: unknown) => {
    // The page may be gone, or have begun anew with another worker.
    queueMicrotask(() => globalThis.close());
    tell(
      over.signal.aborted ? { type: "cancelled" } : { type: "failed", text: failureText(error) },
    );
  });
});

async function look(film: Film): Promise<void> {
  const found = await survey(film, {
    openPart: openerOf(film),
    onLooked(parts, ofParts) {
      stalledSinceMs = 0;
      tell({ type: "looking", parts, ofParts });
    },
    signal: over.signal,
  });
  surveyed = { film, survey: found };
  tell({ type: "surveyed", survey: found });
}

async function write(destination: Parameters<typeof openDisk>[0]): Promise<void> {
  if (surveyed?.survey.kind !== "possible") throw new Error("The parts were not looked at");
  const { film, survey } = surveyed;
  const disk = await openDisk(destination);
  let toldAtMs = 0;
  try {
    const bytes = await writeFilm(
      { ...survey, title: film.name, recordedAtMs: film.createdAtMs },
      {
        openPart: openerOf(film),
        sink: disk,
        onProgress(filmSeconds, bytes) {
          stalledSinceMs = 0;
          reached = { type: "progress", filmSeconds, bytes };
          if (Date.now() - toldAtMs < TELL_EVERY_MS) return;
          toldAtMs = Date.now();
          tell(reached);
        },
        signal: over.signal,
      },
    );
    await disk.keep();
    tell({ type: "done", bytes });
  } catch (error) {
    await disk.discard().catch(() => {});
    throw error;
  }
}

function openerOf(film: Film): (archiveId: string) => Promise<PartReader> {
  return (archiveId) => {
    const part = film.parts.find((part) => part.archiveId === archiveId);
    if (!part) throw new Error(`The film has no archive ${archiveId}`);
    const url = new URL(part.mediaUrl, location.href).href;
    return openPart(url, createPatientFetch(url, waitToTryAgain, over.signal));
  };
}

const waitToTryAgain: Wait = (trouble, signal) => {
  stalledSinceMs ||= Date.now();
  if (Date.now() - stalledSinceMs > GIVE_UP_MS) return Promise.reject(trouble);
  if (reached) tell(reached);
  tell({ type: "stalled" });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, TRY_EVERY_MS);
    signal.addEventListener("abort", aborted);
    tryAgain = done;
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", aborted);
      resolve();
    }
    function aborted() {
      clearTimeout(timer);
      reject(signal.reason);
    }
  });
};
