import assert from "node:assert/strict";
import type { Chain } from "../../lib/recording/model.ts";
import { filmSchema } from "../../lib/recording/views.ts";
import { START_MS, storeChain } from "../support/stored_chain.ts";
import { type Answer, assertJson, assertProblem, test, type TestServer } from "./server.ts";

const SEAM = "/api/chains/c1/seams/0";

/** Stores a chain of three parts whose clocks say that each overlaps the next by a second. */
async function storeThree({ services }: TestServer, change: Partial<Chain> = {}): Promise<void> {
  const clock = { startSource: "platform", startUncertaintyMs: 1_000 } as const;
  await storeChain(services.store, { id: "c1", ...change }, [10_000, 10_000, 10_000], clock);
}

const filmIn = (answer: Answer) => filmSchema.parse(assertJson(answer));

test("a seam found from content moves its part and all after it, and outlives the clocks' news", async (server) => {
  await storeThree(server);
  const found = { deltaMs: 8_400, confidence: 0.8, basis: "sound" };
  const film = filmIn(await server.admin("POST", SEAM, found));
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
  const { parts } = server.services.store;
  await parts.update("c1", 1, (part) => ({ ...part, startedAtMs: START_MS + 11_000 }));
  const later = filmIn(await server.ask("GET", "/api/chains/c1"));
  assert.equal(later.parts[1]?.placeSeconds, 8.4);
});

test("a nudge is added to what is known, and a second one takes its place", async (server) => {
  await storeThree(server);
  const nudge = (nudgeMs: number) => server.admin("POST", "/api/chains/c1/seams/1", { nudgeMs });
  assertJson(await nudge(30));
  const film = filmIn(await nudge(-20));
  assert.equal(film.seams[1]?.nudgeMs, -20);
  assert.equal(film.seams[1]?.offsetMs, 1_020);
  assert.equal(film.parts[2]?.placeSeconds, 17.98);
});

test("a seam is changed by nobody but an admin, and only to what can be", async (server) => {
  await storeThree(server);
  await storeThree(server, { id: "c2", state: "recording" });
  const good = { deltaMs: 9_000, confidence: 0.9 };
  const change = (path: string, body: unknown) => server.admin("POST", path, body);
  assertProblem(await server.ask("POST", SEAM, good), 401, /sign in as admin/);
  for (const body of [{ ...good, confidence: 0.1 }, { deltaMs: 1 }, { nudgeMs: 1e6 }, {}]) {
    assertProblem(await change(SEAM, body), 400);
  }
  assertProblem(await change(SEAM, { ...good, deltaMs: 11_000 }), 400, /outside of the part/);
  assertProblem(await change("/api/chains/c1/seams/2", good), 404, /no such seam/);
  assertProblem(await change("/api/chains/none/seams/0", good), 404);
  assertProblem(await change("/api/chains/c2/seams/0", good), 409, /stop it first/);
  const film = filmIn(await server.ask("GET", "/api/chains/c1"));
  assert.equal(film.seams[0]?.source, "platform");
});
