import assert from "node:assert/strict";
import { START_MS, storeChain } from "../support/stored_chain.ts";
import { archive, assertPage, assertRedirect, test } from "./support.ts";

test("/player lists recordings, newest first, without a script", async (app) => {
  await storeChain(app.services.store, { id: "c1", name: "First <b>" });
  await storeChain(app.services.store, { id: "c2", name: "Second", createdAtMs: START_MS + 1 });
  const page = await app.get("/player");
  assertPage(page, 200, '<label for="name">Archive name</label>', ">Get archive</button>");
  assertPage(page, 200, "First &lt;b", 'href="/player/c1"');
  assert.ok(page.body.indexOf("Second") < page.body.indexOf("First"));
  assert.match(page.body, /0:00:19/, "two parts of 10 s that overlap by 1 s");
  assert.doesNotMatch(page.body, /<script/);
});

test("a name leads to its recording; several of one name are listed; none says so", async (app) => {
  await storeChain(app.services.store, { id: "c1", name: "Only" });
  await storeChain(app.services.store, { id: "c2", name: "Twin" });
  await storeChain(app.services.store, { id: "c3", name: "Twin" });
  assertRedirect(await app.get("/player?name=Only"), "/player/c1");
  const twins = await app.get("/player?name=+Twin+");
  assertPage(twins, 200, "Several recordings are named “Twin”");
  assert.doesNotMatch(twins.body, /href="\/player\/c1"/);
  const none = await app.get("/player?name=%3Cscript%3E");
  assertPage(none, 404, "There is no recording named");
  assert.doesNotMatch(none.body, /<script>/);
});

test("without recordings the player says how to make one", async (app) => {
  assertPage(await app.get("/player"), 200, "Nothing recorded yet");
});

test("older recordings are a link away", async (app) => {
  for (let i = 0; i < 21; i++) {
    await storeChain(app.services.store, { id: `c${i}`, createdAtMs: START_MS + i }, [1000]);
  }
  const first = await app.get("/player");
  const older = /href="(\/player\?cursor=[^"]+)"[^>]*>Older recordings/.exec(first.body)?.[1];
  assert.ok(older);
  assertPage(await app.get(older.replaceAll("&amp;", "&")), 200, 'href="/player/c0"');
  assertPage(await app.get("/player?cursor=%21"), 400);
});

test("a recording's page shows its film, its lanes and its parts", async (app) => {
  await storeChain(app.services.store, { id: "c1", name: "Seminar" }, [10_000, 5_000, 10_000]);
  const page = await app.get("/player/c1");
  const facts =
    "3 parts, 2 seams and no gaps in 0:00:23. Neighbours overlap by 1.0 s, 2.0 s in all.";
  assertPage(
    page,
    200,
    "<title>Seminar · Gapless</title>",
    /<svg[^>]+role="img"[^>]+aria-labelledby="chain-picture-title"/,
    `<desc id="chain-picture-facts">${facts}</desc>`,
    `<figcaption>${facts}</figcaption>`,
    "<dt>Recorded twice</dt><dd>2.0 s</dd>",
    "Clocks in the files, to 1 ms",
  );
  assert.equal(page.body.match(/href="\/download\/c1-\d"/g)?.length, 3);
  assert.match(page.body, /Part 2 to 3<\/th><td[^>]*>1\.000 s<\/td>/, "the seam's offset");
  assert.match(page.body, /<script[^>]+type="module"/, "the film is an island");
  assert.doesNotMatch(page.body, /Delete recording/);
});

test("a recording without parts says so instead of an empty film", async (app) => {
  await storeChain(app.services.store, { id: "c1", state: "failed" }, []);
  assertPage(await app.get("/player/c1"), 200, "Nothing to watch");
});

test("a recording's page says what it holds, and what cannot be shown as a film", async (app) => {
  const options = { hasAudio: true, hasVideo: true, outputMode: "composed" as const };
  await storeChain(app.services.store, { id: "c1", options: { ...options, hasVideo: false } });
  await storeChain(app.services.store, {
    id: "c2",
    options: { ...options, outputMode: "individual" },
  });
  assertPage(await app.get("/player/c1"), 200, "<dt>Holds</dt><dd>Sound</dd>");
  const individual = await app.get("/player/c2");
  assertPage(individual, 200, "Sound and picture, a file for each person");
  assertPage(
    individual,
    200,
    "cannot be shown as one film",
    'aria-label="Download ZIP of part 2"',
  );
});

test("gaps are told with their length and cause, and the share that is covered", async (app) => {
  const toMs = START_MS + 14_000;
  const gap = { fromMs: START_MS + 10_000, toMs, cause: "The server restarted" };
  await storeChain(app.services.store, { id: "c1", gaps: [gap] });
  await app.services.store.parts.update("c1", 1, (part) => ({ ...part, startedAtMs: toMs }));
  const page = await app.get("/player/c1");
  assertPage(page, 200, "4.00 s at 0:00:10: The server restarted", "4.000 s missing");
  assertPage(page, 200, "<dt>Continuity</dt><dd>83.33 %</dd>");
});

test("many parts fold up, and are all there", async (app) => {
  await storeChain(app.services.store, { id: "c1" }, Array.from({ length: 50 }, () => 10_000));
  const page = await app.get("/player/c1");
  assertPage(page, 200, "<summary>Parts (50)</summary>");
  assert.equal(page.body.match(/href="\/download\/c1-\d+"/g)?.length, 50);
});

test("an unknown recording is a 404 page", async (app) => {
  assertPage(await app.get("/player/nope"), 404, "no such recording");
});

test("an admin deletes a recording with its files, after being told what goes", async (app) => {
  const { chains } = app.services.store;
  await storeChain(app.services.store, { id: "c1" });
  assertRedirect(await app.post("/player/c1/delete"));
  assert.ok(await chains.get("c1"), "signed out, nothing goes");

  const asked = await app.admin.get("/player/c1/delete");
  assertPage(asked, 200, "the film of 0:00:19 from room main");
  assertPage(asked, 200, "2 archives on the platform and what is in them: 0:00:20, 2.0 kB in all");
  assertRedirect(await app.admin.post("/player/c1/delete"), "/player");
  assert.equal(await chains.get("c1"), null);
  assert.deepEqual(app.archives.map(({ id }) => id), ["archive-3"]);
}, { archives: [archive(1, { id: "c1-0" }), archive(2, { id: "c1-1" }), archive(3)] });

test("what is asked before deleting tells archives without a file apart", async (app) => {
  await storeChain(app.services.store, { id: "c1" });
  await app.services.store.parts.update("c1", 1, (part) => ({ ...part, status: "failed" }));
  const asked = await app.admin.get("/player/c1/delete");
  assertPage(asked, 200, "1 archive on the platform and what is in them: 0:00:10, 1.0 kB in all");
  assertPage(asked, 200, "what is known of 1 archive without a file");
  assertPage(await app.get("/player/c1"), 200, "The platform could not record it");
}, { archives: [archive(1, { id: "c1-0" })] });

test("a recording that runs is not deleted", async (app) => {
  await storeChain(app.services.store, { id: "c1", state: "recording", stoppedAtMs: null });
  assertPage(await app.admin.post("/player/c1/delete"), 409, "Stop it first");
});
