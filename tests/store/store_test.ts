import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { openStore, type Store, StoreError } from "../../lib/store/mod.ts";
import type { Chain, Part } from "../../lib/recording/model.ts";
import { emptyRecording } from "../../lib/recording/state.ts";
import { openTempDir } from "../support/test_services.ts";

/** Defines a test on a store in memory; `broken` are the errors of records that it cannot read. */
function test(
  name: string,
  run: (store: Store, broken: StoreError[]) => Promise<void>,
): void {
  Deno.test(name, async () => {
    const broken: StoreError[] = [];
    const store = await openStore(":memory:", { onBroken: (error) => broken.push(error) });
    try {
      await run(store, broken);
    } finally {
      store.close();
    }
  });
}

/** What a process saves of the main room that it records. */
const recording = (chain: Chain | null = null, parts: Part[] = []) => ({
  state: emptyRecording("main", { primary: "p", secondary: "s" }),
  chain,
  parts,
});

/** Saves a recording of two parts. */
async function saveTwoParts(store: Store): Promise<void> {
  const change = recording(chain("1"), [part("1", 0), part("1", 1)]);
  assert.ok(await store.recordings.save(await store.recordings.get("main"), change));
}

const room = (name: string) => ({
  name,
  title: name,
  sessions: { primary: `${name}-1`, secondary: `${name}-2` },
  createdAtMs: 1,
});
const chain = (id: string, more: Partial<Chain> = {}): Chain => ({
  id,
  room: "main",
  name: "Weekly",
  options: { hasAudio: true, hasVideo: true, outputMode: "composed" },
  strategy: "dual-session",
  state: "stopped",
  createdAtMs: 1,
  stopRequestedAtMs: 1,
  stoppedAtMs: 2,
  gaps: [],
  ...more,
});
const part = (chainId: string, seq: number): Part => ({
  chainId,
  seq,
  archiveId: `${chainId}-archive-${seq}`,
  sessionId: "s",
  lane: "primary",
  status: "stopped",
  reason: "",
  startedAtMs: 1_000 * seq,
  startSource: "platform",
  startUncertaintyMs: 1_000,
  endedAtMs: null,
  durationMs: null,
  sizeBytes: 0,
  nudgeMs: 0,
});

Deno.test("openStore() opens what this version wrote", async () => {
  await using dir = await openTempDir();
  const first = await openStore(`${dir.path}/kv`);
  await first.rooms.create(room("main"));
  first.close();
  const second = await openStore(`${dir.path}/kv`);
  assert.equal((await second.rooms.get("main"))?.name, "main");
  second.close();
});

Deno.test("openStore() refuses what another version wrote, and names the folder", async () => {
  await using dir = await openTempDir();
  const kv = await Deno.openKv(`${dir.path}/kv`);
  await kv.set(["room", "main"], room("main"));
  kv.close();
  await assert.rejects(openStore(`${dir.path}/kv`), (error) => {
    assert.ok(error instanceof StoreError && error.kind === "version");
    return error.message.includes(dir.path);
  });
});

Deno.test("processes that write to the same file at once all get through", async () => {
  await using dir = await openTempDir();
  const script = fileURLToPath(new URL("./counting_process.ts", import.meta.url));
  const args = ["run", "-A", script, `${dir.path}/kv`, "100"];
  const count = () => new Deno.Command(Deno.execPath(), { args }).output();
  for (const { success, stderr } of await Promise.all([count(), count()])) {
    assert.ok(success, new TextDecoder().decode(stderr));
  }
  const store = await openStore(`${dir.path}/kv`);
  assert.equal(await store.values.get(["count"], z.number()), 200);
  store.close();
});

test("rooms.create() answers the room that was made first", async (store) => {
  const made = await Promise.all([
    store.rooms.create(room("main")),
    store.rooms.create({ ...room("main"), sessions: { primary: "x", secondary: "y" } }),
  ]);
  assert.deepEqual(made[0], made[1]);
  assert.deepEqual(await store.rooms.get("main"), made[0]);
});

test("rooms.list() pages through all rooms by name", async (store) => {
  for (const name of ["c", "a", "b"]) await store.rooms.create(room(name));
  const first = await store.rooms.list({ limit: 2 });
  assert.deepEqual(first.items.map((r) => r.name), ["a", "b"]);
  const second = await store.rooms.list({ limit: 2, cursor: first.cursor });
  assert.deepEqual(second.items.map((r) => r.name), ["c"]);
  assert.equal(second.cursor, null);
  await assert.rejects(store.rooms.list({ cursor: "%%nonsense" }), StoreError);
});

test("rooms.update() changes what it is given and nothing else, and needs a room", async (store) => {
  const made = await store.rooms.create(room("main"));
  assert.equal(made.strategy, "dual-session", "the default");
  await store.rooms.update("main", { title: "Big room" });
  const changed = await store.rooms.update("main", { strategy: "simultaneous" });
  assert.deepEqual(changed, { ...made, title: "Big room", strategy: "simultaneous" });
  assert.deepEqual(await store.rooms.get("main"), changed);
  await assert.rejects(store.rooms.update("other", { title: "x" }), { kind: "not-found" });
});

test("rooms.delete() refuses a room that is being recorded", async (store) => {
  await store.rooms.create(room("main"));
  const before = await store.recordings.get("main");
  const entry = await store.recordings.save(before, recording());
  assert.ok(entry);
  await assert.rejects(store.rooms.delete("main"), { kind: "conflict" });
  await store.recordings.rest("main", entry);
  await store.rooms.delete("main");
  assert.equal(await store.rooms.get("main"), null);
});

test("chains.list() answers newest first, by room and by exact name", async (store) => {
  await store.chains.create(chain("1", { createdAtMs: 10 }));
  await store.chains.create(chain("2", { createdAtMs: 30, name: "Weekly 2" }));
  await store.chains.create(chain("3", { createdAtMs: 20, room: "other" }));
  const ids = async (options: { room?: string; name?: string }) =>
    (await store.chains.list(options)).items.map((c) => c.id);
  assert.deepEqual(await ids({}), ["2", "3", "1"]);
  assert.deepEqual(await ids({ room: "main" }), ["2", "1"]);
  assert.deepEqual(await ids({ name: "Weekly" }), ["3", "1"]);
  assert.deepEqual(await ids({ name: "Week" }), []);
});

test("chains.update() moves the name's key and refuses a chain that records", async (store) => {
  await store.chains.create(chain("1"));
  await store.chains.update("1", (c) => ({ ...c, name: "New name" }));
  assert.equal((await store.chains.list({ name: "Weekly" })).items.length, 0);
  assert.equal((await store.chains.list({ name: "New name" })).items.length, 1);
  await store.chains.create(chain("2", { state: "recording" }));
  await assert.rejects(store.chains.update("2", (c) => c), { kind: "conflict" });
  await assert.rejects(store.chains.delete("2"), { kind: "conflict" });
});

test("chains.delete() removes parts and archive lookups", async (store) => {
  await saveTwoParts(store);
  assert.equal((await store.parts.byArchive("1-archive-1"))?.seq, 1);
  assert.equal((await store.parts.unsettled()).items.length, 2);
  await store.chains.delete("1");
  assert.equal(await store.chains.get("1"), null);
  assert.deepEqual(await store.parts.list("1"), []);
  assert.equal(await store.parts.byArchive("1-archive-1"), null);
  assert.equal((await store.parts.unsettled()).items.length, 0);
  assert.deepEqual((await store.chains.list()).items, []);
});

test("parts.update() settles a part whose archive will not change", async (store) => {
  await saveTwoParts(store);
  await store.parts.update("1", 0, (p) => ({ ...p, status: "failed" }), { settled: true });
  await store.parts.update("1", 1, (p) => ({ ...p, nudgeMs: 5 }), { fileAttempts: 2 });
  const { items } = await store.parts.unsettled();
  assert.deepEqual(items.map((u) => [u.part.seq, u.part.nudgeMs, u.fileAttempts]), [[1, 5, 2]]);
});

test("a broken record is reported and left out of lists", async (store, broken) => {
  await store.chains.create(chain("1", { createdAtMs: 1 }));
  await store.chains.create(chain("2", { createdAtMs: 2 }));
  await store.kv.set(["chain", "2"], { id: "2", from: "an old version" });
  assert.deepEqual((await store.chains.list()).items.map((c) => c.id), ["1"]);
  assert.equal(broken.length, 1);
  assert.match(broken[0]?.message ?? "", /^Read record chain\/2: /);
  await assert.rejects(store.chains.get("2"), { kind: "broken" });
});

test("a record over KV's limit is refused as invalid", async (store) => {
  const long = chain("1", { gaps: [{ fromMs: 0, toMs: 1, cause: "x".repeat(70_000) }] });
  await assert.rejects(store.chains.create(long), { kind: "invalid" });
});

test("leases: one owner at a time, a new owner after expiry, the old one's writes fail", async (store) => {
  const a = await store.leases.acquire("main", "a", 10, 0);
  assert.ok(a);
  assert.equal(await store.leases.acquire("main", "b", 10, 5), null);
  const renewed = await store.leases.renew(a, 10, 8);
  assert.ok(renewed);
  assert.equal(await store.leases.acquire("main", "b", 10, 12), null);
  const b = await store.leases.acquire("main", "b", 10, 18);
  assert.ok(b);
  assert.ok(b.token > renewed.token);
  assert.equal(await store.leases.renew(renewed, 10, 19), null);
  const change = recording();
  const entry = await store.recordings.get("main");
  assert.equal(await store.recordings.save(entry, change, renewed), null);
  assert.ok(await store.recordings.save(entry, change, b));
  await store.leases.release(b);
  const c = await store.leases.acquire("main", "c", 10, 19);
  assert.ok(c && c.token > b.token);
});

test("recordings.save() fails when another process saved first", async (store) => {
  const change = recording();
  const entry = await store.recordings.get("main");
  const saved = await store.recordings.save(entry, change);
  assert.deepEqual(saved?.state, change.state);
  assert.equal(await store.recordings.save(entry, change), null);
  assert.deepEqual((await store.recordings.active()).items, ["main"]);
});

test("values: made once, counted in one atomic, listed by prefix", async (store) => {
  const keys = await Promise.all(
    ["one", "two"].map((v) => store.values.createOnce(["signing-key"], z.string(), v)),
  );
  assert.equal(keys[0], keys[1]);
  const increment = () => store.values.update(["rate", "ip"], z.number(), (n) => (n ?? 0) + 1);
  await Promise.all(Array.from({ length: 5 }, increment));
  assert.equal(await store.values.get(["rate", "ip"], z.number()), 5);
  assert.deepEqual((await store.values.list(["rate"], z.number())).items, [
    { key: ["rate", "ip"], value: 5 },
  ]);
  await store.values.delete(["rate", "ip"]);
  assert.equal(await store.values.get(["rate", "ip"], z.number()), null);
});

test("chains.adopt() adds a part to an ended chain or a new one, an archive only once", async (store) => {
  await store.chains.create(chain("old"));
  const first = { ...part("old", 3), endedAtMs: 4_000 };
  await store.chains.adopt(chain("old", { name: "Weekly 2" }), first);
  assert.deepEqual(await store.parts.list("old"), [first]);
  assert.equal((await store.chains.list({ name: "Weekly 2" })).items.length, 1);
  const again = { ...part("new", 0), archiveId: first.archiveId };
  await assert.rejects(store.chains.adopt(chain("new"), again), { kind: "conflict" });
  assert.equal(await store.chains.get("new"), null, "nothing of it was written");
  await store.chains.adopt(chain("new"), part("new", 0));
  assert.equal((await store.chains.list({ room: "main" })).items.length, 2);
  const owned = await store.parts.owned([first.archiveId, "nobody's", "new-archive-0"]);
  assert.deepEqual([...owned].sort(), ["new-archive-0", first.archiveId].sort());
  await store.chains.create(chain("live", { state: "recording", stoppedAtMs: null }));
  await assert.rejects(store.chains.adopt(chain("live"), part("live", 0)), { kind: "conflict" });
});
