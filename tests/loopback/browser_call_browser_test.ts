import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { capture, launchCaller, openCallSite } from "./browser_support.ts";

Deno.test("two pages publish, see each other, signal, mute and leave", async () => {
  await using site = await openCallSite();
  const session = await site.platform.createSession();
  const browser = await launchCaller("magenta", "low");
  try {
    const ada = await site.open(browser);
    const bob = await site.open(browser);
    for (const [page, name] of [[ada, "Ada"], [bob, "Bob"]] as const) {
      await page.evaluate((constraints) => call.open(constraints), capture);
      await connect(page, session, site.token(session));
      await page.evaluate(() => call.subscribeAll("primary"));
      await page.evaluate((name) => call.publish("primary", name), name);
    }
    await ada.evaluate(() => call.heard("primary subscribed Bob ok"));
    await bob.evaluate(() => call.heard("primary subscribed Ada ok"));
    await bob.waitForFunction(() => {
      const video = document.querySelector<HTMLVideoElement>("video[data-name=Ada]");
      return video !== null && video.videoWidth > 0 && video.currentTime > 0.2;
    });

    await ada.evaluate(() => call.signal("primary", "test", "hello"));
    await bob.evaluate(() => call.heard("primary signal:test hello client"));
    await ada.evaluate(() => call.heard("primary signal:test hello client"));
    await site.platform.signal(session, { type: "test", data: "from above" });
    await bob.evaluate(() => call.heard("primary signal:test from above server"));

    await ada.evaluate(() => call.publishVideo(false));
    await bob.evaluate(() => call.heard("primary streamPropertyChanged Ada hasVideo false"));
    await ada.evaluate(() => call.publishAudio(false));
    await bob.evaluate(() => call.heard("primary streamPropertyChanged Ada hasAudio false"));
    assert.deepEqual(await bob.evaluate(() => call.streams("primary")), [
      { name: "Ada", hasAudio: false, hasVideo: false },
    ]);

    await ada.evaluate(() => call.disconnect("primary"));
    await ada.evaluate(() => call.heard("primary sessionDisconnected clientDisconnected"));
    await bob.evaluate(() => call.heard("primary streamDestroyed Ada clientDisconnected"));
    await bob.evaluate(() => call.heard("primary unsubscribed Ada clientDisconnected"));
    await bob.evaluate(() => call.heard("primary connectionDestroyed clientDisconnected"));
  } finally {
    await browser.close();
  }
});

Deno.test("a refused token fails to connect as OpenTok.js documents it", async () => {
  await using site = await openCallSite();
  const session = await site.platform.createSession();
  const browser = await launchCaller("magenta", "low");
  try {
    const page = await site.open(browser);
    await assert.rejects(connect(page, session, "T1==bad"), /OT_AUTHENTICATION_ERROR/);
  } finally {
    await browser.close();
  }
});

Deno.test("a call goes on where it was after the platform was restarted", async () => {
  await using site = await openCallSite();
  const session = await site.platform.createSession();
  const browser = await launchCaller("magenta", "low");
  try {
    const ada = await site.open(browser);
    const bob = await site.open(browser);
    await ada.evaluate((constraints) => call.open(constraints), capture);
    await connect(ada, session, site.token(session));
    await ada.evaluate(() => call.publish("primary", "Ada"));
    await connect(bob, session, site.token(session));
    await bob.evaluate(() => call.subscribeAll("primary"));
    await bob.evaluate(() => call.heard("primary subscribed Ada ok"));

    await site.restart();
    for (const page of [ada, bob]) {
      await page.evaluate(() => call.heard("primary sessionReconnecting"));
      await page.evaluate(() => call.heard("primary sessionReconnected"));
    }
    await ada.evaluate(() => call.publishAudio(false));
    await bob.evaluate(() => call.heard("primary streamPropertyChanged Ada hasAudio false"));
    const log = await bob.evaluate(() => call.log);
    assert.deepEqual(log.filter((line) => line.includes("streamDestroyed")), []);
  } finally {
    await browser.close();
  }
});

async function connect(page: Page, session: string, token: string): Promise<void> {
  await page.evaluate(
    ([session, token]) => call.connect("primary", session, token),
    [session, token] as const,
  );
}
