/** A small site whose pages hold calls on the real SDK, on a real emulator in this process. */
import { SignJWT } from "jose";
import type { Browser, Page } from "playwright-core";
import {
  createEmulator,
  type Emulator,
  EMULATOR_API_PATH,
  EMULATOR_CLIENT,
  type EmulatorOptions,
} from "../../lib/emulator/mod.ts";
import { createOpenTokPlatform } from "../../lib/platform/opentok.ts";
import type {
  Platform,
  PlatformArchive,
  StartArchiveOptions,
} from "../../lib/platform/platform.ts";
import type { Join } from "../../lib/recording/views.ts";
import { storeOn } from "../../lib/store/mod.ts";
import type { EmulatorRecords } from "../../lib/store/mod.ts";
import { bundleModules } from "../support/bundle.ts";
import type { CallPageOptions, CallSnapshot } from "./call_page.ts";

let bundled: Promise<Map<string, string>> | undefined;

/** The page's script, and the recorder's module and worker at the addresses that the app has for them. */
function bundle(): Promise<Map<string, string>> {
  return bundleModules({
    "call": "tests/call/call_page.ts",
    "modules/recorder": "lib/emulator/recorder/recorder.module.ts",
    "workers/recorder": "lib/emulator/recorder/recorder.worker.ts",
  });
}

/** A failed join, as the app's API answers it. */
export interface Refusal {
  code: string;
  text: string;
  remedy: string;
}

/** Two sessions of one room, and pages that join them. It closes its pages, not their browser. */
export interface CallSite extends AsyncDisposable {
  readonly origin: string;
  /** The server's side of the platform, over its REST API. */
  readonly platform: Platform;
  /** What the emulator has stored: who is connected, and what they send. */
  readonly records: EmulatorRecords;
  /** Variables that make it the platform of an app with credentials and these two sessions. */
  readonly env: Record<string, string>;
  readonly primary: string;
  readonly secondary: string;
  /** How often pages asked for tokens. */
  readonly entered: { name: string }[];
  /** Answers to the next joins, in order; afterwards all are let in. */
  readonly answers: (Refusal | "invalid token")[];
  /** While true, uploads of recordings are answered 503. */
  refusesUploads: boolean;
  /** Opens a page that is ready to join; from another address of the site where one is given. */
  open(browser: Browser, options: CallPageOptions, at?: OpenAt): Promise<Page>;
  /** Starts an archive as soon as a page of the session can record. */
  startArchive(sessionId: string, options: StartArchiveOptions): Promise<PlatformArchive>;
  /** The archive's file, as soon as it is available. */
  download(archive: Pick<PlatformArchive, "id">): Promise<string>;
  /** Ends the emulator and starts another one on its data. */
  restart(): Promise<void>;
  /** Disconnects a participant from a session, as a moderator does. */
  forceDisconnect(sessionId: string, name: string): Promise<void>;
  /** Names of everyone connected to a session, sorted. */
  connected(sessionId: string): Promise<string[]>;
  /** What is published to a session, oldest first. */
  published(sessionId: string): Promise<PublishedStream[]>;
}

/** A stream as the emulator has stored it. */
export interface PublishedStream {
  id: string;
  name: string;
  audio: boolean;
  video: boolean;
}

/** Where and how a page is opened. */
export interface OpenAt {
  /** An address in front of the site. */
  origin?: string;
  /** Runs in the page before anything else. */
  prepare?: () => void;
}

const HTML = `<!doctype html><meta charset="utf-8"><title>Call</title>
<script type="module" src="/call.js"></script>`;
/** Longest wait for anything on a page, ms: a machine may be busy, and a test is never tried twice. */
const PATIENCE_MS = 60_000;
const AVAILABLE_MS = 60_000;
/** A page that has joined needs a moment until it can record. */
const RECORDER_MS = 10_000;

/** Opens a site on a free port. */
export async function openCallSite(
  { timings = {} }: { timings?: EmulatorOptions["timings"] } = {},
): Promise<CallSite> {
  const files = await (bundled ??= bundle());
  const dataDir = await Deno.makeTempDir({ prefix: "call-site-" });
  const kv = await Deno.openKv(`${dataDir}/kv`);
  const records = storeOn(kv).emulator;
  let emulator: Emulator | null = null;
  const pages: Page[] = [];
  const entered: CallSite["entered"] = [];
  const answers: CallSite["answers"] = [];

  const token = (sessionId: string, data: string) =>
    platform.createToken(sessionId, { role: "publisher", data, expiresInSeconds: 3600 });
  const enter = async (request: Request): Promise<Response> => {
    const { name }: { name: string } = await request.json();
    entered.push({ name });
    const answer = answers.shift();
    if (typeof answer === "object") return Response.json(answer, { status: 403 });
    // As the app's, but without the name: that of the stream is shown.
    const data = JSON.stringify({ name, id: crypto.randomUUID() });
    const entry = (sessionId: string) => ({
      sessionId,
      token: answer === "invalid token" ? "T1==invalid" : token(sessionId, data),
    });
    const join: Join = {
      room: "main",
      title: "Main",
      role: "participant",
      apiKey: platform.apiKey,
      client: EMULATOR_CLIENT,
      primary: entry(primary),
      secondary: entry(secondary),
    };
    return Response.json(join);
  };
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/") return new Response(HTML, { headers: { "content-type": "text/html" } });
    const script = files.get(pathname);
    if (script !== undefined) {
      return new Response(script, {
        headers: {
          "content-type": "text/javascript; charset=utf-8",
          "cache-control": "max-age=600",
        },
      });
    }
    if (pathname === "/enter") return enter(request);
    if (pathname.startsWith("/emulator/upload/") && site.refusesUploads) {
      return new Response(null, { status: 503 });
    }
    if (pathname.startsWith("/emulator/") && emulator) return emulator.fetch(request);
    return new Response(null, { status: pathname === "/favicon.ico" ? 204 : 503 });
  });
  const origin = `http://127.0.0.1:${server.addr.port}`;
  const openEmulator = () => createEmulator({ records, dataDir, origin: () => origin, timings });
  emulator = await openEmulator();
  const { apiKey, apiSecret } = emulator;
  const apiUrl = `${origin}${EMULATOR_API_PATH}`;
  const platform = createOpenTokPlatform({ apiKey, apiSecret, apiUrl });
  const primary = await platform.createSession();
  const secondary = await platform.createSession();
  const connections = async (sessionId: string) =>
    (await records.connections()).filter((each) => each.sessionId === sessionId);

  const site: CallSite = {
    origin,
    platform,
    records,
    env: {
      API_KEY: apiKey,
      API_SECRET: apiSecret,
      OPENTOK_API_URL: apiUrl,
      SESSION_ID_PRIMARY: primary,
      SESSION_ID_SECONDARY: secondary,
    },
    primary,
    secondary,
    entered,
    answers,
    refusesUploads: false,
    async open(browser, options, { origin: at = origin, prepare } = {}) {
      const context = browser.contexts()[0] ?? await browser.newContext();
      const page = await context.newPage();
      pages.push(page);
      page.setDefaultTimeout(PATIENCE_MS);
      page.on("pageerror", (error) => {
        // The SDK leaves rejections of its own unhandled where the platform refuses something.
        if (error.name.startsWith("OT_")) return;
        console.error(`In the page of ${options.name}:`, error);
      });
      page.on("console", (message) => {
        if (Deno.env.has("VERBOSE")) console.log(`${options.name}: ${message.text()}`);
      });
      if (prepare) await page.addInitScript(prepare);
      await page.goto(at);
      await page.waitForFunction(() => "callPage" in globalThis);
      await page.evaluate((options) => callPage.open(options), options);
      return page;
    },
    async startArchive(sessionId, options) {
      const deadline = Date.now() + RECORDER_MS;
      for (;;) {
        try {
          return await platform.startArchive(sessionId, options);
        } catch (error) {
          const isEarly = String(error).includes("no browser in the call can record");
          if (!isEarly || Date.now() > deadline) throw error;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }
    },
    async download({ id }) {
      const deadline = Date.now() + AVAILABLE_MS;
      for (;;) {
        const archive = await platform.getArchive(id);
        if (archive.status === "failed") throw new Error(`The archive failed: ${archive.reason}`);
        if (archive.status === "available" && archive.url !== null) {
          const answer = await fetch(archive.url);
          const path = `${dataDir}/${id}.${answer.headers.get("content-type")?.split("/")[1]}`;
          await Deno.writeFile(path, await answer.bytes());
          return path;
        }
        if (Date.now() > deadline) throw new Error(`The archive stays "${archive.status}"`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    async restart() {
      await emulator?.close();
      emulator = await openEmulator();
    },
    async forceDisconnect(sessionId, name) {
      const one = (await connections(sessionId)).find(({ data }) => nameIn(data) === name);
      const jwt = await new SignJWT({ ist: "project" }).setProtectedHeader({ alg: "HS256" })
        .setIssuer(apiKey).setIssuedAt().setExpirationTime("1m")
        .sign(new TextEncoder().encode(apiSecret));
      const answer = await fetch(
        `${apiUrl}/v2/project/${apiKey}/session/${sessionId}/connection/${one?.id}`,
        { method: "DELETE", headers: { "x-opentok-auth": jwt } },
      );
      if (!answer.ok) throw new Error(`Cannot disconnect "${name}": ${await answer.text()}`);
    },
    async connected(sessionId) {
      return (await connections(sessionId)).map(({ data }) => nameIn(data)).sort();
    },
    async published(sessionId) {
      return (await connections(sessionId)).flatMap(({ streams }) => streams)
        .sort((a, b) => a.createdAtMs - b.createdAtMs)
        .map(({ id, content: { name, channel } }) => {
          const isOn = (kind: string) =>
            channel.some(({ type, active }) => type === kind && active !== false);
          return { id, name: name ?? "", audio: isOn("audio"), video: isOn("video") };
        });
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(pages.map((page) => page.close()));
      await emulator?.close();
      await server.shutdown();
      kv.close();
      await Deno.remove(dataDir, { recursive: true });
    },
  };
  return site;
}

function nameIn(connectionData: string): string {
  return JSON.parse(connectionData).name;
}

/** Waits in the page until its call is in a state that fits. `fits` runs in the page. */
export async function until(
  page: Page,
  fits: (now: CallSnapshot) => boolean,
  timeoutMs = PATIENCE_MS,
): Promise<CallSnapshot> {
  const waiting: Promise<CallSnapshot> = page.evaluate(`callPage.until(${fits})`);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(async () => {
      const now = await page.evaluate(() => callPage.snapshot()).catch(String);
      reject(new Error(`Waited ${timeoutMs} ms for ${fits}: ${JSON.stringify(now)}`));
    }, timeoutMs);
  });
  try {
    return await Promise.race([waiting, late]);
  } finally {
    clearTimeout(timer);
    waiting.catch(() => {});
  }
}

/** Asks until the answer fits, ten times a second; returns it. */
export async function eventually<T>(
  ask: () => T | Promise<T>,
  fits: (answer: T) => boolean,
  timeoutMs = PATIENCE_MS,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (fits(answer)) return answer;
    if (Date.now() > deadline) {
      throw new Error(`Waited ${timeoutMs} ms for ${fits}: ${JSON.stringify(answer)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Joins, and resolves when the call is joined. */
export async function joinCall(page: Page): Promise<void> {
  await page.evaluate(() => callPage.join());
  await until(page, (now) => now.state === "joined");
}
