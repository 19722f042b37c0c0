/** What a running call holds: memory and open handles of the server and of each browser. */
import { z } from "zod";
import type { App } from "../support/app.ts";
import type { Person } from "../support/call.ts";
import { median, sum } from "../support/statistics.ts";

/** A moment's use of the machine; sizes in bytes. */
export interface Resources {
  /** The server's heap after a collection, its process' memory, its open files, sockets and pipes. */
  serverHeapBytes: number;
  serverBytes: number;
  serverHandles: number;
  /** By person. */
  pages: PageResources[];
}

interface PageResources {
  /** The page's heap after a collection, and its browser's renderer processes. */
  heapBytes: number;
  rendererBytes: number;
  /** Event listeners: what is added at each handover and forgotten shows here first. */
  listeners: number;
}

/** Measures a server and the pages of a call, each with its browser. */
export async function measure(app: App, people: Person[]): Promise<Resources> {
  const pages: PageResources[] = [];
  for (const person of people) pages.push(await measurePage(person));
  return {
    serverHeapBytes: await heapAfterCollection(app.inspector),
    serverBytes: await residentBytes(app.pid()),
    serverHandles: (await Array.fromAsync(Deno.readDir(`/proc/${app.pid()}/fd`))).length,
    pages,
  };
}

async function measurePage({ browser, page }: Person): Promise<PageResources> {
  const cdp = await page.context().newCDPSession(page);
  const root = await browser.newBrowserCDPSession();
  try {
    await cdp.send("HeapProfiler.collectGarbage");
    const { usedSize } = await cdp.send("Runtime.getHeapUsage");
    const { jsEventListeners } = await cdp.send("Memory.getDOMCounters");
    const { processInfo } = await root.send("SystemInfo.getProcessInfo");
    const renderers = processInfo.filter(({ type }) => type === "renderer");
    const sizes = await Promise.all(renderers.map(({ id }) => residentBytes(id)));
    return {
      heapBytes: usedSize,
      rendererBytes: sum(sizes),
      listeners: jsEventListeners,
    };
  } finally {
    await cdp.detach();
    await root.detach();
  }
}

/** Asks a Deno process through its inspector (Chrome DevTools Protocol, HeapProfiler and Runtime). */
async function heapAfterCollection(inspector: string): Promise<number> {
  const listed = await fetch(`http://${inspector}/json`).then((answer) => answer.json());
  const [target] = z.array(z.object({ webSocketDebuggerUrl: z.string() })).parse(listed);
  if (!target) throw new Error(`Measure the server's heap: nothing answers at ${inspector}`);
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  const used = Promise.withResolvers<number>();
  socket.onerror = () => used.reject(new Error(`Measure the server's heap: ${inspector} is gone`));
  socket.onopen = () => {
    socket.send(JSON.stringify({ id: 1, method: "HeapProfiler.collectGarbage" }));
    socket.send(JSON.stringify({ id: 2, method: "Runtime.getHeapUsage" }));
  };
  socket.onmessage = ({ data }) => {
    const { id, result } = answerSchema.parse(JSON.parse(data));
    if (id === 2) used.resolve((result?.usedSize ?? 0) + (result?.backingStorageSize ?? 0));
  };
  return await used.promise.finally(() => socket.close());
}

const answerSchema = z.object({
  id: z.number(),
  result: z.object({ usedSize: z.number(), backingStorageSize: z.number() }).partial(),
}).partial();

/** https://man7.org/linux/man-pages/man5/proc_pid_status.5.html: VmRSS, in kB; 0 for a process that ended. */
async function residentBytes(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
}

/**
 * Seconds in which others of a shared machine had this one's processors, since it started: what is lost
 * then was not there to be recorded. https://man7.org/linux/man-pages/man5/proc_stat.5.html: `steal`, in
 * hundredths; 0 on a machine of one's own.
 */
export async function stolenSeconds(): Promise<number> {
  const [line = ""] = (await Deno.readTextFile("/proc/stat")).split("\n");
  return Number(line.trim().split(/\s+/)[8] ?? 0) / 100;
}

/** One measured thing over time, and how much of it may be added while a call goes on. */
export interface Trend {
  name: string;
  unit: "MB" | "";
  values: number[];
  most: number;
}

/**
 * So much more there may be in the end. Memory of a process is not given back at once and grows in steps;
 * what is in use after a collection, and what is open, stays the same.
 */
const ALLOWED = { process: 80, heap: 4, handles: 8, listeners: 8 };

/** What was measured as rows of a table; `names` are the people's. */
export function trendsOf(looks: Resources[], names: string[]): Trend[] {
  const megabytes = (bytes: number) => bytes / 1e6;
  const row = (
    name: string,
    unit: Trend["unit"],
    most: number,
    value: (look: Resources) => number,
  ): Trend => ({ name, unit, values: looks.map(value), most });
  return [
    row("server: heap", "MB", ALLOWED.heap, (l) => megabytes(l.serverHeapBytes)),
    row("server: process", "MB", ALLOWED.process, (l) => megabytes(l.serverBytes)),
    row("server: handles", "", ALLOWED.handles, (l) => l.serverHandles),
    ...names.flatMap((name, i) => [
      row(`${name}: heap`, "MB", ALLOWED.heap, (l) => megabytes(l.pages[i]?.heapBytes ?? 0)),
      row(
        `${name}: renderers`,
        "MB",
        ALLOWED.process,
        (l) => megabytes(l.pages[i]?.rendererBytes ?? 0),
      ),
      row(`${name}: listeners`, "", ALLOWED.listeners, (l) => l.pages[i]?.listeners ?? 0),
    ]),
  ];
}

/** Whether no more was added than may be, from the second quarter of the time (all is warm) to the last. */
export function isFlat({ values, most }: Trend): boolean {
  const quarter = Math.max(1, Math.floor(values.length / 4));
  return median(values.slice(-quarter)) - median(values.slice(quarter, 2 * quarter)) <= most;
}
