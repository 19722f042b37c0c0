/** Real Chromium for tests: found or installed, with a fake camera and microphone. */
import { type Browser, chromium } from "playwright-core";
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
  /** WAV file for the fake microphone, played in a loop. */
  microphone?: string;
  /** False: camera prompts are refused. */
  allowCamera?: boolean;
  args?: string[];
}

/** Starts a Chromium. Close it with `await browser.close()`. */
export async function launchChromium(options: ChromiumOptions = {}): Promise<Browser> {
  const { camera, microphone, allowCamera = true, args = [] } = options;
  return await chromium.launch({
    executablePath: await ensureChromium(),
    args: [
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
      "--use-fake-device-for-media-stream",
      allowCamera ? "--use-fake-ui-for-media-stream" : "--deny-permission-prompts",
      ...(camera ? [`--use-file-for-fake-video-capture=${camera}`] : []),
      ...(microphone ? [`--use-file-for-fake-audio-capture=${microphone}`] : []),
      ...args,
    ],
  });
}
