/** What a running call holds: memory and open handles of the server and of each browser. */
import type { Browser, Page } from "playwright-core";

/** A moment's use of the machine; sizes in bytes. */
export interface Resources {
  /** Resident memory of the server's process, and its open files, sockets and pipes. */
  serverBytes: number;
  serverHandles: number;
  /** By person: the page's heap after a collection, and its browser's renderer processes. */
  heapBytes: number[];
  rendererBytes: number[];
  /** Event listeners of the pages: what is added at each handover and forgotten shows here first. */
  listeners: number[];
}

/** Measures a server and the pages of a call, each with its browser. */
export async function measure(
  serverPid: number,
  people: { browser: Browser; page: Page }[],
): Promise<Resources> {
  const pages = await Promise.all(people.map(measurePage));
  return {
    serverBytes: await residentBytes(serverPid),
    serverHandles: (await Array.fromAsync(Deno.readDir(`/proc/${serverPid}/fd`))).length,
    heapBytes: pages.map(({ heapBytes }) => heapBytes),
    rendererBytes: pages.map(({ rendererBytes }) => rendererBytes),
    listeners: pages.map(({ listeners }) => listeners),
  };
}

async function measurePage({ browser, page }: { browser: Browser; page: Page }) {
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
      rendererBytes: sizes.reduce((sum, size) => sum + size, 0),
      listeners: jsEventListeners,
    };
  } finally {
    await cdp.detach();
    await root.detach();
  }
}

/** https://man7.org/linux/man-pages/man5/proc_pid_status.5.html: VmRSS, in kB; 0 for a process that ended. */
async function residentBytes(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
}

/** One measured thing over time, and how much of it may be added from the first look to the last. */
export interface Trend {
  name: string;
  unit: "MB" | "";
  values: number[];
  most: number;
}

/** A second look may find this much more without anything growing: caches fill, collections lag. */
const ALLOWED = { server: 40, handles: 8, heap: 8, renderer: 80, listeners: 8 };

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
    row("server memory", "MB", ALLOWED.server, (l) => megabytes(l.serverBytes)),
    row("server handles", "", ALLOWED.handles, (l) => l.serverHandles),
    ...names.flatMap((name, i) => [
      row(`${name}: heap`, "MB", ALLOWED.heap, (l) => megabytes(l.heapBytes[i] ?? 0)),
      row(`${name}: renderers`, "MB", ALLOWED.renderer, (l) => megabytes(l.rendererBytes[i] ?? 0)),
      row(`${name}: listeners`, "", ALLOWED.listeners, (l) => l.listeners[i] ?? 0),
    ]),
  ];
}

/** Whether no more was added than may be. */
export function isFlat({ values, most }: Trend): boolean {
  return (values.at(-1) ?? 0) - (values[0] ?? 0) <= most;
}
