import assert from "node:assert/strict";
import { joinsOf, needsComparing, nudged, requestOf } from "../../lib/player/seams.ts";
import { filmOf } from "../../lib/recording/film.ts";
import { chainSchema, type Part, partSchema } from "../../lib/recording/model.ts";

const CHAIN = chainSchema.parse({
  id: "c",
  room: "main",
  name: "Film",
  options: {},
  strategy: "dual-session",
  state: "stopped",
  createdAtMs: 0,
});

function filmWith(later: Partial<Part>, state = CHAIN.state) {
  const parts = [0, 9_000].map((startedAtMs, seq) =>
    partSchema.parse({
      chainId: "c",
      seq,
      archiveId: `a${seq}`,
      sessionId: "s",
      lane: "primary",
      status: "available",
      startedAtMs,
      startSource: "platform",
      startUncertaintyMs: 1_000,
      endedAtMs: startedAtMs + 10_000,
      durationMs: 10_000,
      ...(seq === 1 ? later : {}),
    })
  );
  return filmOf({ ...CHAIN, state }, parts, { nowMs: 20_000 });
}

Deno.test("seams are compared by themselves where clocks are coarse and both files are there", () => {
  const needs = (later: Partial<Part>, state = CHAIN.state) => {
    const film = filmWith(later, state);
    return joinsOf(film).map((join) => needsComparing(film, join));
  };
  const contentStart = { afterSeq: 0, deltaMs: 8_500, uncertaintyMs: 10, confidence: 0.9 };
  assert.deepEqual(needs({}), [true]);
  assert.deepEqual(needs({ contentStart }), [false]);
  assert.deepEqual(needs({ status: "stopped" }), [false]);
  assert.deepEqual(needs({}, "stopping"), [false]);
});

Deno.test("a nudge does not change what a comparison expects", () => {
  const [join] = joinsOf(filmWith({ nudgeMs: 250 }));
  assert.ok(join);
  assert.equal(join.later.placeSeconds, 9.25);
  const request = requestOf(join);
  assert.equal(request.deltaSeconds, 9);
  assert.equal(request.toleranceSeconds, 3.5);
});

Deno.test("a nudge goes in steps of 10 ms and has an end", () => {
  const [join] = joinsOf(filmWith({ nudgeMs: 9_990 }));
  assert.ok(join);
  assert.equal(nudged(join.seam, -1), 9_980);
  assert.equal(nudged(join.seam, 1), 10_000);
  assert.equal(nudged(join.seam, 2), null);
});
