/** Real Chromium for tests: found or installed, with a fake camera and microphone. */
import { type Browser, chromium, type LaunchOptions } from "playwright-core";
import { existsSync } from "node:fs";

const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Path of a Chromium; installs Debian's package where there is none. Throws with the way out. */
export async function ensureChromium(): Promise<string> {
  const given = Deno.env.get("CHROMIUM_PATH");
  const found = [given, ...PATHS].find((path) => path && existsSync(path));
  if (found) return found;
  console.log("Installing Chromium (apt-get install chromium)");
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", "chromium"]]) {
    const { success } = await new Deno.Command("apt-get", { args, stdout: "null" }).spawn().status;
    if (!success) break;
  }
  if (existsSync("/usr/bin/chromium")) return "/usr/bin/chromium";
  throw new Error(
    "Cannot run the browser tests: no Chromium was found or could be installed; " +
      "install it and set CHROMIUM_PATH to its path",
  );
}

/** What a test browser is given. */
export interface ChromiumOptions {
  /** MJPEG file for the fake camera (its own pattern if left out). */
  camera?: string;
  /** Frames a second of the browser's own pattern: few cost little. */
  fps?: number;
  /** WAV file for the fake microphone, played in a loop. */
  microphone?: string;
  /** False: camera prompts are refused. */
  allowCamera?: boolean;
  args?: string[];
}

function flags(
  { camera, fps, microphone, allowCamera = true, args = [] }: ChromiumOptions,
): string[] {
  return [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    `--use-fake-device-for-media-stream${fps ? `=fps=${fps}` : ""}`,
    allowCamera ? "--use-fake-ui-for-media-stream" : "--deny-permission-prompts",
    ...(camera ? [`--use-file-for-fake-video-capture=${camera}`] : []),
    ...(microphone ? [`--use-file-for-fake-audio-capture=${microphone}`] : []),
    ...args,
  ];
}

/** Variable with the address of the Chromium that the tests of a run share. */
export const SHARED_CHROMIUM = "GAPLESS_TESTS_CHROMIUM";

async function launchOptions(options: ChromiumOptions): Promise<LaunchOptions> {
  return {
    executablePath: await ensureChromium(),
    args: flags(options),
    // It would put every picture that crosses a process into a file on disk: frames get lost.
    ignoreDefaultArgs: ["--disable-dev-shm-usage"],
  };
}

/** Starts the Chromium that {@link launchChromium} connects to where it is asked for nothing special. */
export async function serveChromium(): Promise<AsyncDisposable & { address: string }> {
  const server = await chromium.launchServer(await launchOptions({}));
  return { address: server.wsEndpoint(), [Symbol.asyncDispose]: () => server.close() };
}

/**
 * A Chromium with no pages: one that is shared unless flags are wanted. Its own contexts, or it, end with
 * `await browser.close()`.
 */
export async function launchChromium(options: ChromiumOptions = {}): Promise<Browser> {
  const shared = Deno.env.get(SHARED_CHROMIUM);
  const isPlain = flags(options).join() === flags({}).join();
  if (shared && isPlain) return await chromium.connect(shared);
  return await chromium.launch(await launchOptions(options));
}

/**
 * Starts a Chromium whose tabs can really be hidden (`document.hidden`, throttled timers, no painting):
 * one that Playwright did not start and whose pages it does not keep "visible". Use its first context;
 * a tab is hidden by bringing another one to the front. Close it with `await browser.close()`.
 */
export async function launchHideableChromium(options: ChromiumOptions = {}): Promise<Browser> {
  const profile = await Deno.makeTempDir({ prefix: "chromium-" });
  const child = new Deno.Command(await ensureChromium(), {
    args: [
      "--headless=new",
      "--remote-debugging-port=0",
      `--user-data-dir=${profile}`,
      ...flags(options),
      "about:blank",
    ],
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const browser = await chromium.connectOverCDP(await debuggerAddress(child.stderr), {
    noDefaults: true,
  });
  browser.once("disconnected", async () => {
    child.kill("SIGTERM");
    await child.status;
    await removeSettled(profile);
  });
  return browser;
}

/** Removes a folder that the last children of a browser may still be writing to. */
async function removeSettled(folder: string): Promise<void> {
  for (let tries = 1;; tries++) {
    try {
      return await Deno.remove(folder, { recursive: true });
    } catch (error) {
      if (tries === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Chromium says on its error output where it can be reached. The rest of that output is let go. */
async function debuggerAddress(errors: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  let text = "";
  for await (const chunk of errors.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const address = text.match(/ws:\/\/\S+/)?.[0];
    if (address) return address;
  }
  throw new Error(`Cannot start Chromium:\n${text}`);
}
