import assert from "node:assert/strict";
import { archive, START_MS, storeChain, withApp } from "./support.ts";

Deno.test("/player lists recordings, newest first, without a script", async () => {
  await withApp({}, async (app) => {
    await storeChain(app.services, { id: "c1", name: "First <b>" });
    await storeChain(app.services, { id: "c2", name: "Second", createdAtMs: START_MS + 1 });
    const { status, body } = await app.get("/player");
    assert.equal(status, 200);
    assert.match(body, /<label for="name">Archive name<\/label>/);
    assert.match(body, />Get archive<\/button>/);
    assert.ok(body.indexOf("Second") < body.indexOf("First"));
    assert.match(body, /First &lt;b/);
    assert.match(body, /href="\/player\/c1"/);
    assert.match(body, /0:00:19/, "two parts of 10 s that overlap by 1 s");
    assert.doesNotMatch(body, /<script/);
  });
});

Deno.test("a name leads to its recording; several of one name are listed; none says so", async () => {
  await withApp({}, async (app) => {
    await storeChain(app.services, { id: "c1", name: "Only" });
    await storeChain(app.services, { id: "c2", name: "Twin" });
    await storeChain(app.services, { id: "c3", name: "Twin" });
    const only = await app.get("/player?name=Only");
    assert.equal(only.status, 303);
    assert.equal(only.headers.get("location"), "/player/c1");
    const twins = await app.get("/player?name=+Twin+");
    assert.equal(twins.status, 200);
    assert.match(twins.body, /Several recordings are named “Twin”/);
    assert.doesNotMatch(twins.body, /href="\/player\/c1"/);
    const none = await app.get("/player?name=%3Cscript%3E");
    assert.equal(none.status, 404);
    assert.match(none.body, /There is no recording named/);
    assert.doesNotMatch(none.body, /<script>/);
  });
});

Deno.test("without recordings the player says how to make one", async () => {
  await withApp({}, async (app) => {
    const { status, body } = await app.get("/player");
    assert.equal(status, 200);
    assert.match(body, /Nothing recorded yet/);
  });
});

Deno.test("older recordings are a link away", async () => {
  await withApp({}, async (app) => {
    for (let i = 0; i < 21; i++) {
      await storeChain(app.services, { id: `c${i}`, createdAtMs: START_MS + i }, [1000]);
    }
    const first = await app.get("/player");
    const older = /href="(\/player\?cursor=[^"]+)"[^>]*>Older recordings/.exec(first.body)?.[1];
    assert.ok(older);
    const second = await app.get(older.replaceAll("&amp;", "&"));
    assert.equal(second.status, 200);
    assert.match(second.body, /href="\/player\/c0"/);
    assert.equal((await app.get("/player?cursor=%21")).status, 400);
  });
});

Deno.test("a recording's page shows its film, its lanes and its parts", async () => {
  await withApp({}, async (app) => {
    await storeChain(app.services, { id: "c1", name: "Seminar" }, [10_000, 5_000, 10_000]);
    const { status, body } = await app.get("/player/c1");
    assert.equal(status, 200);
    assert.match(body, /<title>Seminar · Gapless<\/title>/);
    const facts =
      "3 parts, 2 seams and no gaps in 0:00:23. Neighbours overlap by 1.0 s, 2.0 s in all.";
    assert.match(body, /<svg[^>]+role="img"[^>]+aria-labelledby="chain-picture-title"/);
    assert.ok(body.includes(`<desc id="chain-picture-facts">${facts}</desc>`));
    assert.ok(body.includes(`<figcaption>${facts}</figcaption>`));
    assert.match(body, /<dt>Recorded twice<\/dt><dd>2\.0 s<\/dd>/);
    assert.equal(body.match(/href="\/download\/c1-\d"/g)?.length, 3);
    assert.match(body, /Part 2 to 3<\/th><td[^>]*>1\.000 s<\/td>/, "the seam's offset");
    assert.match(body, /Clocks in the files, to 1 ms/);
    assert.match(body, /<script[^>]+type="module"/, "the film is an island");
    assert.doesNotMatch(body, /Delete recording/);
  });
});

Deno.test("a recording without parts says so instead of an empty film", async () => {
  await withApp({}, async (app) => {
    await storeChain(app.services, { id: "c1", state: "failed" }, []);
    const { status, body } = await app.get("/player/c1");
    assert.equal(status, 200);
    assert.match(body, /Nothing to watch/);
  });
});

Deno.test("a recording's page says what it holds, and what cannot be shown as a film", async () => {
  await withApp({}, async (app) => {
    const options = { hasAudio: true, hasVideo: true, outputMode: "composed" as const };
    await storeChain(app.services, { id: "c1", options: { ...options, hasVideo: false } });
    await storeChain(app.services, { id: "c2", options: { ...options, outputMode: "individual" } });
    const soundOnly = await app.get("/player/c1");
    assert.match(soundOnly.body, /<dt>Holds<\/dt><dd>Sound<\/dd>/);
    const individual = await app.get("/player/c2");
    assert.match(individual.body, /Sound and picture, a file for each person/);
    assert.match(individual.body, /cannot be shown as one film/);
    assert.match(individual.body, /aria-label="Download ZIP of part 2"/);
  });
});

Deno.test("gaps are told with their length and cause, and the share that is covered", async () => {
  await withApp({}, async (app) => {
    const gap = {
      fromMs: START_MS + 10_000,
      toMs: START_MS + 14_000,
      cause: "The server restarted",
    };
    await storeChain(app.services, { id: "c1", gaps: [gap] });
    await app.services.store.parts.update("c1", 1, (part) => ({ ...part, startedAtMs: gap.toMs }));
    const { body } = await app.get("/player/c1");
    assert.match(body, /4\.00 s at 0:00:10: The server restarted/);
    assert.match(body, /<dt>Continuity<\/dt><dd>83\.33 %<\/dd>/);
    assert.match(body, /4\.000 s missing/);
  });
});

Deno.test("many parts fold up, and are all there", async () => {
  await withApp({}, async (app) => {
    await storeChain(app.services, { id: "c1" }, Array.from({ length: 50 }, () => 10_000));
    const { body } = await app.get("/player/c1");
    assert.match(body, /<summary>Parts \(50\)<\/summary>/);
    assert.equal(body.match(/href="\/download\/c1-\d+"/g)?.length, 50);
  });
});

Deno.test("an unknown recording is a 404 page", async () => {
  await withApp({}, async (app) => {
    const { status, body } = await app.get("/player/nope");
    assert.equal(status, 404);
    assert.match(body, /no such recording/);
  });
});

Deno.test("an admin deletes a recording with its files, after being told what goes", async () => {
  const archives = [archive(1, { id: "c1-0" }), archive(2, { id: "c1-1" }), archive(3)];
  await withApp({ archives }, async (app) => {
    await storeChain(app.services, { id: "c1" });
    const as = "admin";
    assert.equal((await app.post("/player/c1/delete")).status, 303);
    assert.ok(await app.services.store.chains.get("c1"), "signed out, nothing goes");

    const asked = await app.get("/player/c1/delete", { as });
    assert.match(asked.body, /the film of 0:00:19 from room main/);
    assert.match(
      asked.body,
      /2 archives on the platform and what is in them: 0:00:20, 2\.0 kB in all/,
    );
    const done = await app.post("/player/c1/delete", {}, { as });
    assert.equal(done.headers.get("location"), "/player");
    assert.equal(await app.services.store.chains.get("c1"), null);
    assert.deepEqual(archives.map(({ id }) => id), ["archive-3"]);
  });
});

Deno.test("what is asked before deleting tells archives without a file apart", async () => {
  await withApp({ archives: [archive(1, { id: "c1-0" })] }, async (app) => {
    await storeChain(app.services, { id: "c1" });
    await app.services.store.parts.update("c1", 1, (part) => ({ ...part, status: "failed" }));
    const { body } = await app.get("/player/c1/delete", { as: "admin" });
    assert.match(body, /1 archive on the platform and what is in them: 0:00:10, 1\.0 kB in all/);
    assert.match(body, /what is known of 1 archive without a file/);
    const film = await app.get("/player/c1");
    assert.match(film.body, /The platform could not record it/);
  });
});

Deno.test("a recording that runs is not deleted", async () => {
  await withApp({}, async (app) => {
    await storeChain(app.services, { id: "c1", state: "recording", stoppedAtMs: null });
    const { status, body } = await app.post("/player/c1/delete", {}, { as: "admin" });
    assert.equal(status, 409);
    assert.match(body, /Stop it first/);
  });
});
