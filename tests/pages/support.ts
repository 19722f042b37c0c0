/** The app on a real store, auth and chains, in memory; only the video platform is a list. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Builder } from "fresh/dev";
import { createApp } from "../../app.ts";
import { createChains, openRoom } from "../../lib/handover/mod.ts";
import { type Platform, type PlatformArchive, PlatformError } from "../../lib/platform/platform.ts";
import type { Services } from "../../lib/services.ts";
import { START_MS } from "../support/stored_chain.ts";
import { cookieHeader, openTestServices } from "../support/test_services.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ORIGIN = "http://gapless.test";

// Building once serves every app of a test file.
const applySnapshot = await new Builder({ root: ROOT }).build({ snapshot: "memory" });

/** What a visitor's browser does. Redirects are not followed. */
interface Visitor {
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  /** Sends a form from one of the app's own pages, unless `headers` say otherwise. */
  post(
    path: string,
    fields?: Record<string, string>,
    headers?: Record<string, string>,
  ): Promise<Answer>;
}

/** An app under test, asked like a browser without cookies asks. */
export interface TestApp extends Visitor {
  services: Services;
  /** The archives of its platform. */
  archives: PlatformArchive[];
  /** Sends a request that is no browser's. */
  ask(path: string, init: RequestInit): Promise<Answer>;
  /** A browser that has signed in. */
  admin: Visitor;
  /** A browser that has the cookie of this answer. */
  withCookieOf(answer: Answer): Visitor;
}

/** An answer, read. */
export interface Answer {
  status: number;
  headers: Headers;
  body: string;
}

/** How an app under test is set up. */
interface Setup {
  archives?: PlatformArchive[];
  env?: Record<string, string>;
}

/** Defines a test on an app of its own. */
export function test(name: string, run: (app: TestApp) => Promise<void>, setup: Setup = {}): void {
  Deno.test(name, () => runOnApp(run, setup));
}

async function runOnApp(
  run: (app: TestApp) => Promise<void>,
  { archives = [], env = {} }: Setup,
): Promise<void> {
  const origin = env.PUBLIC_URL ?? ORIGIN;
  // Nobody serves the emulator of these services.
  await using own = await openTestServices({ PUBLIC_URL: origin, ...env }, "http://127.0.0.1:1");
  const { store, config } = own.services;
  const platform = listedPlatform(archives);
  const chains = createChains({
    store,
    platform,
    settings: {
      joinTimeoutMs: config.joinTimeoutMs,
      overlapInterimMs: config.overlapPrimaryMs,
      overlapNextMs: config.overlapSecondaryMs,
      rotateAfterMinutes: config.rotateAfterMinutes,
    },
  });
  const services: Services = {
    ...own.services,
    platform,
    chains,
    openRoom: (name, title) => openRoom({ store, platform }, name, title),
  };
  const app = createApp(services);
  applySnapshot(app);
  const handler = app.handler();

  async function ask(path: string, init: RequestInit): Promise<Answer> {
    const { status, headers, body } = await handler(new Request(new URL(path, origin), init));
    return { status, headers, body: await new Response(body).text() };
  }
  const visitor = (cookies: { cookie?: string }): Visitor => ({
    get: (path, headers) => ask(path, { headers: { ...cookies, ...headers } }),
    post: (path, fields, headers) =>
      ask(path, {
        method: "POST",
        body: new URLSearchParams(fields),
        headers: { ...cookies, "sec-fetch-site": "same-origin", ...headers },
      }),
  });
  try {
    await run({
      services,
      archives,
      ask,
      ...visitor({}),
      admin: visitor(own.asAdmin),
      withCookieOf: ({ headers }) => visitor(cookieHeader(headers.get("set-cookie") ?? "")),
    });
  } finally {
    await chains.close();
  }
}

/** Asserts that an answer is a page of this status that shows all of `texts`. */
export function assertPage(answer: Answer, status: number, ...texts: (string | RegExp)[]): void {
  assert.equal(answer.status, status, answer.body);
  assert.match(answer.headers.get("content-type") ?? "", /^text\/html/);
  for (const text of texts) assertShows(answer, text);
}

/** Asserts that an answer's body has a text in it. */
export function assertShows({ body }: Answer, text: string | RegExp): void {
  if (typeof text === "string") assert.ok(body.includes(text), `"${text}" is missing in ${body}`);
  else assert.match(body, text);
}

/** Asserts that an answer leads to another address. */
export function assertRedirect(
  answer: Answer,
  location: string | RegExp = /./,
  status = 303,
): void {
  assert.equal(answer.status, status, answer.body);
  const actual = answer.headers.get("location") ?? "";
  if (typeof location === "string") assert.equal(actual, location);
  else assert.match(actual, location);
}

/** An archive that is there to be downloaded, or as `change` says. */
export function archive(number: number, change: Partial<PlatformArchive> = {}): PlatformArchive {
  return {
    id: `archive-${number}`,
    sessionId: "session-primary",
    name: `Archive ${number}`,
    status: "available",
    reason: "",
    createdAtMs: START_MS + number * 60_000,
    durationSeconds: 60 + number,
    sizeBytes: 1_500_000,
    hasAudio: true,
    hasVideo: true,
    outputMode: "composed",
    resolution: "640x480",
    url: `https://files.example/archive-${number}.mp4`,
    ...change,
  };
}

/** A platform that has these archives and makes sessions. */
function listedPlatform(archives: PlatformArchive[]): Platform {
  const find = (action: string, id: string) => {
    const found = archives.find((archive) => archive.id === id);
    if (!found) throw new PlatformError("not-found", action, `Cannot ${action}: no archive ${id}`);
    return found;
  };
  const refuse = (action: string): never => {
    throw new PlatformError("unexpected", action, `Cannot ${action} here`);
  };
  let sessions = 0;
  return {
    apiKey: "100",
    createSession: () => Promise.resolve(`session-${sessions++}`),
    createToken: () => "token",
    startArchive: async () => await refuse("start an archive"),
    stopArchive: async () => await refuse("stop an archive"),
    getArchive: async (id) => await Promise.resolve({ ...find("read an archive", id) }),
    listArchives({ offset = 0, count = 50 }) {
      const newestFirst = archives.toSorted((a, b) => b.createdAtMs - a.createdAtMs);
      return Promise.resolve({
        total: archives.length,
        archives: newestFirst.slice(offset, offset + count),
      });
    },
    async deleteArchive(id) {
      const found = await Promise.resolve(find("delete an archive", id));
      if (found.status !== "available") {
        throw new PlatformError("conflict", "delete an archive", "It has no file yet");
      }
      archives.splice(archives.indexOf(found), 1);
    },
    signal: () => Promise.resolve(),
    listStreams: () => Promise.resolve([]),
  };
}
