/** A call of two in the app, each in a browser of its own with numbered frames and tones. */
import type { Browser, Page } from "playwright-core";
import { type App, startApp } from "./app.ts";
import { cameraFile, microphoneFile } from "./camera.ts";
import { launchChromium, launchHideableChromium } from "./chromium.ts";
import { join, openHost, openParticipant } from "./people.ts";

/** Colours of the cameras and bands of the tones of host and guest. */
export const COLOURS = ["magenta", "green"] as const;
export const BANDS = ["low", "high"] as const;

/** A participant's browser and the page that is in the call. */
export interface Person {
  browser: Browser;
  page: Page;
}

/** A call in which both see each other; the host's tab can be hidden. */
export interface Call {
  app: App;
  host: Page;
  guest: Page;
  /** Host and guest. */
  people: [Person, Person];
}

/** Starts the app and a call in it, runs `run`, and takes everything down again. */
export async function withCall<T>(
  run: (call: Call) => Promise<T>,
  start: () => Promise<App> = startApp,
): Promise<T> {
  const app = await start();
  const browsers: Browser[] = [];
  const launch = async (who: 0 | 1, start: typeof launchChromium) => {
    const browser = await start({
      camera: await cameraFile(COLOURS[who]),
      microphone: await microphoneFile(BANDS[who]),
    });
    browsers.push(browser);
    return browser;
  };
  try {
    const hostBrowser = await launch(0, launchHideableChromium);
    const guestBrowser = await launch(1, launchChromium);
    const host = await openHost(hostBrowser, app);
    await join(host, "Judge Ada");
    const guest = await openParticipant(guestBrowser, app);
    await join(guest, "Witness Bo");
    await host.getByText("Witness Bo").first().waitFor();
    await guest.getByText("Judge Ada").first().waitFor();
    await settle(host);
    const people: Call["people"] = [
      { browser: hostBrowser, page: host },
      { browser: guestBrowser, page: guest },
    ];
    return await run({ app, host, guest, people });
  } finally {
    await Promise.all(browsers.map((browser) => browser.close()));
    await app.stop();
    await Deno.remove(app.dataDir, { recursive: true });
  }
}

/** Resolves when the guest's video has come up to its full size: senders begin small. */
async function settle(host: Page): Promise<void> {
  const video = host.getByRole("list", { name: "People in the call" }).locator("li")
    .filter({ hasText: "Witness Bo" }).locator("video");
  await video.evaluate((video: HTMLVideoElement) =>
    new Promise<void>((resolve) => {
      let frames = 0;
      const count = () => {
        frames = video.videoWidth < 640 ? 0 : frames + 1;
        if (frames >= 15) resolve();
        else video.requestVideoFrameCallback(count);
      };
      video.requestVideoFrameCallback(count);
    })
  );
}
