/**
 * A stage for the player: a small file server with everything that can go wrong, a real Chromium, and
 * films whose parts were recorded in it. Picture n of the world is shown from n / 30 s on.
 */
import assert from "node:assert/strict";
import * as esbuild from "esbuild";
import type { Page } from "playwright-core";
import type { GaplessVideo } from "../../lib/player/gapless_video.ts";
import type { Film, FilmPart } from "../../lib/recording/views.ts";
import { launchChromium } from "../support/chromium.ts";
import { letRun } from "../support/people.ts";
import { filmFrom, type PartSketch } from "./films.ts";
// For their types only: these run inside the page.
import type {} from "./page_entry.ts";
import type { Take } from "./studio_in_page.ts";

/** How the file server treats a part. */
export interface Manners {
  /** Answers this instead of the file, while set. */
  status?: number;
  /** Ignores ranges and sends whole files. */
  wholeFiles?: boolean;
  /** Forgets to allow other origins to read. */
  noCors?: boolean;
  /** Sends at most so much for one request. */
  pieceBytes?: number;
  /** Lets requests wait that begin between these shares of a file, while set. */
  held?: { from: number; to: number };
}

/** One part: what is in it, and where it lies in the film. */
export type PartPlan = Take & { status?: FilmPart["status"]; placeSeconds?: number };

/** How a page is opened. */
export interface PageOptions {
  /** Runs in the page before anything else. */
  prepare?: () => void;
  /** What it must have said on its console before it is taken to be open. */
  until?: string;
  /** A narrow screen that is touched. */
  isPhone?: boolean;
}

/** A server, a browser and one page at a time. */
export type Stage = Awaited<ReturnType<typeof openStage>>;

/** Three parts of a film of 6 s, each of which begins a second before the one before it ends. */
export function overlapping(format: Take["format"] = "webm"): Take[] {
  return [
    { fromSeconds: 0, seconds: 3, format },
    { fromSeconds: 2, seconds: 3, format },
    { fromSeconds: 4, seconds: 2, format },
  ];
}

/** Three overlapping parts of a film of 30 s: room to jump about in. */
export const ROOMY: Take[] = [
  { fromSeconds: 0, seconds: 8, format: "webm" },
  { fromSeconds: 6, seconds: 8, format: "webm" },
  { fromSeconds: 12, seconds: 18, format: "webm" },
];

/** For {@link PageOptions.prepare}: a browser without MediaSource. */
export function withoutMediaSource(): void {
  Reflect.deleteProperty(globalThis, "MediaSource");
}

/** In a page or a worker: waits of seconds pass at once, limits of ten seconds and more stay. */
export function hurryWaits(): void {
  const wait = globalThis.setTimeout;
  Object.assign(globalThis, {
    setTimeout: (done: () => void, delayMs = 0) =>
      wait(done, delayMs < 10_000 ? delayMs / 20 : delayMs),
  });
}

/** A page that does not answer, for any reason, must not hold up all the others. */
const TEST_DEADLINE_SECONDS = 120;

/** How fast a film is played where only its end matters. */
const HURRY = 4;

const PAGE = `<!doctype html><meta charset="utf-8"><title>Stage</title>
<meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="/styles.css"><link rel="stylesheet" href="/player.css"><style>body > gapless-video, body > video { width: 320px; height: 180px }</style>
<script src="/page.js"></script><gapless-video></gapless-video>`;

/** The scripts the app serves, by path, and where they are made of. */
const SCRIPTS: Record<string, string> = {
  "/page.js": "./page_entry.ts",
  "/workers/align.js": "../../lib/alignment/align.worker.ts",
  "/workers/export.js": "../../lib/export/export.worker.ts",
};

async function bundle(entry: string): Promise<string> {
  const result = await esbuild.build({
    entryPoints: [new URL(entry, import.meta.url).pathname],
    bundle: true,
    write: false,
    format: "iife",
    target: "es2022",
    // What upstream would resolve for the app's own bundles.
    absWorkingDir: new URL("../..", import.meta.url).pathname,
    alias: { "fresh/runtime": "./lib/fresh/src/runtime.ts" },
    jsx: "automatic",
    jsxImportSource: "preact",
    logLevel: "silent",
  });
  await esbuild.stop();
  const [file] = result.outputFiles;
  if (!file) throw new Error(`Cannot bundle ${entry}`);
  return file.text;
}

/** Opens the stage. Close it. */
export async function openStage(
  { oneOrigin = false, args = [] }: { oneOrigin?: boolean; args?: string[] } = {},
) {
  const scripts = new Map<string, Promise<string>>();
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const films = new Map<string, Film>();
  const manners = new Map<string, Manners>();
  const resolved: string[] = [];
  const seams = new Map<number, Record<string, unknown>>();
  let generation = 0;

  // Two ports are two origins: the app's, and the one the files are kept at.
  const sendFile = async (request: Request, url: URL): Promise<Response> => {
    const [, , id = "", stamp] = url.pathname.split("/");
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "");
    const begin = Number(range?.[1] ?? 0) / (files.get(id)?.length ?? 1);
    const isHeld = () => {
      const { from, to } = manners.get("*")?.held ?? { from: 1, to: 1 };
      return from < begin && begin < to;
    };
    while (isHeld()) await letRun(0.02);
    const manner = { ...manners.get("*"), ...manners.get(id) };
    const headers = new Headers(manner.noCors ? {} : { "access-control-allow-origin": "*" });
    headers.set("access-control-expose-headers", "content-range, content-length");
    if (Number(stamp) < generation) return new Response("Expired", { status: 403, headers });
    const bytes = files.get(id);
    if (!bytes) return new Response("Not found", { status: 404, headers });
    if (manner.status) return new Response("Trouble", { status: manner.status, headers });
    headers.set("content-type", id.endsWith("mp4") ? "video/mp4" : "video/webm");
    if (!range || manner.wholeFiles) return new Response(bytes, { headers });
    const from = Number(range[1]);
    const to = Math.min(
      range[2] ? Number(range[2]) : Infinity,
      bytes.length - 1,
      from + (manner.pieceBytes ?? Infinity) - 1,
    );
    if (from > to) return new Response(null, { status: 416, headers });
    headers.set("content-range", `bytes ${from}-${to}/${bytes.length}`);
    return new Response(bytes.subarray(from, to + 1), { status: 206, headers });
  };
  const storage = serve(sendFile);
  const app = serve(async (request, url) => {
    const { pathname } = url;
    if (pathname.startsWith("/files/")) return await sendFile(request, url);
    const entry = SCRIPTS[pathname];
    if (entry) {
      const script = scripts.getOrInsertComputed(pathname, () => bundle(entry));
      return new Response(await script, { headers: { "content-type": "text/javascript" } });
    }
    if (pathname.endsWith(".css")) {
      const css = Deno.readTextFileSync(new URL(`../../static${pathname}`, import.meta.url));
      return new Response(css, { headers: { "content-type": "text/css" } });
    }
    const [, chain, seam] = /^\/api\/chains\/([^/]+)(?:\/seams\/(\d+))?$/.exec(pathname) ?? [];
    if (chain) {
      if (seam) seams.set(Number(seam), await request.json());
      const film = films.get(chain);
      return film ? Response.json(film) : new Response("Not found", { status: 404 });
    }
    const media = /^\/api\/archives\/([^/]+)\/media$/.exec(pathname)?.[1];
    if (!media) return new Response(PAGE, { headers: { "content-type": "text/html" } });
    resolved.push(media);
    if (!files.has(media)) return new Response("Gone", { status: 404 });
    const headers = {
      location: `${oneOrigin ? "" : storage.origin}/files/${media}/${generation}`,
      "cache-control": "no-store",
    };
    return new Response(null, { status: 302, headers });
  });

  const browser = await launchChromium({ args });
  const newPage = async (
    { prepare, until, isPhone = false }: PageOptions = {},
  ): Promise<Page> => {
    const phone = { hasTouch: true, isMobile: true, viewport: { width: 390, height: 844 } };
    const page = await (await browser.newContext(isPhone ? phone : {})).newPage();
    page.on("pageerror", (error) => console.error("In the page:", error));
    if (Deno.env.get("VERBOSE")) page.on("console", (message) => console.log(message.text()));
    if (prepare) await page.addInitScript(prepare);
    const said = until &&
      page.waitForEvent("console", (message) => message.text() === until);
    await page.goto(app.origin);
    await said;
    return page;
  };
  // Films are made in a page of their own: the others come and go.
  const studio = await newPage();
  const takes = new Map<string, Uint8Array<ArrayBuffer>>();
  const record = async (take: Take): Promise<Uint8Array<ArrayBuffer>> => {
    const key = JSON.stringify(take);
    const known = takes.get(key);
    if (known) return known;
    const base64 = await studio.evaluate((take) => gaplessStudio.record(take), take);
    const bytes = Uint8Array.fromBase64(base64);
    takes.set(key, bytes);
    return bytes;
  };
  let page = await newPage();

  /** Waits until `look`, which runs in the page, finds something about the player, and answers it. */
  const until = <Found>(look: (player: GaplessVideo) => Found | false): Promise<Found> =>
    page.evaluate(`gaplessStudio.until(${look})`);
  /** Puts the film's whole island on the page, as the film's page has it. */
  const mount = async (film: Film, isAdmin = false): Promise<void> => {
    const given = [film, isAdmin] as const;
    await page.evaluate(([film, isAdmin]) => mountGaplessIsland(film, isAdmin), given);
  };

  return {
    get page() {
      return page;
    },
    /** What the app answers when asked for a film. */
    films,
    /** Manners by archive id; "*" for all. */
    manners,
    /** The archives whose addresses were asked for. */
    resolved,
    /** What the page said about seams, by the part before. */
    seams,
    /** Opens a new page in the place of the old one. */
    async open(options: PageOptions = {}): Promise<Page> {
      await page.context().close();
      page = await newPage(options);
      return page;
    },
    /** Records the parts and tells the film made of them. */
    async film(plans: PartPlan[], changes: Partial<Film> = {}): Promise<Film> {
      const sketches: PartSketch[] = [];
      for (const { status = "available", placeSeconds, ...take } of plans) {
        const archiveId = `${crypto.randomUUID()}.${take.format}`;
        const bytes = await record(take);
        files.set(archiveId, bytes);
        const mediaUrl = `/api/archives/${archiveId}/media`;
        const special = { archiveId, status, sizeBytes: bytes.length, mediaUrl };
        sketches.push([placeSeconds ?? take.fromSeconds, take.seconds, special]);
      }
      return filmFrom(sketches, { chainId: crypto.randomUUID(), ...changes });
    },
    /** Puts the film's element on the page and waits until it can be played. */
    async show(film: Film): Promise<void> {
      await page.evaluate((film) => {
        const player = document.createElement("gapless-video");
        document.querySelector("gapless-video, video")?.replaceWith(player);
        player.film = film;
      }, film);
      await until((player) => player.readyState >= 3);
    },
    mount,
    /** Puts the film's whole island on the page and waits until it can be played. */
    async mountPlayable(film: Film): Promise<void> {
      await mount(film);
      await page.locator("media-controller").waitFor();
      await until((player) => player.readyState >= 3);
    },
    until,
    /** Plays what is shown from a moment to its end, at speed, and tells how that went. */
    playFrom: (seconds: number, rate = HURRY) =>
      page.evaluate(
        ([seconds, rate]) => gaplessStudio.playFrom(seconds, rate),
        [seconds, rate] as const,
      ),
    /** Seeks to each of these pictures and tells which is shown then. */
    picturesAt: (numbers: number[]) =>
      page.evaluate((numbers) => gaplessStudio.picturesAt(numbers), numbers),
    /** Keeps other bytes under an archive's id. */
    replaceFile: (archiveId: string, bytes: Uint8Array<ArrayBuffer>) =>
      void files.set(archiveId, bytes),
    /** Every address handed out so far ends now. */
    expireAddresses: () => void generation++,
    async close(): Promise<void> {
      await browser.close();
      await app.close();
      await storage.close();
    },
  };
}

/**
 * Tests of one file that share a stage: starting browsers and recording films is what takes time. Each
 * gets a page of its own, and well-mannered servers.
 */
export function testsOnOneStage(
  options: Parameters<typeof openStage>[0] = {},
): (name: string, play: (stage: Stage) => Promise<void>, page?: PageOptions) => void {
  let opened: Promise<Stage> | null = null;
  Deno.test.afterAll(async () => await (await opened)?.close());
  return (name, play, page) =>
    Deno.test({
      name,
      // The stage outlives the test.
      sanitizeOps: false,
      sanitizeResources: false,
      async fn() {
        const isUsed = opened !== null;
        const stage = await (opened ??= openStage(options));
        stage.manners.clear();
        stage.films.clear();
        stage.seams.clear();
        if (isUsed || page) await stage.open(page);
        const isDone = await Promise.race([
          play(stage).then(() => true),
          letRun(TEST_DEADLINE_SECONDS).then(() => false),
        ]);
        assert.ok(isDone, `Not done after ${TEST_DEADLINE_SECONDS} s`);
      },
    });
}

function serve(answer: (request: Request, url: URL) => Response | Promise<Response>) {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) => answer(request, new URL(request.url)),
  );
  const { port } = server.addr;
  return { origin: `http://127.0.0.1:${port}`, close: () => server.shutdown() };
}
