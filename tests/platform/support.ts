/** The adapter under test, and a platform for it that answers as documented until told otherwise. */
import assert from "node:assert/strict";
import { createOpenTokPlatform, type OpenTokOptions } from "../../lib/platform/opentok.ts";
import { type Platform, PlatformError } from "../../lib/platform/platform.ts";
import { FaultProxy } from "../support/fault_proxy.ts";

/** Long enough for a busy machine, so that only a call that hangs meets it. */
const DEADLINE_MS = 5_000;

/** Options of an archive that a test starts. */
export const START = {
  name: "Hearing",
  hasAudio: true,
  hasVideo: true,
  outputMode: "composed",
} as const;

/** An archive as the REST API documents it. */
export const ARCHIVE = {
  ...START,
  id: "a1",
  sessionId: "s1",
  status: "started",
  createdAt: 1_700_000_000_000,
  duration: 0,
  size: 0,
  resolution: "640x480",
  url: null,
};

/** The adapter, which waits for answers but not between tries. */
export function platformOf(options: Partial<OpenTokOptions>): Platform {
  return createOpenTokPlatform({
    apiKey: "123",
    apiSecret: "secret",
    deadlineMs: DEADLINE_MS,
    sleep: () => Promise.resolve(),
    ...options,
  });
}

/** The error that a call of the adapter fails with. */
export async function failure(attempt: Promise<unknown>): Promise<PlatformError> {
  const error = await attempt.then(() => null, (error) => error);
  assert.ok(error instanceof PlatformError, `expected a PlatformError, got ${error}`);
  assert.match(error.message, /^Cannot .+: .+/);
  assert.ok(error.action.length > 0);
  return error;
}

/** Serves a platform behind a proxy that breaks calls; it answers as documented unless given. */
export async function openFake(answer: (request: Request) => Response = documentedAnswer) {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, answer);
  const proxy = await FaultProxy.start(() => `http://127.0.0.1:${server.addr.port}`);
  return {
    proxy,
    /** The adapter on this platform. */
    platform: (options: Partial<OpenTokOptions> = {}) =>
      platformOf({ apiUrl: proxy.origin, ...options }),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await server.shutdown();
    },
  };
}

/** What a platform that works answers. */
export function documentedAnswer({ method, url }: Request): Response {
  const { pathname } = new URL(url);
  if (pathname.endsWith("/session/create")) return Response.json([{ session_id: "s1" }]);
  if (pathname.endsWith("/stream")) {
    return Response.json({ items: [{ id: "st1", name: "Ada", videoType: "camera" }] });
  }
  const isList = method === "GET" && pathname.endsWith("/archive");
  return Response.json(isList ? { count: 1, items: [ARCHIVE] } : ARCHIVE);
}
