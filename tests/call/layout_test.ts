import assert from "node:assert/strict";
import fc from "fast-check";
import { bestGrid } from "../../lib/call/layout.ts";

Deno.test("bestGrid() puts two people side by side on a wide screen and one above the other on a phone", () => {
  const wide = bestGrid(2, 1000, 500);
  assert.deepEqual([wide.columns, wide.rows], [2, 1]);
  const phone = bestGrid(2, 360, 480);
  assert.deepEqual([phone.columns, phone.rows], [1, 2]);
});

Deno.test("bestGrid() makes squares of four and of nine rather than cut everybody's sides off", () => {
  for (const [people, side, width, height] of [[4, 2, 1118, 464], [9, 3, 900, 700]] as const) {
    const grid = bestGrid(people, width, height);
    assert.deepEqual([grid.columns, grid.rows], [side, side]);
  }
});

Deno.test("bestGrid() gives one person all the room that 16:9 allows", () => {
  const grid = bestGrid(1, 1600, 900);
  assert.deepEqual(grid, { columns: 1, rows: 1, tileWidth: 1600, tileHeight: 900 });
});

Deno.test("bestGrid() always has a place for everybody, inside the space, in a bearable shape", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 50 }),
    fc.integer({ min: 300, max: 3000 }),
    fc.integer({ min: 300, max: 2000 }),
    (people, width, height) => {
      const gap = 8;
      const grid = bestGrid(people, width, height, gap);
      assert.ok(grid.columns * grid.rows >= people);
      assert.ok(grid.columns * (grid.rows - 1) < people, "no empty row");
      if (grid.tileWidth === 0) return;
      assert.ok(grid.columns * grid.tileWidth + gap * (grid.columns - 1) <= width);
      assert.ok(grid.rows * grid.tileHeight + gap * (grid.rows - 1) <= height);
      // Whole pixels may take the shape a little past its limits.
      assert.ok(grid.tileWidth <= (grid.tileHeight + 1) * 16 / 9);
      assert.ok(grid.tileHeight <= (grid.tileWidth + 1) * 4 / 3);
    },
  ));
});

Deno.test("bestGrid() bears sizes that no tile fits in", () => {
  for (const [width, height] of [[0, 0], [10, 0], [-5, 20], [NaN, 100]] as const) {
    const grid = bestGrid(3, width, height);
    assert.equal(grid.tileWidth, 0);
  }
});
