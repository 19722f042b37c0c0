/** A long film: what is kept in memory does not grow with it. */
import assert from "node:assert/strict";
import { writeFilm } from "../../lib/export/film_file.ts";
import { CACHE_BYTES, openPart } from "../../lib/export/part_reader.ts";
import { survey } from "../../lib/export/survey.ts";
import { filmFrom } from "../player/films.ts";
import { recordNumbered } from "./numbered.ts";

/** Sends a file piece by piece, as the reader takes them, and counts. */
class CountingServer {
  servedBytes = 0;

  constructor(readonly bytes: Uint8Array<ArrayBuffer>) {}

  readonly fetch: typeof fetch = (_input, init) => {
    const range = /^bytes=(\d+)-/.exec(new Headers(init?.headers).get("range") ?? "");
    let at = Number(range?.[1] ?? 0);
    const size = this.bytes.length;
    const headers = { "content-range": `bytes ${at}-${size - 1}/${size}` };
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: (controller) => {
        const piece = this.bytes.slice(at, at + 65_536);
        at += piece.length;
        this.servedBytes += piece.length;
        if (piece.length > 0) controller.enqueue(piece);
        else controller.close();
      },
    }, { highWaterMark: 0 });
    return Promise.resolve(new Response(body, { status: 206, headers }));
  };
}

const PART_SECONDS = 600;
const OVERLAP_SECONDS = 10;

for (const format of ["webm", "mp4"] as const) {
  Deno.test(`twenty minutes of ${format} pass through a few megabytes`, async () => {
    const bytes = await recordNumbered({
      fromSeconds: 0,
      seconds: PART_SECONDS,
      format,
      pictureBytes: 3_000,
    });
    const film = filmFrom([
      [0, PART_SECONDS],
      [PART_SECONDS - OVERLAP_SECONDS, PART_SECONDS],
    ]);
    const servers = film.parts.map(() => new CountingServer(bytes));
    const open = (archiveId: string) => {
      const index = film.parts.findIndex((part) => part.archiveId === archiveId);
      return openPart(`http://files/${index}`, (servers[index] ?? new CountingServer(bytes)).fetch);
    };
    const { signal } = new AbortController();
    const found = await survey(film, { openPart: open, onLooked: () => {}, signal });
    assert.equal(found.kind, "possible");
    if (found.kind !== "possible") return;
    const lookedAtBytes = servers.map((server) => server.servedBytes);
    for (const looked of lookedAtBytes) assert.ok(looked < bytes.length / 4, `Looked at ${looked}`);

    let mostInside = 0;
    let writtenBytes = 0;
    const size = await writeFilm({ ...found, title: "Long", recordedAtMs: 0 }, {
      openPart: open,
      sink: {
        // A disk is slower than memory: whatever reads ahead has the time to.
        async write(data) {
          writtenBytes += data.length;
          await new Promise((resolve) => setTimeout(resolve, 0));
          const served = servers.map((s, i) => s.servedBytes - (lookedAtBytes[i] ?? 0));
          // What the first part has beyond the seam is read by nobody, or dropped.
          const inside = (served[1] ?? 0) > 0
            ? (served[1] ?? 0) - Math.max(0, writtenBytes - bytes.length)
            : (served[0] ?? 0) - writtenBytes;
          mostInside = Math.max(mostInside, inside);
        },
      },
      onProgress: () => {},
      signal,
    });
    const wholeBytes = 2 * bytes.length;
    assert.ok(wholeBytes > 80e6 && size > 0.95 * wholeBytes, `${size} of ${wholeBytes}`);
    assert.ok(mostInside < CACHE_BYTES, `${mostInside} bytes were inside at once`);
    const servedBytes = servers.reduce((sum, server) => sum + server.servedBytes, 0);
    assert.ok(servedBytes < 1.1 * wholeBytes, `${servedBytes} bytes were read`);
  });
}
