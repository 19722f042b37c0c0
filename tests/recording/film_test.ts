import assert from "node:assert/strict";
import {
  continuityOf,
  doubledMs,
  holesBetween,
  keptContinuity,
  updatedGaps,
} from "../../lib/recording/coverage.ts";
import { filmOf } from "../../lib/recording/film.ts";
import type { Chain } from "../../lib/recording/model.ts";
import { filmSchema } from "../../lib/recording/views.ts";
import { OPTIONS, partOf } from "./support.ts";

const CHAIN: Chain = {
  id: "chain",
  room: "main",
  name: "Weekly",
  options: OPTIONS,
  strategy: "dual-session",
  state: "stopped",
  createdAtMs: 900,
  stoppedAtMs: 70_000,
  gaps: [],
};
const NOW = { nowMs: 100_000 };

Deno.test("filmOf() lays parts where they were recorded and tells each seam", () => {
  const parts = [partOf(0, 1_000, 31_000), partOf(1, 29_000, 41_500), partOf(2, 38_000, 68_000)];
  const film = filmSchema.parse(filmOf(CHAIN, parts, NOW));
  assert.deepEqual(film.parts.map((p) => [p.seq, p.placeSeconds, p.durationSeconds]), [
    [0, 0, 30],
    [1, 28, 12.5],
    [2, 37, 30],
  ]);
  assert.deepEqual(film.seams.map((s) => [s.afterSeq, s.overlapMs, s.offsetMs, s.source]), [
    [0, 2_000, 2_000, "file"],
    [1, 3_500, 3_500, "file"],
  ]);
  assert.equal(film.epochMs, 1_000);
  assert.equal(film.durationSeconds, 67);
  assert.equal(film.continuity, 1);
  assert.equal(film.overlapSeconds, 5.5);
  assert.deepEqual(film.gaps, []);
  assert.equal(film.parts[1]?.mediaUrl, "/api/archives/a1/media");
});

Deno.test("filmOf() adds the player's offset and an admin's nudge to the seam and to all after it", () => {
  const parts = [
    partOf(0, 0, 10_000),
    partOf(1, 8_000, 20_000),
    partOf(2, 18_000, 30_000, { nudgeMs: 100 }),
  ];
  const playerOffsets = { primarySeconds: 0.5, secondarySeconds: 0.25 };
  const film = filmOf(CHAIN, parts, { ...NOW, playerOffsets });
  assert.deepEqual(film.seams.map((s) => s.offsetMs), [2_250, 2_400]);
  assert.deepEqual(film.parts.map((p) => p.placeSeconds), [0, 7.75, 17.35]);
});

Deno.test("filmOf() tells the gaps with their cause and counts them against continuity", () => {
  const cause = "The archive ended by itself (failure)";
  const gaps = [{ fromMs: 11_000, toMs: 14_000, cause }];
  const parts = [partOf(0, 1_000, 11_000), partOf(1, 13_000, 21_000)];
  const film = filmOf({ ...CHAIN, gaps }, parts, NOW);
  assert.deepEqual(film.gaps, [{ fromSeconds: 10, toSeconds: 12, cause }]);
  assert.equal(film.seams[0]?.overlapMs, -2_000);
  assert.equal(film.continuity, 0.9);
});

Deno.test("filmOf() leaves out a part that another covers wholly, unless that one cannot be played", () => {
  const outer = partOf(0, 0, 60_000);
  const inner = partOf(1, 20_000, 30_000);
  const seqs = (parts: Parameters<typeof filmOf>[1]) =>
    filmOf(CHAIN, parts, NOW).parts.map((p) => p.seq);
  assert.deepEqual(seqs([outer, inner, partOf(2, 58_000, 90_000)]), [0, 2]);
  assert.deepEqual(seqs([{ ...outer, status: "deleted" }, inner]), [0, 1]);
  assert.deepEqual(seqs([outer, partOf(1, 0, 60_000)]), [0, 1]);
});

Deno.test("a gap inside a part's file is a gap of the film, and of the chain with its cause", () => {
  const part = partOf(0, 1_000, 21_000, { gaps: [{ fromMs: 9_000, toMs: 11_000 }] });
  const [gap] = updatedGaps([], [part], 21_000);
  assert.deepEqual([gap?.fromMs, gap?.toMs], [9_000, 11_000]);
  assert.match(gap?.cause ?? "", /until another page took over/);
  const film = filmOf({ ...CHAIN, gaps: gap ? [gap] : [] }, [part], NOW);
  assert.deepEqual(film.gaps, [{ fromSeconds: 8, toSeconds: 10, cause: gap?.cause }]);
  assert.equal(film.continuity, 0.9);
});

Deno.test("filmOf() does not take a part for covered because times are in whole seconds", () => {
  const coarse = { startSource: "platform" as const, startUncertaintyMs: 1_000 };
  const parts = [
    partOf(0, 0, 20_000, coarse),
    partOf(1, 16_000, 20_000, coarse),
    partOf(2, 18_000, 40_000, coarse),
  ];
  assert.deepEqual(filmOf(CHAIN, parts, NOW).parts.map((p) => p.seq), [0, 1, 2]);
});

Deno.test("filmOf() of a chain without parts is empty, of a running one reaches until now", () => {
  assert.equal(filmOf(CHAIN, [], NOW).durationSeconds, 0);
  const running: Chain = { ...CHAIN, state: "recording", stoppedAtMs: null };
  const film = filmOf(running, [partOf(0, 40_000, null)], NOW);
  assert.equal(film.durationSeconds, 60);
  assert.equal(film.parts[0]?.durationSeconds, null);
});

Deno.test("holesBetween() finds every hole, in any order of parts, and an open one", () => {
  const spans = [
    { fromMs: 20, toMs: 30 },
    { fromMs: 0, toMs: 10 },
    { fromMs: 5, toMs: 12 },
  ];
  assert.deepEqual(holesBetween(spans, 30), [{ fromMs: 12, toMs: 20 }]);
  assert.deepEqual(holesBetween(spans, null).at(-1), { fromMs: 30, toMs: null });
  assert.deepEqual(holesBetween([], null), []);
});

Deno.test("updatedGaps() keeps causes and older gaps, and takes rounding before Stop for none", () => {
  const old = { fromMs: 100, toMs: 200, cause: "old" };
  const known = { fromMs: 12_000, toMs: null, cause: "Nobody was publishing in the call" };
  const parts = [partOf(3, 1_000, 12_000), partOf(4, 15_000, null)];
  assert.deepEqual(updatedGaps([old, known], parts, null), [old, { ...known, toMs: 15_000 }]);
  const coarse = partOf(0, 0, 9_000, { startUncertaintyMs: 1_000 });
  assert.deepEqual(updatedGaps([], [coarse], 10_500), []);
  assert.equal(updatedGaps([], [coarse], 15_000).length, 1);
});

Deno.test("continuityOf() is covered time over recorded time", () => {
  const gaps = [{ fromMs: 10, toMs: 20, cause: "" }, { fromMs: 90, toMs: null, cause: "" }];
  assert.equal(continuityOf(0, 100, gaps), 0.8);
  assert.equal(continuityOf(5, 5, gaps), 1);
});

Deno.test("keptContinuity() counts from the first archive to the moment Stop was pressed", () => {
  const gaps = [{ fromMs: 20_000, toMs: 22_000, cause: "x" }];
  const chain = { ...CHAIN, gaps, createdAtMs: 0, stopRequestedAtMs: 41_000 };
  assert.equal(keptContinuity(chain, [partOf(0, 1_000, 20_000)]), 0.95);
  assert.equal(keptContinuity(chain, [partOf(7, 30_000, 41_000)]), 1 - 2 / 41);
});

Deno.test("doubledMs() counts what more than one archive recorded, once for each that was too many", () => {
  const span = (fromMs: number, toMs: number | null) => ({ fromMs, toMs });
  assert.equal(doubledMs([], 0), 0);
  assert.equal(doubledMs([span(8, 20), span(0, 10)], 99), 2);
  assert.equal(doubledMs([span(0, 30), span(5, 10), span(6, 9)], 99), 8);
  assert.equal(doubledMs([span(0, null), span(5, null)], 12), 7, "both still run");
});
