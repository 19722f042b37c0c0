import assert from "node:assert/strict";
import { unwrapNumbers } from "../support/decode.ts";
import { letRun } from "../support/people.ts";
import { both, openCall } from "./recording_call.ts";

Deno.test("a recorder gets a feed of what others publish, and media from a browser without one", async () => {
  for (const canFeed of [true, false]) {
    await using room = await openCall({});
    await room.bob.evaluate((canFeed) => {
      const { prototype } = RTCPeerConnection;
      const create = prototype.createDataChannel;
      prototype.createDataChannel = function (label, options) {
        document.title = `opened ${label}`;
        return create.call(this, label, options);
      };
      if (!canFeed) Reflect.deleteProperty(globalThis, "MediaStreamTrackProcessor");
    }, canFeed);
    const archive = await room.site.platform.startArchive(room.primary, { name: "two", ...both });
    await letRun(3);
    await room.site.platform.stopArchive(archive.id);
    assert.equal(await room.bob.title() === "opened feed", canFeed);
    const [report] = await room.reports([await room.site.download(archive)]);
    for (const colour of ["magenta", "green"] as const) {
      const { length } = unwrapNumbers(report?.frames ?? [], colour);
      assert(length > 40, `${length} ${colour} frames`);
    }
  }
});

Deno.test("a recording of sound alone and one of the picture alone hold just that", async () => {
  await using room = await openCall({ alone: true });
  const { platform } = room.site;
  const sound = await platform.startArchive(room.primary, { name: "s", ...both, hasVideo: false });
  await letRun(3);
  await platform.stopArchive(sound.id);
  const film = await platform.startArchive(room.primary, { name: "f", ...both, hasAudio: false });
  await letRun(3);
  await platform.stopArchive(film.id);
  const [heard, seen] = await room.reports([
    await room.site.download(sound),
    await room.site.download(film),
  ]);
  assert.equal(heard?.frames.length, 0);
  assert((heard?.soundSeconds ?? 0) > 2.5);
  assert(typeof heard?.tones.low?.startSeconds === "number");
  assert.equal(seen?.soundSeconds, 0);
  assert((seen?.frames.length ?? 0) > 30);
});

Deno.test("a camera that is off is a tile with the name, and its microphone goes on", async () => {
  await using room = await openCall({ alone: true });
  const { platform } = room.site;
  const archive = await platform.startArchive(room.primary, { name: "off", ...both });
  await letRun(2);
  await room.ada.evaluate(() => call.publishVideo(false));
  await letRun(3);
  await room.ada.evaluate(() => call.publishVideo(true));
  await letRun(2);
  await platform.stopArchive(archive.id);
  const [report] = await room.reports([await room.site.download(archive)]);
  const dark = report?.frames.filter(({ numbers }) => numbers.magenta === null) ?? [];
  const lit = report?.frames.filter(({ numbers }) => typeof numbers.magenta === "number") ?? [];
  assert(dark.length > 10, "ticks went on without a camera");
  assert((lit.at(-1)?.seconds ?? 0) > (dark.at(-1)?.seconds ?? Infinity), "the camera came back");
  assert((report?.soundSeconds ?? 0) > 6.5);
});

Deno.test("a page that leaves uploads what it recorded before it goes", async () => {
  await using room = await openCall({});
  const { platform } = room.site;
  const archive = await platform.startArchive(room.primary, { name: "left", ...both });
  await letRun(4);
  await room.ada.evaluate(() => call.disconnect("primary"));
  const [report] = await room.reports([await room.site.download(archive)]);
  assert((report?.durationSeconds ?? 0) > 3.5, `only ${report?.durationSeconds} s were kept`);
});
