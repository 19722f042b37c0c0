/** What tests of the export share: files in memory, served by ranges. */
import type { Sink } from "../../lib/export/film_file.ts";
import { writeFilm } from "../../lib/export/film_file.ts";
import { openPart } from "../../lib/export/part_reader.ts";
import { type Survey, survey } from "../../lib/export/survey.ts";
import type { Film } from "../../lib/recording/views.ts";

/** Answers range requests for one file. */
export function rangesOf(bytes: Uint8Array<ArrayBuffer>): typeof fetch {
  return (_input, init) => {
    const range = /^bytes=(\d+)-(\d*)$/.exec(new Headers(init?.headers).get("range") ?? "");
    const from = Number(range?.[1] ?? 0);
    const to = Math.min(range?.[2] ? Number(range[2]) : Infinity, bytes.length - 1);
    const headers = { "content-range": `bytes ${from}-${to}/${bytes.length}` };
    return Promise.resolve(new Response(bytes.subarray(from, to + 1), { status: 206, headers }));
  };
}

/** Surveys and writes a film whose files lie in memory, by archive id. */
export async function exportFilm(
  film: Film,
  files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
): Promise<{ survey: Survey & { kind: "possible" }; bytes: Uint8Array<ArrayBuffer> }> {
  const open = (archiveId: string) =>
    openPart(`http://files/${archiveId}`, rangesOf(files.get(archiveId) ?? new Uint8Array()));
  const { signal } = new AbortController();
  const found = await survey(film, { openPart: open, onLooked: () => {}, signal });
  if (found.kind !== "possible") throw new Error(found.reason);
  const writes: { data: Uint8Array; position: number }[] = [];
  const sink: Sink = {
    write(data, position) {
      writes.push({ data: data.slice(), position });
      return Promise.resolve();
    },
  };
  await writeFilm(
    { ...found, title: film.name, recordedAtMs: film.createdAtMs },
    { openPart: open, sink, onProgress: () => {}, signal },
  );
  const size = Math.max(...writes.map(({ data, position }) => position + data.length));
  const bytes = new Uint8Array(size);
  for (const { data, position } of writes) bytes.set(data, position);
  return { survey: found, bytes };
}
