import assert from "node:assert/strict";
import {
  ADDRESS_LIFE_MS,
  createMediaFetch,
  type Trouble,
  troubleOf,
} from "../../lib/player/media_fetch.ts";

const MEDIA_URL = "/api/archives/a/media";

/** Fetches from a server that answers by a script: what it does for each request, in order. */
function fetchFrom(script: (number | "cut")[], { redirects = true, online = true } = {}) {
  const asked: string[] = [];
  const slept: number[] = [];
  let nowMs = 0;
  let issued = 0;
  return {
    asked,
    slept,
    pass: (ms: number) => void (nowMs += ms),
    get: createMediaFetch(MEDIA_URL, {
      now: () => nowMs,
      isOnline: () => online,
      sleep: (delayMs: number) => {
        slept.push(delayMs);
        return Promise.resolve();
      },
      fetch: (input: string | URL | Request, init?: RequestInit) => {
        if (init?.redirect === "manual") {
          const probe = redirects ? Response.redirect("https://storage.test/x") : new Response("");
          Object.defineProperty(probe, "type", { value: redirects ? "opaqueredirect" : "basic" });
          return redirects ? Promise.resolve(probe) : Promise.reject(new TypeError("Offline"));
        }
        asked.push(String(input));
        const answer = script.shift() ?? 206;
        if (answer === "cut") return Promise.reject(new TypeError("Failed to fetch"));
        const response = new Response(null, { status: answer });
        const fresh = String(input) === MEDIA_URL;
        if (fresh && redirects) issued++;
        Object.defineProperty(response, "redirected", { value: fresh && redirects });
        Object.defineProperty(response, "url", { value: `https://storage.test/${issued}` });
        return Promise.resolve(response);
      },
    }),
  };
}

async function assertFails(promise: Promise<unknown>, trouble: Trouble): Promise<void> {
  await assert.rejects(promise, { name: "MediaFetchError", trouble });
}

Deno.test("createMediaFetch() asks for the address once and then uses it", async () => {
  const { asked, get } = fetchFrom([]);
  for (let i = 0; i < 3; i++) assert.equal((await get("")).status, 206);
  assert.deepEqual(asked, [MEDIA_URL, "https://storage.test/1", "https://storage.test/1"]);
});

Deno.test("createMediaFetch() renews an address that has aged before using it", async () => {
  const { asked, pass, get } = fetchFrom([]);
  await get("");
  pass(ADDRESS_LIFE_MS + 1);
  await get("");
  assert.deepEqual(asked, [MEDIA_URL, MEDIA_URL]);
});

for (const refusal of [403, 404, "cut"] as const) {
  Deno.test(`createMediaFetch() renews an address that answers ${refusal}, without waiting`, async () => {
    const { asked, slept, get } = fetchFrom([206, refusal, 206]);
    await get("");
    assert.equal((await get("")).status, 206);
    assert.deepEqual(asked, [MEDIA_URL, "https://storage.test/1", MEDIA_URL]);
    assert.deepEqual(slept, []);
  });
}

Deno.test("createMediaFetch() gives a refused new address few tries, then calls the file gone", async () => {
  const { asked, get } = fetchFrom(Array(20).fill(403));
  await assertFails(get(""), "gone");
  assert.equal(asked.length, 3);
});

Deno.test("createMediaFetch() waits longer and longer for a server in trouble, then gives up", async () => {
  const { slept, get } = fetchFrom(Array(20).fill(503));
  await assertFails(get(""), "unreachable");
  assert.deepEqual(slept, slept.toSorted((a, b) => a - b));
  assert.ok(slept.length >= 3);
});

Deno.test("createMediaFetch() tells a file server that forbids scripts from no network", async () => {
  const blocked = fetchFrom(Array(20).fill("cut"));
  await assertFails(blocked.get(""), "blocked");
  const offline = fetchFrom(Array(20).fill("cut"), { redirects: false });
  await assertFails(offline.get(""), "unreachable");
});

Deno.test("createMediaFetch() does not wait where there is no network", async () => {
  const { slept, get } = fetchFrom(Array(20).fill("cut"), { redirects: false, online: false });
  await assertFails(get(""), "unreachable");
  assert.deepEqual(slept, []);
});

Deno.test("troubleOf() tells whose refusal it is", () => {
  const table: [number, boolean, Trouble | null][] = [
    [206, true, null],
    [206, false, null],
    [200, true, "no-ranges"],
    [403, true, "expired"],
    [404, true, "expired"],
    [401, false, "denied"],
    [403, false, "denied"],
    [404, false, "gone"],
    [409, false, "gone"],
    [410, false, "gone"],
    [429, true, "unreachable"],
    [500, false, "unreachable"],
    [503, true, "unreachable"],
  ];
  for (const [status, redirected, trouble] of table) {
    assert.equal(troubleOf({ status, redirected }), trouble, `${status} ${redirected}`);
  }
});
