import assert from "node:assert/strict";
import { chainSchema, partSchema } from "../../lib/recording/model.ts";
import { filmSchema } from "../../lib/recording/views.ts";
import { setPart } from "../../lib/store/parts.ts";
import { assertJson, assertProblem, type TestServer, withServer } from "./server.ts";

const START_MS = 1_700_000_000_000;

/** Stores a chain of three parts of 10 s whose clocks say that each overlaps the next by a second. */
async function storeChain({ services: { store } }: TestServer, id: string, state = "stopped") {
  await store.chains.create(chainSchema.parse({
    id,
    room: "main",
    name: id,
    options: {},
    strategy: "dual-session",
    state,
    createdAtMs: START_MS,
    stoppedAtMs: START_MS + 28_000,
  }));
  for (const seq of [0, 1, 2]) {
    const part = partSchema.parse({
      chainId: id,
      seq,
      archiveId: `${id}-${seq}`,
      sessionId: "s",
      lane: seq % 2 ? "secondary" : "primary",
      status: "available",
      startedAtMs: START_MS + seq * 9_000,
      startSource: "platform",
      startUncertaintyMs: 1_000,
      endedAtMs: START_MS + seq * 9_000 + 10_000,
      durationMs: 10_000,
    });
    await setPart(store.kv.atomic(), part).commit();
  }
}

Deno.test("a seam found from content moves its part and all after it, and outlives the clocks' news", () =>
  withServer(async (server) => {
    await storeChain(server, "c1");
    const change = { deltaMs: 8_400, confidence: 0.8, basis: "sound" };
    const answer = await server.ask("POST", "/api/chains/c1/seams/0", {
      as: "admin",
      body: change,
    });
    const film = filmSchema.parse(assertJson(answer));
    assert.deepEqual(film.parts.map((part) => part.placeSeconds), [0, 8.4, 17.4]);
    assert.deepEqual(film.seams[0], {
      afterSeq: 0,
      overlapMs: 1_600,
      offsetMs: 1_600,
      source: "content",
      uncertaintyMs: 10,
      confidence: 0.8,
    });
    assert.equal(film.seams[1]?.source, "platform");
    const { store } = server.services;
    await store.parts.update("c1", 1, (part) => ({ ...part, startedAtMs: START_MS + 11_000 }));
    const later = filmSchema.parse(assertJson(await server.ask("GET", "/api/chains/c1")));
    assert.equal(later.parts[1]?.placeSeconds, 8.4);
  }));

Deno.test("a nudge is added to what is known, and a second one takes its place", () =>
  withServer(async (server) => {
    await storeChain(server, "c1");
    const nudge = (nudgeMs: number) =>
      server.ask("POST", "/api/chains/c1/seams/1", { as: "admin", body: { nudgeMs } });
    assertJson(await nudge(30));
    const film = filmSchema.parse(assertJson(await nudge(-20)));
    assert.equal(film.seams[1]?.nudgeMs, -20);
    assert.equal(film.seams[1]?.offsetMs, 1_020);
    assert.equal(film.parts[2]?.placeSeconds, 17.98);
  }));

Deno.test("a seam is changed by nobody but an admin, and only to what can be", () =>
  withServer(async (server) => {
    await storeChain(server, "c1");
    await storeChain(server, "c2", "recording");
    const good = { deltaMs: 9_000, confidence: 0.9 };
    const change = (path: string, body: unknown) => server.ask("POST", path, { as: "admin", body });
    const seam = "/api/chains/c1/seams/0";
    assertProblem(await server.ask("POST", seam, { body: good }), 401, /sign in as admin/);
    for (const body of [{ ...good, confidence: 0.1 }, { deltaMs: 1 }, { nudgeMs: 1e6 }, {}]) {
      assertProblem(await change(seam, body), 400);
    }
    assertProblem(await change(seam, { ...good, deltaMs: 11_000 }), 400, /outside of the part/);
    assertProblem(await change("/api/chains/c1/seams/2", good), 404, /no such seam/);
    assertProblem(await change("/api/chains/none/seams/0", good), 404);
    assertProblem(await change("/api/chains/c2/seams/0", good), 409, /stop it first/);
    const film = filmSchema.parse(assertJson(await server.ask("GET", "/api/chains/c1")));
    assert.equal(film.seams[0]?.source, "platform");
  }));
