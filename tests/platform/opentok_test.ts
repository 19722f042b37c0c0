import assert from "node:assert/strict";
import { createOpenTokPlatform } from "../../lib/platform/opentok.ts";
import {
  type Platform,
  PlatformError,
  type PlatformErrorKind,
} from "../../lib/platform/platform.ts";

const ARCHIVE = {
  id: "a1",
  sessionId: "s1",
  name: "Hearing",
  status: "started",
  createdAt: 1_700_000_000_000,
  duration: 0,
  size: 0,
  hasAudio: true,
  hasVideo: true,
  outputMode: "composed",
  resolution: "640x480",
  url: null,
};

const START = { name: "x", hasAudio: true, hasVideo: true, outputMode: "composed" } as const;

/** What a good platform answers, by method and path. */
function goodAnswer(request: Request): unknown {
  const { pathname } = new URL(request.url);
  if (pathname.endsWith("/session/create")) return [{ session_id: "s1" }];
  if (pathname.endsWith("/stream")) {
    return { items: [{ id: "st1", name: "Ada", videoType: "camera" }] };
  }
  if (pathname.endsWith("/archive") && request.method === "GET") {
    return { count: 1, items: [ARCHIVE] };
  }
  return ARCHIVE;
}

const operations: Record<string, (platform: Platform) => Promise<unknown>> = {
  createSession: (p) => p.createSession(),
  startArchive: (p) => p.startArchive("s1", START),
  stopArchive: (p) => p.stopArchive("a1"),
  getArchive: (p) => p.getArchive("a1"),
  listArchives: (p) => p.listArchives({ sessionId: "s1" }),
  deleteArchive: (p) => p.deleteArchive("a1"),
  signal: (p) => p.signal("s1", { type: "join", data: "" }),
  listStreams: (p) => p.listStreams("s1"),
};

const status = (code: number) => () => Response.json({ message: "planted" }, { status: code });
const faults: Record<
  string,
  { answer: (r: Request) => Response | Promise<Response>; kind: PlatformErrorKind }
> = {
  "hangs": { answer: () => new Promise<Response>(() => {}), kind: "timeout" },
  "answers malformed JSON": {
    answer: () => new Response("{nope", { headers: { "content-type": "application/json" } }),
    kind: "unexpected",
  },
  "answers 400": { answer: status(400), kind: "unexpected" },
  "answers 401": { answer: status(401), kind: "unauthorized" },
  "answers 403": { answer: status(403), kind: "unauthorized" },
  "answers 404": { answer: status(404), kind: "not-found" },
  "answers 409": { answer: status(409), kind: "conflict" },
  "answers 429": { answer: status(429), kind: "rate-limited" },
  "answers 500": { answer: status(500), kind: "unavailable" },
  "answers 503": { answer: status(503), kind: "unavailable" },
};

/** Long enough for a busy machine. */
const DEADLINE_MS = 5_000;
/** For what only the deadline ends. */
const SHORT_DEADLINE_MS = 150;

async function withPlatform(
  answer: (request: Request) => Response | Promise<Response>,
  run: (platform: Platform, requests: string[]) => Promise<void>,
  deadlineMs = DEADLINE_MS,
) {
  const requests: string[] = [];
  const stop = new AbortController();
  const server = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    signal: stop.signal,
    onListen: () => {},
    onError: () => new Response(null, { status: 500 }),
  }, (request) => {
    requests.push(`${request.method} ${new URL(request.url).pathname}`);
    return answer(request);
  });
  const platform = createOpenTokPlatform({
    apiKey: "123",
    apiSecret: "secret",
    apiUrl: `http://127.0.0.1:${server.addr.port}`,
    deadlineMs,
    sleep: () => Promise.resolve(),
  });
  try {
    await run(platform, requests);
  } finally {
    stop.abort();
    await server.finished;
  }
}

/** A platform that takes every request and cuts the connection in the middle of its answer. */
async function withCuttingPlatform(
  run: (platform: Platform, requests: () => number) => Promise<void>,
) {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  let requests = 0;
  const serving = (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(8192));
      requests++;
      const head =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n[{";
      await connection.write(new TextEncoder().encode(head));
      connection.close();
    }
  })();
  try {
    await run(
      createOpenTokPlatform({
        apiKey: "123",
        apiSecret: "secret",
        apiUrl: `http://127.0.0.1:${listener.addr.port}`,
        deadlineMs: 200,
        sleep: () => Promise.resolve(),
      }),
      () => requests,
    );
  } finally {
    listener.close();
    await serving;
  }
}

async function failure(promise: Promise<unknown>): Promise<PlatformError> {
  const error = await promise.then(() => null, (error) => error);
  assert.ok(error instanceof PlatformError, `expected a PlatformError, got ${error}`);
  return error;
}

const options = { sanitizeOps: false, sanitizeResources: false };

for (const [operation, run] of Object.entries(operations)) {
  Deno.test({
    name: `${operation}() turns every fault of the platform into one typed error`,
    ...options,
    fn: async () => {
      for (const [fault, { answer, kind }] of Object.entries(faults)) {
        await withPlatform(answer, async (platform) => {
          const error = await failure(run(platform));
          assert.equal(error.kind, kind, `${operation} when the platform ${fault}`);
          assert.match(error.message, /^Cannot /);
          assert.ok(error.action.length > 0);
        }, kind === "timeout" ? SHORT_DEADLINE_MS : DEADLINE_MS);
      }
      await withCuttingPlatform(async (platform) => {
        // Whether the runtime notices the cut, or only our deadline does, the outcome is unknown.
        assert.match((await failure(run(platform))).kind, /^(unavailable|timeout)$/);
      });
      const refused = createOpenTokPlatform({
        apiKey: "123",
        apiSecret: "secret",
        apiUrl: "http://127.0.0.1:1",
        sleep: () => Promise.resolve(),
      });
      assert.equal((await failure(run(refused))).kind, "unavailable");
    },
  });

  Deno.test({
    name: `${operation}() succeeds against a platform that answers as documented`,
    ...options,
    fn: () =>
      withPlatform((request) => Response.json(goodAnswer(request)), async (platform, requests) => {
        await run(platform);
        assert.equal(requests.length, 1);
      }),
  });
}

Deno.test({
  name: "a change whose answer was lost is never repeated, a read is",
  ...options,
  fn: async () => {
    await withCuttingPlatform(async (platform, requests) => {
      await failure(platform.startArchive("s1", START));
      assert.equal(requests(), 1);
      await failure(platform.getArchive("a1"));
      assert.equal(requests(), 4);
    });
  },
});

Deno.test({
  name: "a 429 is repeated after the wait the platform asked for, within bounds",
  ...options,
  fn: async () => {
    const waits: number[] = [];
    let calls = 0;
    const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => {
      calls++;
      if (calls === 1) return new Response(null, { status: 429, headers: { "retry-after": "2" } });
      if (calls === 2) return Response.json(ARCHIVE);
      return new Response(null, { status: 429, headers: { "retry-after": "3600" } });
    });
    const platform = createOpenTokPlatform({
      apiKey: "123",
      apiSecret: "secret",
      apiUrl: `http://127.0.0.1:${server.addr.port}`,
      sleep: (ms) => (waits.push(ms), Promise.resolve()),
    });
    assert.equal((await platform.stopArchive("a1")).id, "a1");
    assert.deepEqual(waits, [2000]);
    assert.equal((await failure(platform.stopArchive("a1"))).kind, "rate-limited");
    assert.equal(calls, 3);
    await server.shutdown();
  },
});

Deno.test({
  name: "an archive is read whole, and an unknown shape is an error, not a guess",
  ...options,
  fn: async () => {
    await withPlatform(() => Response.json(ARCHIVE), async (platform) => {
      assert.deepEqual(await platform.getArchive("a1"), {
        id: "a1",
        sessionId: "s1",
        name: "Hearing",
        status: "started",
        reason: "",
        createdAtMs: 1_700_000_000_000,
        durationSeconds: 0,
        sizeBytes: 0,
        hasAudio: true,
        hasVideo: true,
        outputMode: "composed",
        resolution: "640x480",
        url: null,
      });
    });
    await withPlatform(() => Response.json({ ...ARCHIVE, status: "melted" }), async (platform) => {
      assert.equal((await failure(platform.getArchive("a1"))).kind, "unexpected");
    });
  },
});

Deno.test({
  name: "a start is sent once even where the connection it might have reused is cut",
  ...options,
  fn: async () => {
    const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const requests: string[] = [];
    /** Answers a connection's reads and takes its starts, but cuts it instead of answering those. */
    async function serveConnection(connection: Deno.TcpConn): Promise<void> {
      const buffer = new Uint8Array(8192);
      for (let n = await connection.read(buffer); n !== null; n = await connection.read(buffer)) {
        const request = new TextDecoder().decode(buffer.subarray(0, n));
        const [method = ""] = request.split(" ");
        requests.push(method);
        if (method !== "GET") return connection.close();
        const json = JSON.stringify(ARCHIVE);
        const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n` +
          `content-length: ${json.length}\r\n\r\n`;
        await connection.write(new TextEncoder().encode(head + json));
      }
      connection.close();
    }
    const serving = (async () => {
      for await (const connection of listener) serveConnection(connection).catch(() => {});
    })();
    const platform = createOpenTokPlatform({
      apiKey: "123",
      apiSecret: "secret",
      apiUrl: `http://127.0.0.1:${listener.addr.port}`,
      deadlineMs: 500,
      sleep: () => Promise.resolve(),
    });
    await platform.getArchive("a1");
    await failure(platform.startArchive("s1", START));
    assert.deepEqual(requests, ["GET", "POST"]);
    listener.close();
    await serving;
  },
});
