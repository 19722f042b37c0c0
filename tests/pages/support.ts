/** The app's pages on a real store, auth and chains, in memory; only the video platform is a list. */
import { fileURLToPath } from "node:url";
import { Builder } from "fresh/dev";
import { createApp } from "../../app.ts";
import { readConfig } from "../../lib/config.ts";
import { createChains, openRoom } from "../../lib/handover/mod.ts";
import { type Platform, type PlatformArchive, PlatformError } from "../../lib/platform/platform.ts";
import { type Chain, chainSchema, partSchema } from "../../lib/recording/model.ts";
import { openServices, type Services } from "../../lib/services.ts";
import { openStore } from "../../lib/store/mod.ts";
import { setPart } from "../../lib/store/parts.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ORIGIN = "http://gapless.test";
export const PASSWORD = "correct horse battery";
/** A moment the tests' recordings begin at. */
export const START_MS = Date.UTC(2026, 4, 3, 10, 0, 0);

// Building once serves every app of a test file.
const applySnapshot = await new Builder({ root: ROOT }).build({ snapshot: "memory" });

/** An app under test, asked like a browser asks. */
export interface TestApp {
  services: Services;
  /** Asks for a page. Redirects are not followed. `as: "admin"` sends a signed-in cookie. */
  get(path: string, options?: Ask): Promise<Answer>;
  /** Sends a form from one of the app's own pages. */
  post(path: string, fields?: Record<string, string>, options?: Ask): Promise<Answer>;
}

interface Ask {
  as?: "admin";
  headers?: Record<string, string>;
}

/** An answer, read. */
export interface Answer {
  status: number;
  headers: Headers;
  body: string;
}

/** Runs `test` on an app of its own. */
export async function withApp(
  options: { archives?: PlatformArchive[]; env?: Record<string, string> },
  test: (app: TestApp) => Promise<void>,
): Promise<void> {
  const dataDir = await Deno.makeTempDir();
  const config = readConfig({
    ADMIN_PASSWORD: PASSWORD,
    DATA_DIR: dataDir,
    PUBLIC_URL: ORIGIN,
    ...options.env,
  });
  const store = await openStore(":memory:");
  const own = await openServices(config, { store, origin: () => ORIGIN });
  const platform = listedPlatform(options.archives ?? []);
  // The services' own chains would ask the emulator, which nobody serves here.
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
    ...own,
    platform,
    chains,
    openRoom: (name, title) => openRoom({ store, platform }, name, title),
  };
  const app = createApp(services);
  applySnapshot(app);
  const handler = app.handler();
  let cookie: string | null = null;

  async function ask(path: string, init: RequestInit, options: Ask = {}): Promise<Answer> {
    const headers = new Headers({ ...options.headers });
    if (options.as === "admin") headers.set("cookie", cookie ??= await signIn());
    const response = await handler(new Request(new URL(path, ORIGIN), { ...init, headers }));
    return {
      status: response.status,
      headers: response.headers,
      body: await response.text(),
    };
  }
  async function signIn(): Promise<string> {
    const answer = await post("/sign-in", { password: PASSWORD });
    return answer.headers.get("set-cookie")?.split(";")[0] ?? "";
  }
  function post(path: string, fields: Record<string, string> = {}, options: Ask = {}) {
    const headers = { "sec-fetch-site": "same-origin", ...options.headers };
    const init = { method: "POST", body: new URLSearchParams(fields) };
    return ask(path, init, { ...options, headers });
  }

  try {
    await test({
      services,
      get: (path, options) => ask(path, {}, options),
      post,
    });
  } finally {
    await chains.close();
    await own.close();
    await Deno.remove(dataDir, { recursive: true });
  }
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

/** Stores a stopped chain of `lengthsMs.length` parts, each overlapping the next by a second. */
export async function storeChain(
  services: Services,
  change: Partial<Chain> & { id: string },
  lengthsMs: number[] = [10_000, 10_000],
): Promise<void> {
  const endMs = START_MS + lengthsMs.reduce((sum, ms) => sum + ms - 1000, 1000);
  await services.store.chains.create(chainSchema.parse({
    room: "main",
    name: "Seminar",
    options: {},
    strategy: "dual-session",
    state: "stopped",
    createdAtMs: START_MS,
    stoppedAtMs: endMs,
    ...change,
  }));
  let startedAtMs = START_MS;
  for (const [seq, durationMs] of lengthsMs.entries()) {
    const part = partSchema.parse({
      chainId: change.id,
      seq,
      archiveId: `${change.id}-${seq}`,
      sessionId: "session",
      lane: seq % 2 === 0 ? "primary" : "secondary",
      status: "available",
      startedAtMs,
      startSource: "file",
      startUncertaintyMs: 1,
      endedAtMs: startedAtMs + durationMs,
      durationMs,
      sizeBytes: 1000,
    });
    await setPart(services.store.kv.atomic(), part).commit();
    startedAtMs += durationMs - 1000;
  }
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
