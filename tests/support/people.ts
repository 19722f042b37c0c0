/** What people do in the app, by the names they see. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { filmSchema, type RoomView, roomViewSchema } from "../../lib/recording/views.ts";
import type { App } from "./app.ts";
import { watchConcealment } from "./concealed_audio.ts";

/** Longest wait for anything on a page, ms: a machine may be busy, and a test is never tried twice. */
const PATIENCE_MS = 60_000;

/** Signs in and opens the host page of the default room. */
export async function openHost(browser: Browser, app: App): Promise<Page> {
  const page = await openPage(browser);
  await page.goto(`${app.origin}/host`);
  await page.getByRole("textbox", { name: "Password" }).fill(app.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("**/host");
  return page;
}

/** Opens the participant page of the default room. */
export async function openParticipant(browser: Browser, app: App): Promise<Page> {
  const page = await openPage(browser);
  await page.goto(`${app.origin}/`);
  return page;
}

/**
 * A page without echo cancellation: it would remove the other participant's tones from the microphone,
 * and parts of one's own with them.
 */
async function openPage(browser: Browser): Promise<Page> {
  const page = await (browser.contexts()[0] ?? await browser.newContext()).newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await watchConcealment(page);
  await page.addInitScript(() => {
    const { mediaDevices } = navigator;
    const ask = mediaDevices.getUserMedia.bind(mediaDevices);
    mediaDevices.getUserMedia = (wanted) => {
      const audio = typeof wanted?.audio === "object"
        ? { ...wanted.audio, echoCancellation: false }
        : wanted?.audio;
      return ask({ ...wanted, ...(audio !== undefined && { audio }) });
    };
  });
  return page;
}

/** Fills in a name and joins the call of the page that is open. */
export async function join(page: Page, name: string): Promise<void> {
  await page.getByRole("textbox", { name: "Your name" }).fill(name);
  await page.getByRole("button", { name: "Join", exact: true }).click();
  await page.getByRole("button", { name: "Leave" }).waitFor();
}

/** Presses a button, in a hidden tab too, which paints nothing to aim at. */
async function press(page: Page, name: string): Promise<void> {
  const button = page.getByRole("button", { name, exact: true }).and(page.locator(":enabled"));
  await button.waitFor();
  await button.evaluate((element) => element instanceof HTMLElement && element.click());
}

/** Begins to record by the host's button; answers the chain's id. */
export async function startRecording(host: Page, app: App, name: string): Promise<string> {
  await host.getByRole("textbox", { name: "Archive name" }).fill(name);
  await press(host, "Start archive");
  const { chain } = await untilRoom(host, app, (view) => view.chain?.state === "recording");
  if (!chain) throw new Error("The recording has not begun");
  return chain.id;
}

/** Hands over by the host's button, and waits until the recording has so many parts. */
export async function handOver(host: Page, app: App, parts: number): Promise<void> {
  await press(host, "Restart archive");
  await untilRoom(host, app, (view) => view.parts.length === parts && view.procedure === null);
}

/** Ends a recording by the host's button. */
export async function stopRecording(host: Page, app: App): Promise<void> {
  await press(host, "Stop archive");
  await untilRoom(host, app, (view) => view.chain === null && view.procedure === null);
}

/** Waits until the room is as `done` wants it, and answers how it is then. */
export async function untilRoom(
  page: Page,
  app: App,
  done: (view: RoomView) => boolean,
  timeoutMs = 60_000,
): Promise<RoomView> {
  return await poll(async () => {
    const view = roomViewSchema.parse(
      await getJson(page.context(), `${app.origin}/api/rooms/main`),
    );
    return done(view) ? view : null;
  }, timeoutMs);
}

/** Waits until every part of a chain is ready to be watched and its place is known from its file. */
export async function untilFilmReady(page: Page, app: App, chainId: string) {
  let lacking: string[] = [];
  const film = await poll(async () => {
    const film = filmSchema.parse(
      await getJson(page.context(), `${app.origin}/api/chains/${chainId}`),
    );
    lacking = [
      ...film.parts.filter((part) => part.status !== "available")
        .map(({ seq, status, reason }) => `part ${seq} is ${status} (${reason})`),
      ...film.seams.filter((seam) => seam.source !== "file")
        .map(({ afterSeq, source }) => `the seam after part ${afterSeq} is known by ${source}`),
    ];
    return lacking.length === 0 ? film : null;
  }, 60_000).catch((cause) => {
    throw new Error(`The film is not ready: ${lacking.join(", ")}`, { cause });
  });
  return film;
}

/** Downloads every part of a film in order; answers the files' paths. */
export async function downloadParts(
  page: Page,
  app: App,
  film: { parts: { archiveId: string; mediaUrl: string }[] },
): Promise<string[]> {
  const paths: string[] = [];
  for (const part of film.parts) {
    const answer = await page.context().request.get(new URL(part.mediaUrl, app.origin).href);
    if (!answer.ok()) throw new Error(`Cannot download ${part.mediaUrl}: ${answer.status()}`);
    const path = `${app.dataDir}/downloaded-${part.archiveId}`;
    await Deno.writeFile(path, await answer.body());
    paths.push(path);
  }
  return paths;
}

/** Waits without anything to wait for: the time a recording runs. */
export function letRun(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

async function getJson(context: BrowserContext, url: string): Promise<unknown> {
  const answer = await context.request.get(url);
  if (!answer.ok()) {
    throw new Error(`Cannot read ${url}: ${answer.status()} ${await answer.text()}`);
  }
  return await answer.json();
}

async function poll<T>(look: () => Promise<T | null>, timeoutMs: number): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (Date.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain`);
    await letRun(0.2);
  }
}
