/** The files of archives over HTTP: signed addresses that expire, byte ranges, any origin. */
import { Hono } from "hono";
import type { Archives } from "./archives.ts";
import { LoopbackError } from "./errors.ts";
import type { ArchiveFiles } from "./files.ts";
import type { Tokens } from "./tokens.ts";

/** What is served to players of any origin. */
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "range, if-range, if-none-match",
  "access-control-expose-headers": "accept-ranges, content-length, content-range, etag",
  "cross-origin-resource-policy": "cross-origin",
};

/** The path and query of an archive's file, good until `expiresMs` (wall clock). */
export function signedMediaPath(tokens: Tokens, archiveId: string, expiresMs: number): string {
  const signature = tokens.sign("media", `${archiveId} ${expiresMs}`);
  return `/loopback/media/${archiveId}/archive.webm?expires=${expiresMs}&signature=${signature}`;
}

/** `GET /media/:id/archive.webm?expires=&signature=`; 403 when the address is wrong or too old. */
export function mediaRoutes(
  { archives, files, tokens }: { archives: Archives; files: ArchiveFiles; tokens: Tokens },
): Hono {
  const media = new Hono();
  media.options("/media/:id/archive.webm", (c) => c.body(null, 204, CORS));
  media.get("/media/:id/archive.webm", async (c) => {
    const id = c.req.param("id");
    const { expires = "", signature = "" } = c.req.query();
    if (!tokens.signed("media", `${id} ${expires}`, signature) || Number(expires) <= Date.now()) {
      return c.json({ code: 403, message: "Request has expired" }, 403, CORS);
    }
    const { name, status } = await archives.get(id);
    if (status !== "available") {
      throw new LoopbackError(404, "Failed to send an archive: it has no file");
    }
    return await serve(c.req.raw, files.media(id), name || id);
  });
  return media;
}

async function serve(request: Request, path: string, name: string): Promise<Response> {
  const file = await Deno.open(path);
  try {
    const { size, mtime } = await file.stat();
    const etag = `"${size.toString(36)}-${(mtime?.getTime() ?? 0).toString(36)}"`;
    const headers = new Headers({
      ...CORS,
      "accept-ranges": "bytes",
      "cache-control": "private, max-age=600",
      "content-disposition": `inline; filename*=UTF-8''${encodeURIComponent(name)}.webm`,
      "content-type": "video/webm",
      etag,
    });
    if (request.headers.get("if-none-match")?.includes(etag)) {
      file.close();
      return new Response(null, { status: 304, headers });
    }
    const ifRange = request.headers.get("if-range");
    const wanted = ifRange === null || ifRange === etag ? request.headers.get("range") : null;
    const range = byteRange(wanted, size);
    if (range === "unsatisfiable") {
      file.close();
      headers.set("content-range", `bytes */${size}`);
      return new Response(null, { status: 416, headers });
    }
    const [from, to] = range ?? [0, size - 1];
    headers.set("content-length", String(to - from + 1));
    if (range) headers.set("content-range", `bytes ${from}-${to}/${size}`);
    const status = range ? 206 : 200;
    if (request.method === "HEAD") {
      file.close();
      return new Response(null, { status, headers });
    }
    await file.seek(from, Deno.SeekMode.Start);
    return new Response(slice(file, to - from + 1), { status, headers });
  } catch (error) {
    file.close();
    throw error;
  }
}

/** One byte range of a `Range` header (RFC 9110, 14.2); null to send the whole file. */
export function byteRange(
  header: string | null,
  size: number,
): [from: number, to: number] | "unsatisfiable" | null {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === undefined || last === undefined || first + last === "") return null;
  const from = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const to = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== "" && last !== "" && Number(last) < from) return null;
  return from > to ? "unsatisfiable" : [from, to];
}

/** The next `length` bytes of a file, which is closed at their end or when nobody wants them. */
function slice(file: Deno.FsFile, length: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  let left = length;
  return new ReadableStream({
    async pull(controller) {
      const buffer = new Uint8Array(Math.min(left, 256 * 1024));
      const read = await file.read(buffer);
      if (read !== null && read > 0) {
        controller.enqueue(buffer.subarray(0, read));
        left -= read;
      }
      if (!read || left === 0) {
        file.close();
        controller.close();
      }
    },
    cancel: () => file.close(),
  }, { highWaterMark: 0 });
}
