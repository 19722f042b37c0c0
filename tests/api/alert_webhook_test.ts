import assert from "node:assert/strict";
import { createTellAlert } from "../../lib/alert_webhook.ts";
import type { ToldAlert } from "../../lib/handover/mod.ts";
import { enterCall, openServer } from "./server.ts";

const ALERT: ToldAlert = {
  id: "chain-1",
  chainId: "chain",
  kind: "uncovered",
  fromMs: Date.UTC(2026, 2, 1, 10),
  toMs: null,
  text: "Nothing is being recorded",
  room: "main",
  recording: "Weekly",
};

/** Serves a webhook that answers with `answer`. */
function openHook(answer: (request: Request) => Response | Promise<Response>) {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, answer);
  return {
    url: `http://127.0.0.1:${server.addr.port}/hook?token=hush-hush`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("an alert is posted as the documented JSON", async () => {
  const heard: unknown[] = [];
  await using hook = openHook(async (request) => {
    heard.push([request.method, request.headers.get("content-type"), await request.json()]);
    return new Response(null, { status: 204 });
  });
  await createTellAlert(hook.url)(ALERT, 1);
  await createTellAlert(hook.url)({ ...ALERT, toMs: ALERT.fromMs + 1500 }, 2);
  const body = {
    id: "chain-1",
    kind: "uncovered",
    text: "Nothing is being recorded",
    room: "main",
    chainId: "chain",
    recording: "Weekly",
    from: "2026-03-01T10:00:00.000Z",
    to: null,
  };
  assert.deepEqual(heard, [
    ["POST", "application/json", body],
    ["POST", "application/json", { ...body, to: "2026-03-01T10:00:01.500Z" }],
  ]);
});

Deno.test("without a webhook an alert is in the log alone", async () => {
  await createTellAlert(null)(ALERT, 1);
});

const failures: [string, (request: Request) => Response | Promise<Response>, RegExp][] = [
  ["refuses", () => new Response("no", { status: 500 }), /^Post to ALERT_WEBHOOK_URL: .* 500$/],
  [
    "leads elsewhere",
    (request) => Response.redirect(new URL("/elsewhere", request.url), 307),
    /^Post to ALERT_WEBHOOK_URL: it answered 307$/,
  ],
];
for (const [what, answer, message] of failures) {
  Deno.test(`a webhook that ${what} has not been told`, async () => {
    await using hook = openHook(answer);
    await assert.rejects(createTellAlert(hook.url)(ALERT, 2), (error: Error) => {
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /hush-hush/);
      return true;
    });
  });
}

Deno.test("a webhook that does not answer is given up in time, and its address is not told", async () => {
  const release = Promise.withResolvers<Response>();
  await using hook = openHook(() => release.promise);
  await assert.rejects(createTellAlert(hook.url, 50)(ALERT, 2), /no answer within 50 ms$/);
  release.resolve(new Response());
  const gone = "http://127.0.0.1:9/hook?token=hush-hush";
  await assert.rejects(
    createTellAlert(gone)(ALERT, 2),
    /^Error: Post to ALERT_WEBHOOK_URL: it cannot be reached$/,
  );
});

Deno.test("an archive that is stopped behind the app's back is told to ALERT_WEBHOOK_URL, once", async () => {
  const heard = Promise.withResolvers<{ kind: string; recording: string; text: string }>();
  let times = 0;
  await using hook = openHook(async (request) => {
    times++;
    heard.resolve(await request.json());
    return new Response();
  });
  await using server = await openServer({ ALERT_WEBHOOK_URL: hook.url });
  await using _ada = await enterCall(server);
  const view = await server.command("start", { name: "Weekly" });
  const { platform, chains } = server.services;
  await platform.stopArchive(view.parts[0]?.archiveId ?? "");
  await server.ask("POST", "/api/rooms/main/hint");
  const { kind, recording, text } = await heard.promise;
  assert.deepEqual([kind, recording], ["uncovered", "Weekly"]);
  assert.match(text, /The archive ended by itself/);
  assert.equal((await server.command("stop")).chain, null);
  await chains.sweep();
  assert.equal(times, 1);
});
