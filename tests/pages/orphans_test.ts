import assert from "node:assert/strict";
import { filmOfChain } from "../../lib/films.ts";
import { START_MS, storeChain } from "../support/stored_chain.ts";
import { archive, assertPage, assertRedirect, test, type TestApp } from "./support.ts";

/** The main room's primary session. */
const sessionId = "session-0";
/** An archive of it that no recording owns. */
const orphan = archive(1, { sessionId });

async function openMain(app: TestApp): Promise<void> {
  const room = await app.services.openRoom("main");
  assert.equal(room.sessions.primary, sessionId);
}

const sectionOf = (body: string) => /<section[^>]*orphans[\s\S]*?<\/section>/.exec(body)?.[0] ?? "";

test(
  "/history shows archives of our sessions that no chain owns, apart from the others",
  async (app) => {
    await openMain(app);
    await storeChain(app.services.store, { id: "seminar" }, [60_000]);
    const section = sectionOf((await app.admin.get("/history")).body);
    const named = [...section.matchAll(/Archive (\d)</g)].map(([, n]) => Number(n));
    assert.deepEqual(named, [6, 4, 1]);
    assert.match(section, /main \(secondary\)/);
    assert.match(section, /Those that record go on, and cost/);
    assert.equal(section.match(/action="[^"]*\/adopt"/g)?.length, 2);
    assert.match(section, /action="\/history\/archive-4\/stop"/);
    const page2 = (await app.admin.get("/history?page=2")).body;
    assert.match(page2, /no recording/, "found on its own page too");

    const seen = sectionOf((await app.get("/history")).body);
    assert.match(seen, /Archive 6/);
    assert.doesNotMatch(seen, /Adopt<|Stop</, "only an admin does anything about them");
  },
  {
    archives: [
      orphan,
      archive(2, { sessionId: "of-another-app" }),
      archive(3, { id: "seminar-0", sessionId }),
      archive(4, { sessionId, status: "started", url: null, durationSeconds: 0 }),
      archive(5, { sessionId, status: "expired", url: null }),
      archive(6, { sessionId: "session-1" }),
    ],
  },
);

test("without orphans the history says nothing of them", async (app) => {
  await openMain(app);
  assert.doesNotMatch((await app.admin.get("/history")).body, /[Nn]o recording/);
}, { archives: [archive(1)] });

test("an adopted archive becomes a recording of its own", async (app) => {
  await openMain(app);
  const done = await app.admin.post("/history/archive-1/adopt");
  assertRedirect(done, /^\/player\//);
  assertPage(await app.get(done.headers.get("location") ?? ""), 200, "Archive 1");
  assert.doesNotMatch((await app.admin.get("/history")).body, /[Nn]o recording/);
  assertPage(await app.admin.post("/history/archive-1/adopt"), 409);
}, { archives: [orphan] });

test(
  "an adopted archive joins the recording it was made beside, and fills its gap",
  async (app) => {
    await openMain(app);
    const { store, config } = app.services;
    const endMs = START_MS + 14_000;
    await storeChain(app.services.store, {
      id: "seminar",
      gaps: [{ fromMs: START_MS + 10_000, toMs: endMs, cause: "failure" }],
      stopRequestedAtMs: endMs,
      stoppedAtMs: endMs,
    }, [10_000]);
    assertRedirect(await app.admin.post("/history/archive-0/adopt"), "/player/seminar");
    const chain = await store.chains.get("seminar");
    assert.ok(chain);
    assert.deepEqual(chain.gaps, []);
    assert.equal(chain.continuity, 1);
    const film = await filmOfChain({ store, config }, chain);
    assert.deepEqual(film.parts.map((p) => [p.seq, p.placeSeconds]), [[0, 0], [1, 8]]);
  },
  {
    archives: [
      archive(0, {
        sessionId,
        name: "Seminar",
        createdAtMs: START_MS + 8_000,
        durationSeconds: 20,
      }),
    ],
  },
);

test("an orphan that records is stopped after being asked, and adopted only then", async (app) => {
  await openMain(app);
  const early = await app.admin.post("/history/archive-1/adopt");
  assertPage(early, 409, "still records, stop it first");
  assertPage(await app.admin.get("/history/archive-1/stop"), 200, "Stop “Archive 1”?");
  const [running = assert.fail()] = app.archives;
  app.services.platform.stopArchive = () =>
    Promise.resolve(Object.assign(running, { status: "stopped", durationSeconds: 5 }));
  assertRedirect(await app.admin.post("/history/archive-1/stop"));
  assert.equal(running.status, "stopped");
  assertRedirect(await app.admin.post("/history/archive-1/adopt"));
}, { archives: [archive(1, { sessionId, status: "started", durationSeconds: 0 })] });

test("what a start of ours may have made a moment ago is left to its recording", async (app) => {
  await openMain(app);
  const { store, chains } = app.services;
  const archiveOptions = { hasAudio: true, hasVideo: true, outputMode: "composed" as const };
  await assert.rejects(chains.start("main", { name: "Weekly", archive: archiveOptions }));
  const entry = await store.recordings.get("main");
  assert.ok(entry.state);
  const start = { name: "Weekly", sinceMs: orphan.createdAtMs, untilMs: Date.now() + 60_000 };
  const state = { ...entry.state, suspects: [start] };
  await store.recordings.save(entry, { state, chain: null, parts: [] });
  assert.doesNotMatch((await app.admin.get("/history")).body, /In no recording/);
  assertPage(await app.admin.post("/history/archive-1/stop"), 409, "may take it in");
}, { archives: [archive(1, { sessionId, name: "Weekly", status: "started" })] });

test("nobody signed out stops or adopts, nor does another site's page", async (app) => {
  await openMain(app);
  for (const path of ["/history/archive-1/adopt", "/history/archive-1/stop"]) {
    assertRedirect(await app.post(path), /^\/sign-in/);
    assertPage(await app.admin.post(path, {}, { "sec-fetch-site": "cross-site" }), 403);
  }
  assert.equal((await app.services.store.parts.owned(["archive-1"])).size, 0);
}, { archives: [orphan] });
