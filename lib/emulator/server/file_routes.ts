/** Uploads of recorders, and the finished files: signed addresses that expire, byte ranges. */
import { createReadStream } from "node:fs";
import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import { getMimeType } from "hono/utils/mime";
import { z } from "zod";
import { COMPOSED_FILE } from "../protocol.ts";
import { uploadName } from "./archive_files.ts";
import type { Archives } from "./archives.ts";
import { ensure, limitBody, parse } from "./errors.ts";
import { LIMITS } from "./limits.ts";

const uploadSchema = z.object({
  archiveId: z.uuid(),
  segment: z.coerce.number().int().min(0).max(10_000),
  file: z.string().regex(/^[\w-]{1,64}$/),
  offset: z.coerce.number().int().nonnegative(),
});

/**
 * `PATCH /upload/:archiveId/:segment/:file`: see `uploadPath` in protocol.ts. And
 * `GET /media/:id/archive.<type>?expires=&signature=`; 403 when the address is wrong or too old.
 */
export function fileRoutes(archives: Archives): Hono {
  const { files, tokens } = archives.parts;
  const routes = new Hono();
  routes.patch("/upload/:archiveId/:segment/:file", limitBody(LIMITS.uploadBytes), async (c) => {
    const asked = { ...c.req.param(), offset: c.req.header("upload-offset") };
    const { archiveId, segment, file, offset } = parse(uploadSchema, asked, "store an upload");
    const token = c.req.header("authorization")?.replace(/^Bearer /i, "") ?? "";
    const isSigned = tokens.isSigned("upload", `${archiveId} ${segment}`, token);
    ensure(isSigned, 403, "Cannot store an upload: the token is for another one");
    const bytes = new Uint8Array(await c.req.arrayBuffer());
    const archive = archives.open.get(archiveId);
    // Not 409, which asks to go on elsewhere.
    ensure(archive?.isReceiving, 404, "Cannot store an upload: the archive is over");
    const isPart = file === COMPOSED_FILE || Object.hasOwn(archive.record.streams, file);
    ensure(isPart, 404, "Cannot store an upload: the archive has no such stream");
    const name = uploadName(segment, file);
    const { appended, length } = await files.append(archiveId, name, offset, bytes);
    if (appended) archive.uploadCame();
    return c.body(null, appended ? 204 : 409, { "upload-offset": String(length) });
  });

  const media = "/media/:id/:file{archive\\.(?:mp4|webm|zip)}";
  // Players of any origin may read finished files.
  const exposeHeaders = ["accept-ranges", "content-length", "content-range"];
  routes.use(media, cors({ origin: "*", allowHeaders: ["range"], exposeHeaders }));
  routes.get(media, async (c) => {
    const { id, file } = c.req.param();
    const { expires = "", signature = "" } = c.req.query();
    const isSigned = tokens.isSigned("media", `${id} ${expires}`, signature);
    ensure(isSigned && Number(expires) > Date.now(), 403, "Request has expired");
    const { name, fileName } = await archives.get(id);
    ensure(fileName === file, 404, "Cannot send the archive: it has no such file");
    return await sendFile(c, files.path(id, file), name || id);
  });
  return routes;
}

/** Sends a file, or the one byte range of it that is asked for (RFC 9110, 14.2). */
async function sendFile(c: Context, path: string, name: string): Promise<Response> {
  const { size } = await Deno.stat(path);
  const extension = path.split(".").at(-1) ?? "";
  // A name may hold half of a surrogate pair, which cannot be encoded.
  const encodedName = encodeURIComponent(name.toWellFormed());
  const headers: Record<string, string> = {
    "cross-origin-resource-policy": "cross-origin",
    "accept-ranges": "bytes",
    "cache-control": "private, max-age=600",
    "content-type": getMimeType(path) ?? "application/octet-stream",
    "content-disposition": `inline; filename*=UTF-8''${encodedName}.${extension}`,
  };
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(c.req.header("range") ?? "") ?? [];
  const isRange = first + last !== "" && (last === "" || Number(first) <= Number(last));
  const start = !isRange ? 0 : first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = isRange && first !== "" && last !== "" ? Math.min(Number(last), size - 1) : size - 1;
  if (start > end) return c.body(null, 416, { ...headers, "content-range": `bytes */${size}` });
  headers["content-length"] = String(end - start + 1);
  if (isRange) headers["content-range"] = `bytes ${start}-${end}/${size}`;
  const file = c.req.method === "HEAD" ? [] : createReadStream(path, { start, end });
  return new Response(ReadableStream.from(file), { status: isRange ? 206 : 200, headers });
}
