/**
 * The recorder's worker on sources that lose nothing: whatever it is given is in its files. A server of
 * the test's own speaks to it, a camera or a network is not involved.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  COMPOSED_FILE,
  type FromRecorder,
  fromRecorderSchema,
  type ToRecorder,
  uploadPath,
} from "../../lib/emulator/protocol.ts";
import { joinUploads } from "../../lib/emulator/server/remux.ts";
import { bundleModules } from "../support/bundle.ts";
import { launchChromium } from "../support/chromium.ts";
import { decodeFiles, missingNumbers } from "../support/decode.ts";
import type { MediaReport } from "../support/in_page.ts";
import { letRun } from "../support/people.ts";
import type { Participant } from "./synthetic_in_page.ts";

const PEOPLE: Participant[] = [
  { streamId: "ada", colour: "magenta", band: "low" },
  { streamId: "bo", colour: "green", band: "high" },
];
const COLOURS = PEOPLE.map(({ colour }) => colour);
const BANDS = PEOPLE.map(({ band }) => band);

/** What a recording has told, and what is in its file. */
interface Recorded {
  startedAtMs: number;
  losses: { framesNotDelivered: number; framesDropped: number };
  report: MediaReport;
}

/** Serves a page with a recorder, and is its server. */
async function openServer() {
  const files = await bundleModules({
    "page": "tests/emulator/synthetic_in_page.ts",
    "workers/recorder": "lib/emulator/recorder/recorder.worker.ts",
  });
  const uploads = new Map<string, Uint8Array<ArrayBuffer>[]>();
  const told: FromRecorder[] = [];
  const { promise: connected, resolve: connect } = Promise.withResolvers<WebSocket>();
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/emulator/recorder") {
        const { socket, response } = Deno.upgradeWebSocket(request);
        socket.onopen = () => connect(socket);
        socket.onmessage = ({ data }) => told.push(fromRecorderSchema.parse(JSON.parse(data)));
        return response;
      }
      if (request.method === "PATCH") {
        const stored = uploads.get(pathname) ?? [];
        stored.push(await request.bytes());
        uploads.set(pathname, stored);
        const offset = stored.reduce((sum, { length }) => sum + length, 0);
        return new Response(null, { status: 204, headers: { "upload-offset": String(offset) } });
      }
      const script = files.get(pathname);
      return script === undefined
        ? new Response('<!doctype html><script type="module" src="/page.js"></script>', {
          headers: { "content-type": "text/html" },
        })
        : new Response(script, { headers: { "content-type": "text/javascript" } });
    },
  );
  return {
    origin: `http://127.0.0.1:${server.addr.port}`,
    async send(message: ToRecorder) {
      (await connected).send(JSON.stringify(message));
    },
    /** What the recorder says of an archive, as soon as it does. */
    async hears<Type extends "started" | "finished">(type: Type, archiveId: string) {
      for (;;) {
        const found = told.find((message): message is Extract<FromRecorder, { type: Type }> =>
          message.type === type && "archiveId" in message && message.archiveId === archiveId
        );
        if (found) return found;
        const failed = told.find((message) => message.type === "failed");
        assert.equal(failed, undefined);
        await letRun(0.02);
      }
    },
    /** What was uploaded of an archive. */
    bytes: (archiveId: string) =>
      new Blob(uploads.get(uploadPath(archiveId, 0, COMPOSED_FILE)) ?? []).bytes(),
    async [Symbol.asyncDispose]() {
      (await connected).close();
      await server.shutdown();
    },
  };
}

Deno.test("the recorder loses no frame and no sample of what it is given, over two overlapping archives", async (t) => {
  const folder = await Deno.makeTempDir();
  await using browser = await launchChromium();
  await using server = await openServer();
  const page = await browser.newPage();
  await page.goto(server.origin);
  await page.waitForFunction(() => "startRecorder" in globalThis);
  await page.evaluate((people) => startRecorder(people), PEOPLE);

  const record = (archiveId: string) =>
    server.send({
      type: "record",
      request: {
        ...{ archiveId, segment: 0, outputMode: "composed", hasAudio: true, hasVideo: true },
        ...{ width: 640, height: 480, codecs: null, uploadToken: "token" },
      },
      streams: PEOPLE.map(({ streamId }) => ({
        ...{ streamId, name: streamId, hasAudio: true, hasVideo: true, mediaStreamIds: [streamId] },
      })),
    });
  const archives = ["first", "second"];
  await record("first");
  await server.hears("started", "first");
  await letRun(2);
  await record("second");
  await server.hears("started", "second");
  await letRun(2);
  await server.send({ type: "stop", archiveId: "first" });
  await letRun(1);
  await server.send({ type: "stop", archiveId: "second" });

  const recorded: Recorded[] = [];
  for (const archiveId of archives) {
    const { losses } = await server.hears("finished", archiveId);
    const { startedAtMs, codecs } = await server.hears("started", archiveId);
    const path = join(folder, `${archiveId}.packets`);
    await Deno.writeFile(path, await server.bytes(archiveId));
    const file = join(folder, archiveId);
    await joinUploads([{ path, offsetSeconds: 0 }], file, { codecs, describe: () => "" });
    const [report] = await decodeFiles(browser, [file], { colours: COLOURS, bands: BANDS });
    recorded.push({ startedAtMs, losses, report: report ?? assert.fail() });
  }
  await Deno.remove(folder, { recursive: true });

  for (const [i, { report, losses }] of recorded.entries()) {
    await t.step(`every frame of both cameras is in the ${archives[i]} file`, () => {
      assert.deepEqual(losses, { framesNotDelivered: 0, framesDropped: 0 });
      for (const colour of COLOURS) {
        const numbers = report.frames.map(({ numbers }) => numbers[colour] ?? assert.fail(colour));
        assert.ok(numbers.length > 60, `${numbers.length} frames`);
        assert.deepEqual(missingNumbers([numbers]), []);
        assert.deepEqual(numbers, numbers.toSorted((a, b) => a - b));
      }
    });
    await t.step(`both voices are whole in the ${archives[i]} file`, () => {
      for (const band of BANDS) {
        const { holes, maxJumpMs, matched } = report.tones[band] ?? assert.fail(band);
        assert.deepEqual({ band, holes, maxJumpMs }, { band, holes: [], maxJumpMs: 0 });
        assert.ok(matched > 0.9, `${matched} of the ${band} audio is right`);
      }
    });
  }
  await t.step("both files place each frame at the same time", () => {
    for (const colour of COLOURS) {
      const [first, second] = recorded.map(({ report, startedAtMs }) =>
        new Map(
          report.frames.slice(1).map(({ seconds, numbers }) =>
            [numbers[colour], seconds * 1000 + startedAtMs] as const
          ),
        )
      );
      const differences = [...first ?? []].flatMap(([number, atMs]) => {
        const otherMs = second?.get(number);
        return otherMs === undefined ? [] : [Math.abs(otherMs - atMs)];
      });
      assert.ok(differences.length > 30, `only ${differences.length} ${colour} frames overlap`);
      // A file's times are whole milliseconds.
      assert.ok(Math.max(...differences) <= 1, `${Math.max(...differences)} ms`);
    }
  });
});
