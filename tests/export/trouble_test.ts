import assert from "node:assert/strict";
import { failureText } from "../../lib/export/failure.ts";
import { createPatientFetch, type Wait } from "../../lib/export/patient_fetch.ts";
import type { Survey } from "../../lib/export/survey.ts";
import { formatBytes, formatSpan, progressOf, warningsOf } from "../../lib/export/words.ts";
import {
  MediaFetchError,
  type MediaFetchWorld,
  RETRY_DELAYS_MS,
} from "../../lib/player/media_fetch.ts";

/** Patiently fetches a part from a server; waiting takes no time unless `wait` does. */
function fetchFrom(
  fetch: MediaFetchWorld["fetch"],
  { wait = () => Promise.resolve(), over = new AbortController(), silenceMs }: {
    wait?: Wait;
    over?: AbortController;
    silenceMs?: number;
  } = {},
): Promise<Response> {
  const url = "http://app/media";
  const world = { fetch, now: () => 0, isOnline: () => true, sleep: () => Promise.resolve() };
  return createPatientFetch(url, wait, over.signal, { world, silenceMs })(url);
}

const good = () => Promise.resolve(new Response("media", { status: 206 }));

Deno.test("a part that cannot be reached is waited for, then read", async () => {
  let waits = 0;
  let busyFor = 2 * (RETRY_DELAYS_MS.unreachable.length + 1);
  const response = await fetchFrom(
    () => busyFor-- > 0 ? Promise.resolve(new Response("busy", { status: 503 })) : good(),
    {
      wait({ trouble }) {
        assert.equal(trouble, "unreachable");
        waits++;
        return Promise.resolve();
      },
    },
  );
  assert.equal(await response.text(), "media");
  assert.equal(waits, 2);
});

Deno.test("what waiting cannot mend fails at once", async () => {
  const refuse = () => Promise.resolve(new Response("no", { status: 403 }));
  await assert.rejects(
    fetchFrom(refuse, { wait: () => assert.fail("It waited") }),
    (error) => error instanceof MediaFetchError && error.trouble === "denied",
  );
});

Deno.test("a cancelled export ends a wait", async () => {
  const over = new AbortController();
  const wait: Wait = (_trouble, signal) =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      over.abort();
    });
  const noNetwork = () => Promise.reject(new TypeError("No network"));
  await assert.rejects(fetchFrom(noNetwork, { wait, over }), { name: "AbortError" });
});

Deno.test("a body that brings nothing any more fails like one that broke off", async () => {
  const stuck = new ReadableStream({
    start: (controller) => controller.enqueue(new Uint8Array(4)),
    pull: () => new Promise(() => {}),
  });
  const answer = () => Promise.resolve(new Response(stuck, { status: 206 }));
  const reader = (await fetchFrom(answer, { silenceMs: 20 })).body?.getReader();
  assert.equal((await reader?.read())?.value?.length, 4);
  await assert.rejects(async () => await reader?.read(), TypeError);
});

Deno.test("a server that never answers counts as unreachable", async () => {
  let waits = 0;
  const silent: MediaFetchWorld["fetch"] = (_input, init) =>
    waits > 0 ? good() : new Promise((_, reject) => {
      init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
    });
  const wait = () => {
    waits++;
    return Promise.resolve();
  };
  assert.equal((await fetchFrom(silent, { wait, silenceMs: 5 })).status, 206);
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
  const sizes = [0, 999, 1_234_567, 45_600_000_000].map(formatBytes);
  assert.deepEqual(sizes, ["0 byte", "999 byte", "1.2 MB", "45.6 GB"]);
  const spans = [0, 1, 89, 90, 600, 7_200].map(formatSpan).join(", ");
  assert.equal(spans, "1 second, 1 second, 89 seconds, 2 minutes, 10 minutes, 2 hours");
});

Deno.test("warningsOf() tells what is missing and what may not play everywhere", () => {
  const deletedPart = { seq: 1, archiveId: "b", state: "lost", reason: "was deleted" } as const;
  const comingPart = {
    seq: 4,
    archiveId: "e",
    state: "pending",
    reason: "is being prepared",
  } as const;
  const survey: Survey & { kind: "possible" } = {
    kind: "possible",
    container: { extension: "mp4", mimeType: "video/mp4" },
    videoCodec: "avc",
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
        { ...deletedPart, fromSeconds: 10, toSeconds: 22 },
        { ...comingPart, fromSeconds: 60, toSeconds: null },
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
