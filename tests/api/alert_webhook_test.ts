import assert from "node:assert/strict";
import { createTellAlert } from "../../lib/alert_webhook.ts";
import type { ToldAlert } from "../../lib/handover/mod.ts";
import { enterCall, withServer } from "./server.ts";

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

/** A webhook that answers with `answer`. */
async function withHook(
  answer: (request: Request) => Response | Promise<Response>,
  test: (url: string) => Promise<void>,
): Promise<void> {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, answer);
  try {
    await test(`http://127.0.0.1:${server.addr.port}/hook?token=hush-hush`);
  } finally {
    await server.shutdown();
  }
}

Deno.test("an alert is posted as the documented JSON", async () => {
  const heard: unknown[] = [];
  await withHook(async (request) => {
    heard.push([request.method, request.headers.get("content-type"), await request.json()]);
    return new Response(null, { status: 204 });
  }, async (url) => {
    await createTellAlert(url)(ALERT, 1);
    await createTellAlert(url)({ ...ALERT, toMs: ALERT.fromMs + 1500 }, 2);
  });
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
for (const [what, answer, words] of failures) {
  Deno.test(`a webhook that ${what} has not been told`, () =>
    withHook(answer, async (url) => {
      await assert.rejects(createTellAlert(url)(ALERT, 2), (error: Error) => {
        assert.match(error.message, words);
        assert.doesNotMatch(error.message, /hush-hush/);
        return true;
      });
    }));
}

Deno.test("a webhook that does not answer is given up in time, and its address is not told", async () => {
  const release = Promise.withResolvers<Response>();
  await withHook(() => release.promise, async (url) => {
    await assert.rejects(createTellAlert(url, 50)(ALERT, 2), /no answer within 50 ms$/);
    release.resolve(new Response());
  });
  const gone = "http://127.0.0.1:9/hook?token=hush-hush";
  await assert.rejects(
    createTellAlert(gone)(ALERT, 2),
    /^Error: Post to ALERT_WEBHOOK_URL: it cannot be reached$/,
  );
});

Deno.test("an archive that is stopped behind the app's back is told to ALERT_WEBHOOK_URL, once", async () => {
  const heard = Promise.withResolvers<{ kind: string; recording: string; text: string }>();
  let times = 0;
  const hook = async (request: Request) => {
    times++;
    heard.resolve(await request.json());
    return new Response();
  };
  await withHook(hook, (url) =>
    withServer(async (server) => {
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
    }, { ALERT_WEBHOOK_URL: url }));
});
