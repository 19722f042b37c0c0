/** Real pages on a real loopback platform: everything between a camera and a file, without the app. */
import * as esbuild from "esbuild";
import type { Browser, Page } from "playwright-core";
import { createOpenTokPlatform } from "../../lib/platform/opentok.ts";
import type { Platform, PlatformArchive } from "../../lib/platform/platform.ts";
import { createLoopback, type Loopback } from "../../lib/loopback/mod.ts";
import { storeOn } from "../../lib/store/mod.ts";
import { cameraFile, microphoneFile } from "../support/camera.ts";
import {
  type ChromiumOptions,
  launchChromium,
  launchHideableChromium,
} from "../support/chromium.ts";
import type { Colour } from "../support/frame_code.ts";
import type { Band } from "../support/tone_code.ts";
import type {} from "./browser_call_page.ts";

const root = new URL("../../", import.meta.url).pathname;

let scripts: Promise<Map<string, string>> | undefined;

/** The page's script and the recording worker, as the app's build makes them. */
async function bundle(): Promise<Map<string, string>> {
  const result = await esbuild.build({
    absWorkingDir: root,
    entryPoints: {
      "call": "tests/loopback/browser_call_page.ts",
      "workers/camera": "lib/loopback/browser/camera.worker.ts",
      "workers/recorder": "lib/loopback/browser/recorder.worker.ts",
    },
    alias: { "fresh/runtime": "./lib/fresh/src/runtime.ts" },
    bundle: true,
    write: false,
    outdir: "/",
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
  });
  await esbuild.stop();
  return new Map(result.outputFiles.map(({ path, text }) => [path, text]));
}

/** A platform with its REST client and its server. */
export interface CallSite extends AsyncDisposable {
  platform: Platform;
  loopback: Loopback;
  origin: string;
  /** Opens a page that is ready to call. */
  open(browser: Browser): Promise<Page>;
  /** A token for one session; pages that record both lanes have the same `data` in both tokens. */
  token(sessionId: string, data?: string): string;
  /** The archive's file, once it is available. */
  download(archive: PlatformArchive): Promise<string>;
  /** Makes every upload fail from now on, or no more. */
  refuseUploads: boolean;
  /** Closes every socket, as a restart of the server does. */
  restart(): Promise<void>;
}

/** Serves a loopback platform and the calling page on a free port. */
export async function openCallSite(): Promise<CallSite> {
  scripts ??= bundle();
  const files = await scripts;
  const dataDir = await Deno.makeTempDir({ prefix: "loopback-call-" });
  const kv = await Deno.openKv(`${dataDir}/kv`);
  const open = () =>
    createLoopback({ records: storeOn(kv).loopback, dataDir, origin: () => origin });
  let loopback: Loopback | undefined;
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/") {
      const html =
        `<!doctype html><title>Call</title><script type="module" src="/call.js"></script>`;
      return new Response(html, { headers: { "content-type": "text/html" } });
    }
    const script = files.get(pathname);
    if (script !== undefined) {
      return new Response(script, { headers: { "content-type": "text/javascript" } });
    }
    if (pathname.startsWith("/loopback/upload/") && site.refuseUploads) {
      return new Response(null, { status: 503 });
    }
    if (loopback && pathname.startsWith("/loopback/")) return loopback.fetch(request);
    return new Response(null, { status: pathname === "/favicon.ico" ? 204 : 404 });
  });
  const origin = `http://127.0.0.1:${server.addr.port}`;
  const first = loopback = await open();
  const { apiKey, apiSecret } = first;
  const platform = createOpenTokPlatform({ apiKey, apiSecret, apiUrl: `${origin}/loopback` });
  const site: CallSite = {
    platform,
    loopback: first,
    origin,
    refuseUploads: false,
    async open(browser) {
      const context = browser.contexts()[0] ?? await browser.newContext();
      const page = await context.newPage();
      page.on("pageerror", (error) => console.error("In the page:", error));
      page.on("console", (message) => {
        if (Deno.env.has("VERBOSE") || message.type() === "error") console.log(message.text());
      });
      await page.goto(`${origin}/`);
      await page.waitForFunction(() => "call" in globalThis);
      return page;
    },
    token: (sessionId, data = crypto.randomUUID()) =>
      platform.createToken(sessionId, { role: "publisher", data, expiresInSeconds: 3600 }),
    async download({ id }) {
      for (let tries = 0; tries < 100; tries++) {
        const archive = await platform.getArchive(id);
        if (archive.status === "failed") throw new Error(`The archive failed: ${archive.reason}`);
        if (archive.status === "available" && archive.url !== null) {
          const answer = await fetch(archive.url);
          const path = `${dataDir}/${id}.webm`;
          await Deno.writeFile(path, await answer.bytes());
          return path;
        }
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      throw new Error("The archive did not become available in 20 s");
    },
    async restart() {
      await loopback?.close();
      loopback = site.loopback = await open();
    },
    async [Symbol.asyncDispose]() {
      await loopback?.close();
      await server.shutdown();
      kv.close();
      await Deno.remove(dataDir, { recursive: true });
    },
  };
  return site;
}

/** A Chromium with a numbered camera and a time-coded microphone; a hideable one where asked. */
export async function launchCaller(
  colour: Colour,
  band: Band,
  { hideable = false, ...options }: ChromiumOptions & { hideable?: boolean } = {},
): Promise<Browser> {
  const given = {
    camera: await cameraFile(colour),
    microphone: await microphoneFile(band),
    ...options,
  };
  return await (hideable ? launchHideableChromium(given) : launchChromium(given));
}

/** What every caller asks of `getUserMedia`. Sound comes as it is: the tests read it back. */
export const capture: MediaStreamConstraints = {
  video: true,
  audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
};
