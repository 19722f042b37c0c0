/**
 * The CPU time of a recorded demo call of two, of this checkout against another one. Each checkout is
 * built and served from its own directory and driven only by what its pages show and its HTTP API
 * returns, so that any version can be measured.
 */
import { readdirSync, readFileSync } from "node:fs";
import type { Browser, BrowserContext, Page } from "playwright-core";
import * as z from "zod";
import { cameraFile, microphoneFile } from "../support/camera.ts";
import { launchChromium } from "../support/chromium.ts";
import { decodeFiles, missingNumbers, unwrapFiles } from "../support/decode.ts";
import type { Colour } from "../support/frame_code.ts";
import { join, letRun } from "../support/people.ts";
import { median, sum } from "../support/statistics.ts";
import type { Band } from "../support/tone_code.ts";

/** Runs of each checkout; the checkouts take turns. */
const RUNS = 3;
/** From Start to Stop; a handover that takes longer than planned delays Stop. */
const CALL_SECONDS = 60;
/** From Start to Restart. */
const HANDOVER_AT_SECONDS = 30;
/** The call before Start: first for codecs and bit rates to settle, then to measure it. */
const SETTLE_SECONDS = 5;
const UNRECORDED_SECONDS = 5;
/** Longest wait from Stop until every archive is available or has failed. */
const MAX_FINISH_SECONDS = 150;
/** Longest wait for anything else. */
const MAX_WAIT_SECONDS = 60;
const POLL_SECONDS = 0.25;
/** A busy loop ends after so long, should nothing stop it. */
const MAX_BUSY_SECONDS = 600;
/** Clock ticks a second in `/proc`: fixed in the kernel's interface. */
const TICKS_PER_SECOND = 100;

const COLOURS: Colour[] = ["magenta", "green"];
const PASSWORD = "correct horse battery";
/** The archives of a chain with one handover: primary, interim, primary. */
const PARTS = 3;

/** Rows of a checkout are printed under this name. */
interface Checkout {
  name: string;
  dir: string;
}

/** What one recorded call cost. */
type CallCost = Awaited<ReturnType<typeof measureCall>>;

/**
 * Measures both checkouts {@link RUNS} times, prints every run and the ratio of the medians. `busyLoops`
 * processes use the CPU meanwhile: they show how soon archives are available on a busy machine.
 */
export async function compareCallCost(dir: string, busyLoops: number): Promise<void> {
  const checkouts: [Checkout, Checkout] = [
    { name: "this checkout", dir: new URL("../../", import.meta.url).pathname },
    { name: dir, dir },
  ];
  for (const checkout of checkouts) await build(checkout);
  printMethod(busyLoops);
  const costs = new Map<Checkout, CallCost[]>(checkouts.map((checkout) => [checkout, []]));
  for (let run = 1; run <= RUNS; run++) {
    // The order alternates: a machine that gets slower or faster favours neither.
    for (const checkout of run % 2 === 1 ? checkouts : checkouts.toReversed()) {
      const cost = await measureCall(checkout.dir, busyLoops).catch((error) => {
        console.log(`Run ${run} of ${checkout.name} failed:`, error);
        return null;
      });
      if (!cost) continue;
      costs.get(checkout)?.push(cost);
      console.log(`\nRun ${run} of ${checkout.name}:`);
      const print = (what: string, value: string | number) =>
        console.log(`  ${what.padEnd(20)} ${value}`);
      for (const [what, value] of Object.entries(cost.figures)) print(what, round(value));
      print(
        "available",
        `${cost.availableArchives} of ${PARTS} after ${round(cost.finishSeconds)} s`,
      );
      for (const colour of COLOURS) print(`missing ${colour}`, cost.missing[colour]);
    }
  }
  printRatios(checkouts.map((checkout) => costs.get(checkout) ?? []));
}

function printMethod(busyLoops: number): void {
  console.log(
    `A recorded demo call of two, cameras of 640x480, ${CALL_SECONDS} s with one handover, ` +
      `${RUNS} runs of each checkout, ${busyLoops} busy loops beside.\n` +
      "CPU seconds are user + system of the server and both browsers with all their children, from " +
      "just before Start until every archive is available or has failed, at most " +
      `${MAX_FINISH_SECONDS} s after Stop; "call CPU s" ends just before Stop. Both stay in the call ` +
      "until the end, so that slow finishing is counted.",
  );
}

function printRatios(costs: CallCost[][]): void {
  const compare = (what: string, pick: (cost: CallCost) => number) => {
    const [ours = NaN, theirs = NaN] = costs.map((runs) => median(runs.map(pick)));
    const ratio = (ours / theirs).toFixed(2);
    console.log(
      `${what}, medians: ${ours.toFixed(1)} s and ${theirs.toFixed(1)} s, ratio ${ratio}`,
    );
  };
  console.log();
  compare("CPU until every archive is available", (cost) => cost.figures["CPU s"]);
  compare("CPU of the call until Stop", (cost) => cost.figures["call CPU s"]);
  const isComplete = (cost: CallCost) => cost.availableArchives === PARTS;
  if (costs.every((runs) => runs.length > 0 && runs.every(isComplete))) {
    compare("From Stop until every archive is available", (cost) => cost.finishSeconds);
  } else {
    const counts = costs.map((runs) => `${runs.filter(isComplete).length} of ${runs.length}`);
    console.log(`Runs in which every archive became available: ${counts.join(" and ")}`);
  }
}

/** Serves a checkout that has been built, records one call and measures it. */
async function measureCall(dir: string, busyLoops: number) {
  await using server = await serve(dir);
  await using host = await launchCaller("magenta", "low");
  await using guest = await launchCaller("green", "high");
  const hostPage = await openHost(host.browser, server.origin);
  await join(hostPage, "Ada");
  const guestPage = await (await guest.browser.newContext()).newPage();
  await guestPage.goto(`${server.origin}/`);
  await join(guestPage, "Bo");
  await hostPage.getByText("Bo").first().waitFor();
  await letRun(SETTLE_SECONDS);
  const roots = [server.pid, host.pid, guest.pid];
  const settled = readUsage(roots);
  await letRun(UNRECORDED_SECONDS);
  const unrecorded = sum(readUsage(roots).seconds) - sum(settled.seconds);
  using _busy = startBusyLoops(busyLoops);

  const before = readUsage(roots);
  const call = await recordCall(hostPage, server.origin, () => readUsage(roots));
  const film = await untilFinished(hostPage, server.origin, call.chainId);
  const after = readUsage(roots);

  const [ofServer = NaN, ofHost = NaN, ofGuest = NaN] = after.seconds.map((seconds, i) =>
    seconds - (before.seconds[i] ?? NaN)
  );
  const cpuSeconds = sum(after.seconds) - sum(before.seconds);
  await Promise.all([hostPage, guestPage].map((page) => page.goto("about:blank")));
  return {
    /** By the names that they are printed under. */
    figures: {
      // All processes, from just before Start until every archive is available.
      "CPU s": cpuSeconds,
      "server": ofServer,
      "recording browser": ofHost,
      "other browser": ofGuest,
      // Until just before Stop.
      "call CPU s": sum(call.usage.seconds) - sum(before.seconds),
      "cores before Start": unrecorded / UNRECORDED_SECONDS,
      // Everything else on this machine meanwhile: a high value spoils the run.
      "CPU s of others": after.machineSeconds - before.machineSeconds - cpuSeconds,
      "call s": call.seconds,
      "handover s": call.handoverSeconds,
    },
    /** From Stop until every archive is available or has failed, or the wait ends. */
    finishSeconds: film.finishSeconds,
    availableArchives: film.parts.filter(isAvailable).length,
    /** Missing frames of each camera between its first and its last one in the files. */
    missing: await missingFrames(hostPage.context(), guest.browser, server, film.parts),
  };
}

/** Start, a handover, Stop, by the host's buttons; `measure` is called just before Stop. */
async function recordCall(host: Page, origin: string, measure: () => Usage) {
  const startedMs = performance.now();
  const since = (ms: number) => (performance.now() - ms) / 1000;
  await host.getByRole("textbox", { name: "Archive name" }).fill("Bench");
  await press(host, "Start archive");
  const { chain } = await untilRoom(host, origin, ({ chain }) => chain?.state === "recording");
  if (!chain) throw new Error("Cannot measure the call: the recording has not started");
  await letRun(HANDOVER_AT_SECONDS - since(startedMs));
  const handoverMs = performance.now();
  await press(host, "Restart archive");
  const isHandedOver = ({ parts, procedure }: Room) => parts.length === PARTS && procedure === null;
  await untilRoom(host, origin, isHandedOver);
  const handoverSeconds = since(handoverMs);
  await letRun(Math.max(0, CALL_SECONDS - since(startedMs)));
  const usage = measure();
  const seconds = since(startedMs);
  await press(host, "Stop archive");
  return { chainId: chain.id, usage, seconds, handoverSeconds };
}

async function press(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name, exact: true }).click();
}

async function openHost(browser: Browser, origin: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${origin}/host`);
  await page.getByRole("textbox", { name: "Password" }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("**/host");
  return page;
}

/** The fields of `/api/rooms/main` that every version has. */
const roomSchema = z.object({
  chain: z.object({ id: z.string(), state: z.string() }).nullable(),
  parts: z.array(z.unknown()),
  procedure: z.unknown(),
});
type Room = z.infer<typeof roomSchema>;
/** The fields of `/api/chains/:id` that every version has. */
const filmSchema = z.object({
  parts: z.array(z.object({ status: z.string(), mediaUrl: z.string() })),
});
type Parts = z.infer<typeof filmSchema>["parts"];

function untilRoom(page: Page, origin: string, isDone: (room: Room) => boolean): Promise<Room> {
  return poll("the room is not ready", async () => {
    const room = roomSchema.parse(await getJson(page.context(), `${origin}/api/rooms/main`));
    return isDone(room) ? room : null;
  });
}

/** Looks until there is something, or throws after {@link MAX_WAIT_SECONDS}. */
async function poll<T>(otherwise: string, look: () => Promise<T | null>): Promise<T> {
  const deadlineMs = performance.now() + MAX_WAIT_SECONDS * 1000;
  while (performance.now() < deadlineMs) {
    const found = await look();
    if (found !== null) return found;
    await letRun(POLL_SECONDS);
  }
  throw new Error(`Cannot measure the call: ${otherwise} after ${MAX_WAIT_SECONDS} s`);
}

/** Waits after Stop until every archive is available or has failed, or for the longest time allowed. */
async function untilFinished(page: Page, origin: string, chainId: string) {
  const stoppedMs = performance.now();
  for (;;) {
    const { parts } = filmSchema.parse(
      await getJson(page.context(), `${origin}/api/chains/${chainId}`),
    );
    const finishSeconds = (performance.now() - stoppedMs) / 1000;
    const isFinished = parts.length === PARTS &&
      parts.every((part) => isAvailable(part) || part.status === "failed");
    if (isFinished || finishSeconds > MAX_FINISH_SECONDS) return { parts, finishSeconds };
    await letRun(POLL_SECONDS);
  }
}

function isAvailable({ status }: { status: string }): boolean {
  return status === "available";
}

async function getJson(context: BrowserContext, url: string): Promise<unknown> {
  const response = await context.request.get(url);
  if (!response.ok()) throw new Error(`Cannot read ${url}: status ${response.status()}`);
  return await response.json();
}

/** Downloads every file, whatever its format, and counts the frames that are in none of them. */
async function missingFrames(
  admin: BrowserContext,
  decoder: Browser,
  { origin, dataDir }: { origin: string; dataDir: string },
  parts: Parts,
): Promise<Record<Colour, string>> {
  const none = { magenta: "no file", green: "no file" };
  if (!parts.every(isAvailable)) return none;
  const paths: string[] = [];
  for (const [i, { mediaUrl }] of parts.entries()) {
    const response = await admin.request.get(new URL(mediaUrl, origin).href);
    if (!response.ok()) return none;
    const path = `${dataDir}/part-${i}`;
    await Deno.writeFile(path, await response.body());
    paths.push(path);
  }
  const reports = await decodeFiles(decoder, paths, { colours: COLOURS, bands: [] });
  const count = (colour: Colour) => {
    const files = unwrapFiles(reports, colour);
    const seen = new Set(files.flat()).size;
    if (seen === 0) return "not readable";
    const missing = missingNumbers(files).length;
    return `${missing} of ${seen + missing}`;
  };
  return { magenta: count("magenta"), green: count("green") };
}

async function build({ dir }: Checkout): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "build"],
    cwd: dir,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`Cannot build ${dir}:\n${new TextDecoder().decode(stderr)}`);
}

/** Serves a built checkout on a free port, with its own data. */
async function serve(dir: string) {
  const dataDir = await Deno.makeTempDir({ prefix: "gapless-" });
  const port = freePort();
  const origin = `http://localhost:${port}`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "preview.ts"],
    cwd: dir,
    env: { PORT: String(port), DATA_DIR: dataDir, ADMIN_PASSWORD: PASSWORD },
    stdout: Deno.env.has("VERBOSE") ? "inherit" : "null",
    stderr: "inherit",
  }).spawn();
  await poll(`${origin}/healthz does not answer`, async () => {
    const response = await fetch(`${origin}/healthz`).catch(() => null);
    await response?.body?.cancel();
    return response?.ok ? true : null;
  });
  return {
    origin,
    dataDir,
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGINT");
      await child.status;
      await Deno.remove(dataDir, { recursive: true });
    },
  };
}

function freePort(): number {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  return listener.addr.port;
}

/** A browser with a numbered camera, and the process at the root of its tree. */
async function launchCaller(colour: Colour, band: Band) {
  const camera = await cameraFile(colour);
  const microphone = await microphoneFile(band);
  const before = new Set(childrenOf(Deno.pid, readProcesses()));
  const browser = await launchChromium({ camera, microphone });
  const pid = childrenOf(Deno.pid, readProcesses()).find((child) => !before.has(child));
  if (pid === undefined) throw new Error("Cannot find the process of Chromium");
  return { browser, pid, [Symbol.asyncDispose]: () => browser.close() };
}

function startBusyLoops(count: number): Disposable {
  const program = `const end = Date.now() + ${MAX_BUSY_SECONDS * 1000}; while (Date.now() < end);`;
  const loops = Array.from(
    { length: count },
    () => new Deno.Command(Deno.execPath(), { args: ["eval", program] }).spawn(),
  );
  return {
    [Symbol.dispose]() {
      for (const loop of loops) loop.kill("SIGKILL");
    },
  };
}

/** CPU seconds used so far. */
interface Usage {
  /** Of each tree of processes. */
  seconds: number[];
  /** Of the whole machine. */
  machineSeconds: number;
}

interface Process {
  parent: number;
  ticks: number;
}

/**
 * The CPU time of the trees below `roots`. A process that ends is not lost between two readings: the
 * kernel adds its time to the children's time of the parent that waits for it (Chromium's zygote for the
 * renderers), so one reading at each end of an interval is exact, to a tick a process.
 */
function readUsage(roots: number[]): Usage {
  const processes = readProcesses();
  const ticksOf = (pid: number): number =>
    (processes.get(pid)?.ticks ?? 0) + sum(childrenOf(pid, processes).map(ticksOf));
  const [user = 0, nice = 0, system = 0, _idle, _wait, hard = 0, soft = 0] = readFileSync(
    "/proc/stat",
    "utf8",
  ).split("\n", 1).join().split(/\s+/).slice(1).map(Number);
  return {
    seconds: roots.map((root) => ticksOf(root) / TICKS_PER_SECOND),
    machineSeconds: (user + nice + system + hard + soft) / TICKS_PER_SECOND,
  };
}

/** All processes, with the user and system time of each and of its children that have ended. */
function readProcesses(): Map<number, Process> {
  const processes = new Map<number, Process>();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      // The name before it may contain spaces and brackets. See proc_pid_stat(5): field 3 is first here.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ").map(Number);
      processes.set(Number(pid), { parent: fields[1] ?? 0, ticks: sum(fields.slice(11, 15)) });
    } catch {
      // It has ended since the folder was read.
    }
  }
  return processes;
}

function childrenOf(pid: number, processes: Map<number, Process>): number[] {
  return [...processes].filter(([, { parent }]) => parent === pid).map(([child]) => child);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
