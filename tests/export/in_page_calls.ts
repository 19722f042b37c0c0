/** What the export's tests do inside the page; each function is sent there by itself. */
import type { MediaReport } from "../support/in_page.ts";
// For their types only.
import type {} from "../player/page_entry.ts";

/** Puts a dialog in the place of the browser's, which no test can press: it chooses a real file. */
export function installSaveDialog(): void {
  Object.assign(globalThis, {
    async showSaveFilePicker({ suggestedName }: { suggestedName: string }) {
      const folder = await navigator.storage.getDirectory();
      return await folder.getFileHandle(suggestedName, { create: true });
    },
  });
}

/** Makes the browser one that has no such dialog. */
export function removeSaveDialog(): void {
  Object.assign(globalThis, { showSaveFilePicker: undefined });
}

/** What lies in the page's own storage: names and sizes. */
export async function storedFiles(): Promise<[string, number][]> {
  const folder: FileSystemDirectoryHandle & { values?(): AsyncIterable<FileSystemHandle> } =
    await navigator.storage.getDirectory();
  const found: [string, number][] = [];
  for await (const handle of folder.values?.() ?? []) {
    const file = await (await folder.getFileHandle(handle.name)).getFile();
    found.push([handle.name, file.size]);
  }
  return found;
}

/** Decodes a stored file from the first frame to the last. */
export async function decodeStored(name: string): Promise<MediaReport> {
  const folder = await navigator.storage.getDirectory();
  const url = URL.createObjectURL(await (await folder.getFileHandle(name)).getFile());
  return await gaplessTest.decode(url, ["green"], ["low"], 180);
}

/** How a stored file played in a plain video element. */
export interface Played {
  ended: boolean;
  durationSeconds: number;
  errorCode: number | undefined;
  /** Distance of a picture from its moment, seconds: the median, as a busy machine looks late. */
  pictureSeconds: number;
  /** The last picture that was readable; null if none was. */
  lastPicture: number | null;
  /** Lengths of the loud and the silent stretches that were heard, seconds: loud first. */
  heard: number[];
}

/** Plays a stored file in a plain video element, at `rate`, from `fromSeconds` to `toSeconds` or its end. */
export async function playStored(
  { name, rate = 1, fromSeconds = 0, toSeconds = Infinity }: {
    name: string;
    rate?: number;
    fromSeconds?: number;
    toSeconds?: number;
  },
): Promise<Played> {
  const folder = await navigator.storage.getDirectory();
  const video = document.createElement("video");
  document.body.replaceChildren(video);
  const ready = new Promise((resolve, reject) => {
    video.addEventListener("canplay", resolve, { once: true });
    video.addEventListener("error", () => reject(new Error(video.error?.message)), { once: true });
  });
  video.src = URL.createObjectURL(await (await folder.getFileHandle(name)).getFile());
  await ready;
  if (fromSeconds > 0) {
    const landed = gaplessStudio.nextEvent(video, "seeked");
    video.currentTime = fromSeconds;
    await landed;
  }
  const hearing = gaplessStudio.hear(video);
  const over = gaplessStudio.nextEvent(video, "ended");
  video.playbackRate = rate;
  await video.play();
  const samples = await gaplessTest.watch(
    () => video,
    "green",
    () => video.ended || video.currentTime >= Math.min(toSeconds, video.duration - 0.2),
  );
  if (toSeconds === Infinity) await over;
  const { ended, duration, error } = video;
  video.pause();
  // Lengths of the loud and the silent stretches, loud first. A tone crosses zero all the time.
  const heard: number[] = [];
  let quietFor = Infinity;
  for (const sample of await hearing()) {
    quietFor = Math.abs(sample) > 0.02 ? 0 : quietFor + 1 / 48_000;
    const isLoud = quietFor < 0.01;
    if (isLoud !== (heard.length % 2 === 1) && (isLoud || heard.length > 0)) heard.push(0);
    if (heard.length > 0) heard.push((heard.pop() ?? 0) + 1 / 48_000);
  }
  const distances = samples.flatMap(({ number, currentTime }) =>
    number === null ? [] : [Math.abs(currentTime - number / 30)]
  );
  return {
    ended,
    durationSeconds: duration,
    errorCode: error?.code,
    pictureSeconds: distances.toSorted((a, b) => a - b)[distances.length >> 1] ?? Infinity,
    lastPicture: samples.findLast(({ number }) => number !== null)?.number ?? null,
    heard,
  };
}
