/**
 * A stage for the player: a small file server with everything that can go wrong, a real Chromium, and
 * films whose parts were recorded in it. Picture n of the world is shown from n / 30 s on.
 */
import assert from "node:assert/strict";
import * as esbuild from "esbuild";
import type { Browser, Page } from "playwright-core";
import type { Crossing } from "../../lib/player/engine.ts";
import type { Film, FilmPart } from "../../lib/recording/views.ts";
import { launchChromium } from "../support/chromium.ts";
import { letRun } from "../support/people.ts";
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

/** How a film played. */
export interface Playthrough {
  ended: boolean;
  atSeconds: number;
  technique: string | undefined;
  crossings: Crossing[];
}

/** How a page is opened. */
export interface PageOptions {
  /** What it must have said on its console before it is taken to be open. */
  until?: string;
  /** A narrow screen that is touched. */
  isPhone?: boolean;
}

/** A server, a browser and one page at a time. */
export interface Stage {
  readonly page: Page;
  /** Opens a new page in the place of the old one; `prepare` runs in it before anything else. */
  open(prepare?: () => void, options?: PageOptions): Promise<Page>;
  /** Records the parts and tells the film made of them. */
  film(parts: PartPlan[], changes?: Partial<Film>): Promise<Film>;
  /** Puts a film on the page and waits until it can be played. */
  show(film: Film): Promise<void>;
  /** Shows the film, plays it from a moment to its end, at speed, and tells how that went. */
  playFrom(film: Film, seconds: number): Promise<Playthrough>;
  /** What the app answers when asked for a film. */
  films: Map<string, Film>;
  /** Keeps other bytes under an archive's id. */
  replaceFile(archiveId: string, bytes: Uint8Array<ArrayBuffer>): void;
  /** Manners by archive id; "*" for all. */
  manners: Map<string, Manners>;
  /** Every address handed out so far ends now. */
  expireAddresses(): void;
  /** How often addresses were asked for and files were read, by archive id. */
  log: { resolved: string[]; read: string[] };
  close(): Promise<void>;
}

/** A page that does not answer, for any reason, must not hold up all the others. */
const TEST_DEADLINE_SECONDS = 120;

/** How fast a film is played where only its end matters. */
const HURRY = 4;

const PAGE = `<!doctype html><meta charset="utf-8"><title>Stage</title>
<meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="/styles.css"><link rel="stylesheet" href="/player.css"><style>body > gapless-video, body > video { width: 320px; height: 180px }</style>
<script src="/page.js"></script><gapless-video></gapless-video>`;

async function bundle(): Promise<string> {
  const result = await esbuild.build({
    entryPoints: [new URL("./page_entry.ts", import.meta.url).pathname],
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
  if (!file) throw new Error("Cannot bundle the player's test page");
  return file.text;
}

/** Opens the stage. Close it. */
export async function openStage(
  { oneOrigin = false, args = [], answer = () => null }: {
    oneOrigin?: boolean;
    args?: string[];
    /** What the app answers besides films and files; null for what it leaves to the stage. */
    answer?: (request: Request, url: URL) => Promise<Response> | null;
  } = {},
): Promise<Stage> {
  const script = await bundle();
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const films = new Map<string, Film>();
  const manners = new Map<string, Manners>();
  const log: Stage["log"] = { resolved: [], read: [] };
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
    log.read.push(id);
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
  const app = serve((request, url) => {
    const answered = answer(request, url);
    if (answered) return answered;
    if (url.pathname.startsWith("/files/")) return sendFile(request, url);
    if (url.pathname === "/page.js") {
      return new Response(script, { headers: { "content-type": "text/javascript" } });
    }
    if (url.pathname.endsWith(".css")) {
      const css = Deno.readTextFileSync(new URL(`../../static${url.pathname}`, import.meta.url));
      return new Response(css, { headers: { "content-type": "text/css" } });
    }
    const chain = /^\/api\/chains\/([^/]+)$/.exec(url.pathname)?.[1];
    if (chain) {
      const film = films.get(chain);
      return film ? Response.json(film) : new Response("Not found", { status: 404 });
    }
    const media = /^\/api\/archives\/([^/]+)\/media$/.exec(url.pathname)?.[1];
    if (!media) return new Response(PAGE, { headers: { "content-type": "text/html" } });
    log.resolved.push(media);
    if (!files.has(media)) return new Response("Gone", { status: 404 });
    const headers = {
      location: `${oneOrigin ? "" : storage.origin}/files/${media}/${generation}`,
      "cache-control": "no-store",
    };
    return new Response(null, { status: 302, headers });
  });

  const browser: Browser = await launchChromium({ args });
  const newPage = async (
    prepare?: () => void,
    { until, isPhone = false }: PageOptions = {},
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

  const show = (film: Film): Promise<void> =>
    page.evaluate(async (film) => {
      const old = document.querySelector("gapless-video, video");
      const player = document.createElement("gapless-video");
      old?.replaceWith(player);
      player.film = film;
      await gaplessStudio.until((player) => player.readyState >= 3);
    }, film);

  return {
    get page() {
      return page;
    },
    async open(prepare, options) {
      await page.context().close();
      page = await newPage(prepare, options);
      return page;
    },
    show,
    manners,
    films,
    log,
    expireAddresses: () => void generation++,
    async film(plans, changes = {}) {
      const parts: FilmPart[] = [];
      for (const [seq, { status = "available", placeSeconds, ...take }] of plans.entries()) {
        const archiveId = `${crypto.randomUUID()}.${take.format}`;
        const bytes = await record(take);
        files.set(archiveId, bytes);
        parts.push({
          seq,
          archiveId,
          lane: seq % 2 ? "secondary" : "primary",
          status,
          reason: "",
          placeSeconds: placeSeconds ?? take.fromSeconds,
          durationSeconds: take.seconds,
          sizeBytes: bytes.length,
          mediaUrl: `/api/archives/${archiveId}/media`,
        });
      }
      return {
        chainId: crypto.randomUUID(),
        room: "main",
        name: "Stage",
        options: { hasAudio: true, hasVideo: true, outputMode: "composed" },
        state: "stopped",
        createdAtMs: 0,
        epochMs: 0,
        durationSeconds: Math.max(...plans.map((plan) => plan.fromSeconds + plan.seconds)),
        parts,
        seams: [],
        gaps: [],
        continuity: 1,
        overlapSeconds: 0,
        ...changes,
      };
    },
    async playFrom(film, seconds) {
      await show(film);
      return await page.evaluate(async ([seconds, rate]) => {
        const player = document.querySelector("gapless-video");
        if (!player) throw new Error("There is no player");
        player.playbackRate = rate;
        const crossings: Crossing[] = [];
        player.addEventListener("gapless-crossed", (event) => {
          if (event instanceof CustomEvent) crossings.push(event.detail);
        });
        await gaplessStudio.seekAndPlay(seconds);
        await gaplessStudio.until((player) => player.ended);
        const { ended, currentTime, dataset } = player;
        return { ended, atSeconds: currentTime, technique: dataset.technique, crossings };
      }, [seconds, HURRY] as const);
    },
    replaceFile: (archiveId, bytes) => void files.set(archiveId, bytes),
    async close() {
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
): (name: string, play: (stage: Stage) => Promise<void>) => void {
  let opened: Promise<Stage> | null = null;
  Deno.test.afterAll(async () => await (await opened)?.close());
  return (name, play) =>
    Deno.test({
      name,
      // The stage outlives the test.
      sanitizeOps: false,
      sanitizeResources: false,
      async fn() {
        const stage = await (opened ??= openStage(options));
        stage.manners.clear();
        stage.films.clear();
        await stage.open();
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
