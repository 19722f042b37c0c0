import assert from "node:assert/strict";
import fc from "fast-check";
import { layout } from "../../lib/emulator/recorder/compositor.ts";

const CAMERA = { width: 640, height: 480 };

Deno.test("layout() fills the frame with a single stream of the same shape", () => {
  assert.deepEqual(layout([CAMERA], { width: 640, height: 480 }), [
    { x: 0, y: 0, width: 640, height: 480 },
  ]);
});

Deno.test("layout() puts two cameras side by side in a wide frame", () => {
  assert.deepEqual(layout([CAMERA, CAMERA], { width: 1280, height: 720 }), [
    { x: 0, y: 120, width: 640, height: 480 },
    { x: 640, y: 120, width: 640, height: 480 },
  ]);
});

Deno.test("layout() prefers columns where rows are as good", () => {
  assert.deepEqual(layout([CAMERA, CAMERA], { width: 640, height: 480 }), [
    { x: 0, y: 120, width: 320, height: 240 },
    { x: 320, y: 120, width: 320, height: 240 },
  ]);
});

Deno.test("layout() puts two cameras above each other in a tall frame", () => {
  assert.deepEqual(layout([CAMERA, CAMERA], { width: 720, height: 1280 }), [
    { x: 0, y: 50, width: 720, height: 540 },
    { x: 0, y: 690, width: 720, height: 540 },
  ]);
});

Deno.test("layout() centres the tiles of an incomplete last row", () => {
  const [, , third] = layout([CAMERA, CAMERA, CAMERA], { width: 640, height: 480 });
  assert.deepEqual(third, { x: 160, y: 240, width: 320, height: 240 });
});

Deno.test("layout() keeps every stream inside the frame, even, uncut and apart from the others", () => {
  const size = fc.record({
    width: fc.integer({ min: 16, max: 1920 }),
    height: fc.integer({ min: 16, max: 1080 }),
  });
  const frame = fc.constantFrom({ width: 640, height: 480 }, { width: 720, height: 1280 });
  fc.assert(fc.property(fc.array(size, { maxLength: 16 }), frame, (streams, frame) => {
    const rects = layout(streams, frame);
    assert.equal(rects.length, streams.length);
    for (const [i, { x, y, width, height }] of rects.entries()) {
      for (const value of [x, y, width, height]) assert(value >= 0 && value % 2 === 0);
      assert(x + width <= frame.width && y + height <= frame.height);
      for (const other of rects.slice(i + 1)) {
        const isApart = other.x >= x + width || x >= other.x + other.width ||
          other.y >= y + height || y >= other.y + other.height;
        assert(isApart, `${i} overlaps another stream`);
      }
    }
  }));
});
