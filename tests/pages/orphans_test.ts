import assert from "node:assert/strict";
import { filmOfChain } from "../../lib/films.ts";
import { archive, START_MS, storeChain, type TestApp, withApp } from "./support.ts";

/** Archives of the main room's primary session, whatever its id turns out to be. */
const SESSION = "session-0";
const as = "admin";

async function openMain(app: TestApp): Promise<void> {
  const room = await app.services.openRoom("main");
  assert.equal(room.sessions.primary, SESSION);
}

const sectionOf = (body: string) => /<section[^>]*orphans[\s\S]*?<\/section>/.exec(body)?.[0] ?? "";

Deno.test("/history shows archives of our sessions that no chain owns, apart from the others", async () => {
  const archives = [
    archive(1, { sessionId: SESSION }),
    archive(2, { sessionId: "of-another-app" }),
    archive(3, { id: "seminar-0", sessionId: SESSION }),
    archive(4, { sessionId: SESSION, status: "started", url: null, durationSeconds: 0 }),
    archive(5, { sessionId: SESSION, status: "expired", url: null }),
    archive(6, { sessionId: "session-1" }),
  ];
  await withApp({ archives }, async (app) => {
    await openMain(app);
    await storeChain(app.services, { id: "seminar" }, [60_000]);
    const { body } = await app.get("/history", { as });
    const section = sectionOf(body);
    const named = [...section.matchAll(/Archive (\d)</g)].map(([, n]) => Number(n));
    assert.deepEqual(named, [6, 4, 1]);
    assert.match(section, /main \(secondary\)/);
    assert.match(section, /Those that record go on, and cost/);
    assert.equal(section.match(/action="[^"]*\/adopt"/g)?.length, 2);
    assert.match(section, /action="\/history\/archive-4\/stop"/);
    const page2 = (await app.get("/history?page=2", { as })).body;
    assert.match(page2, /no recording/, "found on its own page too");

    const seen = sectionOf((await app.get("/history")).body);
    assert.match(seen, /Archive 6/);
    assert.doesNotMatch(seen, /Adopt<|Stop</, "only an admin does anything about them");
  });
});

Deno.test("without orphans the history says nothing of them", async () => {
  await withApp({ archives: [archive(1)] }, async (app) => {
    await openMain(app);
    assert.doesNotMatch((await app.get("/history", { as })).body, /[Nn]o recording/);
  });
});

Deno.test("an adopted archive becomes a recording of its own", async () => {
  await withApp({ archives: [archive(1, { sessionId: SESSION })] }, async (app) => {
    await openMain(app);
    const done = await app.post("/history/archive-1/adopt", {}, { as });
    assert.equal(done.status, 303);
    const location = done.headers.get("location") ?? "";
    assert.match(location, /^\/player\//);
    const shown = await app.get(location);
    assert.equal(shown.status, 200);
    assert.match(shown.body, /Archive 1/);
    assert.doesNotMatch((await app.get("/history", { as })).body, /[Nn]o recording/);
    assert.equal((await app.post("/history/archive-1/adopt", {}, { as })).status, 409);
  });
});

Deno.test("an adopted archive joins the recording it was made beside, and fills its gap", async () => {
  const beside = archive(0, {
    sessionId: SESSION,
    name: "Seminar",
    createdAtMs: START_MS + 8_000,
    durationSeconds: 20,
  });
  await withApp({ archives: [beside] }, async (app) => {
    await openMain(app);
    const { store, config } = app.services;
    const gap = { fromMs: START_MS + 10_000, toMs: START_MS + 14_000, cause: "failure" };
    const stop = { stopRequestedAtMs: START_MS + 14_000, stoppedAtMs: START_MS + 14_000 };
    await storeChain(app.services, { id: "seminar", gaps: [gap], ...stop }, [10_000]);
    const { headers } = await app.post("/history/archive-0/adopt", {}, { as });
    assert.equal(headers.get("location"), "/player/seminar");
    const chain = await store.chains.get("seminar");
    assert.ok(chain);
    assert.deepEqual(chain.gaps, []);
    assert.equal(chain.continuity, 1);
    const film = await filmOfChain({ store, config }, chain);
    assert.deepEqual(film.parts.map((p) => [p.seq, p.placeSeconds]), [[0, 0], [1, 8]]);
  });
});

Deno.test("an orphan that records is stopped after being asked, and adopted only then", async () => {
  const running = archive(1, { sessionId: SESSION, status: "started", durationSeconds: 0 });
  await withApp({ archives: [running] }, async (app) => {
    await openMain(app);
    const early = await app.post("/history/archive-1/adopt", {}, { as });
    assert.equal(early.status, 409);
    assert.match(early.body, /still records, stop it first/);
    const asked = await app.get("/history/archive-1/stop", { as });
    assert.match(asked.body, /Stop “Archive 1”\?/);
    app.services.platform.stopArchive = () => {
      running.status = "stopped";
      running.durationSeconds = 5;
      return Promise.resolve(running);
    };
    assert.equal((await app.post("/history/archive-1/stop", {}, { as })).status, 303);
    assert.equal(running.status, "stopped");
    assert.equal((await app.post("/history/archive-1/adopt", {}, { as })).status, 303);
  });
});

Deno.test("what a start of ours may have made a moment ago is left to its recording", async () => {
  const late = archive(1, { sessionId: SESSION, name: "Weekly", status: "started" });
  await withApp({ archives: [late] }, async (app) => {
    await openMain(app);
    const { store, chains } = app.services;
    const archiveOptions = { hasAudio: true, hasVideo: true, outputMode: "composed" as const };
    await assert.rejects(chains.start("main", { name: "Weekly", archive: archiveOptions }));
    const entry = await store.recordings.get("main");
    const suspects = [{ name: "Weekly", sinceMs: late.createdAtMs, untilMs: Date.now() + 60_000 }];
    assert.ok(entry.state);
    const state = { ...entry.state, suspects };
    await store.recordings.save(entry, { state, chain: null, parts: [] });
    assert.doesNotMatch((await app.get("/history", { as })).body, /In no recording/);
    const { status, body } = await app.post("/history/archive-1/stop", {}, { as });
    assert.equal(status, 409);
    assert.match(body, /may take it in/);
  });
});

Deno.test("nobody signed out stops or adopts, nor does another site's page", async () => {
  await withApp({ archives: [archive(1, { sessionId: SESSION })] }, async (app) => {
    await openMain(app);
    for (const verb of ["adopt", "stop"]) {
      const { status, headers } = await app.post(`/history/archive-1/${verb}`);
      assert.equal(status, 303);
      assert.match(headers.get("location") ?? "", /^\/sign-in/);
      const elsewhere = { as, headers: { "sec-fetch-site": "cross-site" } } as const;
      assert.equal((await app.post(`/history/archive-1/${verb}`, {}, elsewhere)).status, 403);
    }
    assert.equal((await app.services.store.parts.owned(["archive-1"])).size, 0);
  });
});
