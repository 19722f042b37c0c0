import assert from "node:assert/strict";
import { clockText, drawLanes, overlapsMs, stepWords } from "../../lib/call/lanes_picture.ts";
import { isRecording } from "../../lib/call/recording_light.ts";
import { isSecondaryWanted, recheckInMs } from "../../lib/call/wanted.ts";
import { partSchema } from "../../lib/recording/model.ts";
import { type RoomView, roomViewSchema, stepSchema } from "../../lib/recording/views.ts";

function viewOf(parts: [number, number | null][]): RoomView {
  return roomViewSchema.parse({
    room: "main",
    nowMs: 100_000,
    secondaryWanted: false,
    chain: {
      id: "c",
      room: "main",
      name: "Hearing",
      options: {},
      strategy: "dual-session",
      state: "recording",
      createdAtMs: 0,
    },
    parts: parts.map(([startedAtMs, endedAtMs], seq) =>
      partSchema.parse({
        chainId: "c",
        seq,
        archiveId: `a${seq}`,
        sessionId: "s",
        lane: seq % 2 === 0 ? "primary" : "secondary",
        status: endedAtMs === null ? "started" : "stopped",
        startedAtMs,
        startSource: "platform",
        startUncertaintyMs: 1000,
        endedAtMs,
      })
    ),
    procedure: null,
    nextHandoverAtMs: null,
    alerts: [],
    notice: null,
  });
}

Deno.test("the recording light is on when the room's state or an event says that an archive runs", () => {
  assert.equal(isRecording(new Map(), null), false);
  assert.equal(isRecording(new Map(), viewOf([[0, null]])), true);
  assert.equal(isRecording(new Map([["x", "started"]]), null), true);
});

Deno.test("the recording light goes off at the event, before the room's state has caught up", () => {
  assert.equal(isRecording(new Map([["a0", "stopped"]]), viewOf([[0, null]])), false);
});

Deno.test("the recording light goes off by the room's state when the event was lost", () => {
  assert.equal(isRecording(new Map([["a0", "started"]]), viewOf([[0, 50_000]])), false);
});

Deno.test("the recording light stays on from archive to archive", () => {
  const events = new Map([["a0", "stopped"], ["a1", "started"]] as const);
  assert.equal(isRecording(events, viewOf([[0, 50_000], [40_000, null]])), true);
});

Deno.test("a signal to go, which may be late, does not beat a view that wants everybody", () => {
  const latest = { wanted: false, atMs: 1_000 };
  assert.equal(isSecondaryWanted(true, latest, 1_000), true);
  assert.equal(isSecondaryWanted(false, latest, 1_000), false);
  assert.equal(isSecondaryWanted(null, latest, 1_000), false);
});

Deno.test("a signal to come beats a view for a moment, then the view is right", () => {
  const latest = { wanted: true, atMs: 1_000 };
  assert.equal(isSecondaryWanted(false, latest, 2_000), true);
  assert.equal(isSecondaryWanted(false, latest, 60_000), false);
  assert.equal(isSecondaryWanted(null, latest, 60_000), true);
  assert.equal(isSecondaryWanted(true, null, 0), true);
  assert.equal(isSecondaryWanted(null, null, 0), false);
  assert.equal(recheckInMs(latest, 2_000), 4_000);
  assert.equal(recheckInMs(latest, 60_000), null);
});

Deno.test("the picture places parts, overlaps and gaps between the left edge and now", () => {
  const view = viewOf([[70_000, 85_000], [80_000, null]]);
  const picture = drawLanes(view, 100_000);
  assert.equal(picture.spanMs, 60_000);
  assert.deepEqual(picture.bars.map(({ lane, running }) => [lane, running]), [
    ["primary", false],
    ["secondary", true],
  ]);
  assert.equal(picture.bars[1]?.to, 1);
  const [overlap] = picture.overlaps;
  assert.ok(overlap && Math.abs((overlap.to - overlap.from) * 60_000 - 5_000) < 1);
  assert.deepEqual(picture.gaps, []);
  assert.deepEqual(overlapsMs(view.parts), [5_000]);
  assert.deepEqual(overlapsMs(viewOf([[0, null], [10, null]]).parts), [], "not over yet");
});

Deno.test("the picture of a long recording leaves out what is older than its span", () => {
  const picture = drawLanes(viewOf([[0, 1_000], [500, 4_000_000]]), 4_000_000);
  assert.equal(picture.spanMs, 600_000);
  assert.equal(picture.bars.length, 1);
  assert.deepEqual(picture.overlaps, []);
});

Deno.test("every step of a procedure has its words", () => {
  for (const step of stepSchema.options) assert.match(stepWords[step], /^[A-Z]/);
});

Deno.test("clockText() writes hours only when there are any", () => {
  assert.deepEqual([-5, 7_000, 754_000, 3_723_000].map(clockText), [
    "0:00",
    "0:07",
    "12:34",
    "1:02:03",
  ]);
});
