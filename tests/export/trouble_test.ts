import assert from "node:assert/strict";
import { failureText } from "../../lib/export/failure.ts";
import { createPatientFetch } from "../../lib/export/patient_fetch.ts";
import { formatBytes, formatSpan, progressOf, warningsOf } from "../../lib/export/words.ts";
import {
  MediaFetchError,
  type MediaFetchWorld,
  RETRY_DELAYS_MS,
} from "../../lib/player/media_fetch.ts";

/** A world whose answers are laid down, and in which waiting takes no time. */
function world(answers: (() => Response | Promise<Response>)[]): MediaFetchWorld {
  return worldOf(() => {
    const answer = answers.shift();
    return answer ? Promise.resolve(answer()) : Promise.reject(new TypeError("No network"));
  });
}

function worldOf(fetch: MediaFetchWorld["fetch"]): MediaFetchWorld {
  const world = { fetch, now: () => 0, isOnline: () => true, sleep: () => Promise.resolve() };
  return world;
}
const good = () => new Response("media", { status: 206 });
const busy = () => new Response("busy", { status: 503 });
const never = new AbortController().signal;

Deno.test("a part that cannot be reached is waited for, then read", async () => {
  let waits = 0;
  const tries = RETRY_DELAYS_MS.unreachable.length + 1;
  const fetchPart = createPatientFetch(
    "http://app/media",
    (trouble) => {
      assert.equal(trouble.trouble, "unreachable");
      waits++;
      return Promise.resolve();
    },
    never,
    { world: world([...Array.from({ length: 2 * tries }, () => busy), good]) },
  );
  assert.equal(await (await fetchPart("http://app/media")).text(), "media");
  assert.equal(waits, 2);
});

Deno.test("what waiting cannot mend fails at once", async () => {
  const fetchPart = createPatientFetch(
    "http://app/media",
    () => assert.fail("It waited"),
    never,
    { world: world([() => new Response("no", { status: 403 })]) },
  );
  await assert.rejects(
    fetchPart("http://app/media"),
    (error) => error instanceof MediaFetchError && error.trouble === "denied",
  );
});

Deno.test("a cancelled export ends a wait", async () => {
  const over = new AbortController();
  const fetchPart = createPatientFetch(
    "http://app/media",
    (_trouble, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        over.abort();
      }),
    over.signal,
    { world: world([]) },
  );
  await assert.rejects(fetchPart("http://app/media"), { name: "AbortError" });
});

Deno.test("a body that brings nothing any more fails like one that broke off", async () => {
  const stuck = () =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new Uint8Array(4)),
        pull: () => new Promise(() => {}),
      }),
      { status: 206 },
    );
  const fetchPart = createPatientFetch("http://app/media", () => Promise.resolve(), never, {
    world: world([stuck]),
    silenceMs: 20,
  });
  const reader = (await fetchPart("http://app/media")).body?.getReader();
  assert.equal((await reader?.read())?.value?.length, 4);
  await assert.rejects(async () => await reader?.read(), TypeError);
});

Deno.test("a server that never answers counts as unreachable", async () => {
  let waits = 0;
  const silent = worldOf((_input, init) =>
    waits > 0 ? Promise.resolve(good()) : new Promise((_, reject) => {
      init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
    })
  );
  const fetchPart = createPatientFetch(
    "http://app/media",
    () => {
      waits++;
      return Promise.resolve();
    },
    never,
    { world: silent, silenceMs: 5 },
  );
  assert.equal((await fetchPart("http://app/media")).status, 206);
  assert.equal(waits, 1);
});

Deno.test("failureText() names what happened and the way out", () => {
  const said: [unknown, RegExp][] = [
    [new MediaFetchError("denied", ""), /Sign in again/],
    [new MediaFetchError("gone", ""), /no longer there\. Try again/],
    [new MediaFetchError("blocked", ""), /Download the parts/],
    [new MediaFetchError("no-ranges", ""), /whole files\. Download the parts/],
    [new DOMException("", "QuotaExceededError"), /not enough room on the disk/],
    [new DOMException("", "NotAllowedError"), /Choose another place/],
    [new DOMException("", "InvalidStateError"), /moved or removed/],
    [new Error("Odd packet"), /Odd packet\. Try again, or download/],
  ];
  for (const [error, words] of said) {
    assert.match(failureText(error), words);
    assert.doesNotMatch(failureText(error), /\.$/);
  }
});

Deno.test("progressOf() knows the rest once it has a pace", () => {
  const plan = { durationSeconds: 100 };
  assert.deepEqual(progressOf(plan, 0, 0), { share: 0, remainingSeconds: null });
  assert.deepEqual(progressOf(plan, 10, 1_000), { share: 0.1, remainingSeconds: null });
  assert.deepEqual(progressOf(plan, 25, 5_000), { share: 0.25, remainingSeconds: 15 });
  assert.equal(progressOf(plan, 101, 5_000).share, 1);
  assert.equal(progressOf({ durationSeconds: 0 }, 0, 5_000).share, 0);
});

Deno.test("sizes and lengths are told in round numbers", () => {
  assert.deepEqual([0, 999, 1_234_567, 45_600_000_000].map(formatBytes), [
    "0 byte",
    "999 byte",
    "1.2 MB",
    "45.6 GB",
  ]);
  assert.deepEqual([0, 1, 89, 90, 600, 7_200].map(formatSpan), [
    "1 second",
    "1 second",
    "89 seconds",
    "2 minutes",
    "10 minutes",
    "2 hours",
  ]);
});

Deno.test("warningsOf() tells what is missing and what may not play everywhere", () => {
  const survey = {
    kind: "possible" as const,
    container: { extension: "mp4", mimeType: "video/mp4" } as const,
    videoCodec: "avc" as const,
    soundFormat: null,
    inBand: true,
    sizeChanges: true,
    aboutBytes: 0,
    plan: {
      video: [],
      audio: [],
      durationSeconds: 60,
      holes: [{ fromSeconds: 10, toSeconds: 22 }, { fromSeconds: 30, toSeconds: 30.05 }],
      skipped: [
        {
          seq: 1,
          archiveId: "b",
          state: "lost" as const,
          reason: "was deleted",
          fromSeconds: 10,
          toSeconds: 22,
        },
        {
          seq: 4,
          archiveId: "e",
          state: "pending" as const,
          reason: "is being prepared",
          fromSeconds: 60,
          toSeconds: null,
        },
      ],
    },
  };
  const [deleted, pending, hole, differs, ...more] = warningsOf(survey);
  assert.equal(deleted, "Part 2 was deleted.");
  assert.equal(pending, "Part 5 is being prepared: it will be missing.");
  assert.match(hole ?? "", /^12 seconds of the film are covered by no part/);
  assert.match(differs ?? "", /encoded differently/);
  assert.deepEqual(more, []);
});
