import assert from "node:assert/strict";
import { finishedArchive, openPlatform, sampleWebM } from "./server_support.ts";

const film = await sampleWebM(2);

Deno.test("a file is sent whole or by ranges, with validators, to any origin", async () => {
  await using platform = await openPlatform();
  const { url, size } = await finishedArchive(platform, film, { name: "Täglich 1" });
  const whole = await fetch(url);
  const bytes = new Uint8Array(await whole.arrayBuffer());
  const etag = whole.headers.get("etag") ?? "";
  assert.equal(whole.status, 200);
  assert.equal(bytes.length, size);
  assert.equal(whole.headers.get("accept-ranges"), "bytes");
  assert.equal(whole.headers.get("access-control-allow-origin"), "*");
  assert.match(whole.headers.get("access-control-expose-headers") ?? "", /content-range/);
  assert.match(whole.headers.get("content-disposition") ?? "", /T%C3%A4glich%201\.webm$/);

  const ranges: [string, number, number][] = [
    ["bytes=0-0", 0, 0],
    ["bytes=10-99", 10, 99],
    ["bytes=100-", 100, size - 1],
    ["bytes=-50", size - 50, size - 1],
    [`bytes=0-${size * 2}`, 0, size - 1],
    [`bytes=-${size * 2}`, 0, size - 1],
  ];
  for (const [range, from, to] of ranges) {
    const part = await fetch(url, { headers: { range } });
    assert.equal(part.status, 206, range);
    assert.equal(part.headers.get("content-range"), `bytes ${from}-${to}/${size}`);
    assert.equal(part.headers.get("content-length"), String(to - from + 1));
    assert.deepEqual(new Uint8Array(await part.arrayBuffer()), bytes.slice(from, to + 1));
  }

  const statuses: [HeadersInit, number][] = [
    [{ range: `bytes=${size}-` }, 416],
    [{ range: "bytes=-0" }, 416],
    [{ range: "bytes=5-2" }, 200],
    [{ range: "bytes=0-1,3-4" }, 200],
    [{ range: "frames=0-1" }, 200],
    [{ "if-none-match": etag }, 304],
    [{ range: "bytes=0-1", "if-range": etag }, 206],
    [{ range: "bytes=0-1", "if-range": '"other"' }, 200],
  ];
  for (const [headers, status] of statuses) {
    const response = await fetch(url, { headers });
    await response.body?.cancel();
    assert.equal(response.status, status, JSON.stringify(headers));
  }
  const head = await fetch(url, { method: "HEAD" });
  assert.equal(head.headers.get("content-length"), String(size));
  assert.equal((await fetch(url, { method: "OPTIONS" })).status, 204);
});

Deno.test("an address that was changed answers 403", async () => {
  await using platform = await openPlatform();
  const { url } = await finishedArchive(platform, film);
  const other = await finishedArchive(platform, film);
  const longer = new URL(url);
  longer.searchParams.set("expires", String(Number(longer.searchParams.get("expires")) + 1));
  const bare = new URL(url);
  bare.search = "";
  const swapped = new URL(url);
  swapped.pathname = new URL(other.url).pathname;
  for (const wrong of [longer, bare, swapped]) {
    const response = await fetch(wrong);
    assert.equal(response.status, 403);
    assert.equal(response.headers.get("access-control-allow-origin"), "*");
    await response.body?.cancel();
  }
});

Deno.test("an address expires, and asking again gives a new one", async () => {
  await using platform = await openPlatform({ timings: { mediaUrlMs: 0 } });
  const { id, url } = await finishedArchive(platform, film);
  const response = await fetch(url);
  assert.equal(response.status, 403);
  assert.match((await response.json()).message, /expired/);
  assert.notEqual((await platform.sdk.get(id)).url, url);
});

Deno.test("a reader that goes away in the middle does no harm", async () => {
  await using platform = await openPlatform();
  const { url } = await finishedArchive(platform, await sampleWebM(60));
  const stop = new AbortController();
  const response = await fetch(url, { signal: stop.signal });
  await response.body?.getReader().read();
  stop.abort();
  assert.equal((await fetch(url, { method: "HEAD" })).status, 200);
});
