/** The adapter and the unmodified server SDK on a platform whose calls are broken one by one. */
import assert from "node:assert/strict";
import type { Platform } from "../../lib/platform/platform.ts";
import { CALLS } from "../emulator/test_opentok.ts";
import type { Fault } from "../support/fault_proxy.ts";
import { ARCHIVE, failure, openFake, platformOf, START } from "./support.ts";

const OPERATIONS: [name: keyof typeof CALLS, run: (platform: Platform) => Promise<unknown>][] = [
  ["createSession", (platform) => platform.createSession()],
  ["startArchive", (platform) => platform.startArchive("s1", START)],
  ["stopArchive", (platform) => platform.stopArchive("a1")],
  ["getArchive", (platform) => platform.getArchive("a1")],
  ["listArchives", (platform) => platform.listArchives({ sessionId: "s1" })],
  ["deleteArchive", (platform) => platform.deleteArchive("a1")],
  ["signal", (platform) => platform.signal("s1", { type: "join", data: "" })],
  ["listStreams", (platform) => platform.listStreams("s1")],
];

/** A cut may be noticed at once, or only by the deadline: the outcome is unknown either way. */
const UNKNOWN = /^(unavailable|timeout)$/;
const FAULTS: [fault: Omit<Fault, "match">, kind: RegExp][] = [
  [{ mode: "status", status: 400 }, /^unexpected$/],
  [{ mode: "status", status: 401 }, /^unauthorized$/],
  [{ mode: "status", status: 403 }, /^unauthorized$/],
  [{ mode: "status", status: 404 }, /^not-found$/],
  [{ mode: "status", status: 409 }, /^conflict$/],
  [{ mode: "status", status: 429 }, /^rate-limited$/],
  [{ mode: "status", status: 500 }, /^unavailable$/],
  [{ mode: "status", status: 503 }, /^unavailable$/],
  [{ mode: "status", status: 502, body: "<html>Bad Gateway</html>" }, UNKNOWN],
  [{ mode: "drop" }, UNKNOWN],
  [{ mode: "drop", after: true }, UNKNOWN],
  [{ mode: "truncate" }, UNKNOWN],
  [{ mode: "truncate", after: true }, UNKNOWN],
  [{ mode: "hang" }, /^timeout$/],
  [{ mode: "hang", after: true }, /^timeout$/],
];
/** For the faults that only the deadline ends. */
const SHORT_DEADLINE_MS = 150;
const ALWAYS = 1_000;

/** Requests of the SDK that hang end with the proxy. */
const LEFT_OPEN = { sanitizeOps: false, sanitizeResources: false };

for (const [operation, run] of OPERATIONS) {
  Deno.test(
    `${operation}() makes one typed error of every fault, and works afterwards`,
    LEFT_OPEN,
    async () => {
      await using fake = await openFake();
      for (const [fault, kind] of FAULTS) {
        fake.proxy.fault({ match: CALLS[operation], times: ALWAYS, ...fault });
        const options = fault.mode === "status" ? {} : { deadlineMs: SHORT_DEADLINE_MS };
        const error = await failure(run(fake.platform(options)));
        assert.match(error.kind, kind, `${operation} under ${JSON.stringify(fault)}`);
        fake.proxy.heal();
        await run(fake.platform());
      }
      const refusing = platformOf({ apiUrl: "http://127.0.0.1:1" });
      assert.equal((await failure(run(refusing))).kind, "unavailable");
      const json = { headers: { "content-type": "application/json" } };
      await using malformed = await openFake(() => new Response("{nope", json));
      assert.equal((await failure(run(malformed.platform()))).kind, "unexpected");
    },
  );

  Deno.test(`${operation}() succeeds against a platform that answers as documented`, async () => {
    await using fake = await openFake();
    await run(fake.platform());
    assert.equal(fake.proxy.journal.length, 1);
    assert.match(fake.proxy.journal[0]?.call ?? "", CALLS[operation]);
  });
}

Deno.test("a change whose answer was lost is never repeated, a read is", LEFT_OPEN, async () => {
  await using fake = await openFake();
  fake.proxy.fault({ match: /./, mode: "truncate", times: ALWAYS });
  const platform = fake.platform({ deadlineMs: SHORT_DEADLINE_MS });
  await failure(platform.startArchive("s1", START));
  assert.equal(fake.proxy.journal.length, 1);
  await failure(platform.getArchive("a1"));
  assert.equal(fake.proxy.journal.length, 4);
});

Deno.test("a 429 is repeated after the wait the platform asked for, within bounds", async () => {
  const slowDown = (seconds: string) =>
    new Response(null, { status: 429, headers: { "retry-after": seconds } });
  const answers = [slowDown("2"), Response.json(ARCHIVE), slowDown("3600")];
  await using fake = await openFake(() => answers.shift() ?? assert.fail("There was another try"));
  const waits: number[] = [];
  const platform = fake.platform({ sleep: (ms) => Promise.resolve(void waits.push(ms)) });
  assert.equal((await platform.stopArchive("a1")).id, "a1");
  assert.deepEqual(waits, [2000]);
  assert.equal((await failure(platform.stopArchive("a1"))).kind, "rate-limited");
  assert.equal(answers.length, 0);
  assert.equal(fake.proxy.journal.length, 3);
});

Deno.test("an archive is read whole, and an unknown shape is an error, not a guess", async () => {
  await using fake = await openFake();
  const { createdAt, duration, size, ...rest } = ARCHIVE;
  assert.deepEqual(await fake.platform().getArchive("a1"), {
    ...rest,
    reason: "",
    createdAtMs: createdAt,
    durationSeconds: duration,
    sizeBytes: size,
  });
  await using odd = await openFake(() => Response.json({ ...ARCHIVE, status: "melted" }));
  assert.equal((await failure(odd.platform().getArchive("a1"))).kind, "unexpected");
});

Deno.test("a start is sent once even where the connection it might have reused is cut", async () => {
  await using fake = await openFake();
  fake.proxy.fault({ match: CALLS.startArchive, mode: "drop" });
  const platform = fake.platform({ deadlineMs: 500 });
  await platform.getArchive("a1");
  await failure(platform.startArchive("s1", START));
  assert.deepEqual(fake.proxy.journal.map(({ call }) => call.split(" ")[0]), ["GET", "POST"]);
});
