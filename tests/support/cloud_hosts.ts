/**
 * The cloud's hosts in a test browser: what the SDK asks of `*.opentok.com` and `*.tokbox.com` without a
 * proxy address is answered by an emulator, so that the app runs as with credentials.
 */
import { Buffer } from "node:buffer";
import type { BrowserContext } from "playwright-core";

const HTTPS = /^https:\/\/[\w-]+\.(opentok|tokbox)\.com\//;
const SOCKETS = /^wss:\/\/messaging\.opentok\.com\//;
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "*",
  "access-control-allow-methods": "*",
};

/** What came through. */
export interface CloudTraffic {
  /** Hosts that were asked. */
  readonly hosts: Set<string>;
  /** Events of archives that pages were sent, oldest first. */
  readonly archiveEvents: ("started" | "stopped")[];
}

/** Answers the cloud's hosts in a browser context from the emulator at `origin`. */
export async function serveCloudHosts(
  context: BrowserContext,
  origin: string,
): Promise<CloudTraffic> {
  const traffic = { hosts: new Set<string>(), archiveEvents: [] as ("started" | "stopped")[] };
  await context.route(HTTPS, async (route) => {
    const request = route.request();
    const { host, pathname, search } = new URL(request.url());
    traffic.hosts.add(host);
    if (request.method() === "OPTIONS") return await route.fulfill({ status: 204, headers: CORS });
    const response = await fetch(`${origin}/emulator/${host}${pathname}${search}`, {
      method: request.method(),
      headers: await request.allHeaders(),
      body: request.postData(),
    });
    await route.fulfill({
      status: response.status,
      headers: { ...CORS, "content-type": "application/json" },
      body: (await response.text()).replaceAll("messaging.emulator", "messaging.opentok.com"),
    });
  });
  await context.routeWebSocket(SOCKETS, (page) => {
    const { host, search } = new URL(page.url());
    traffic.hosts.add(host);
    const server = new WebSocket(
      `${origin.replace("http", "ws")}/emulator/messaging.emulator/socket${search}`,
    );
    server.binaryType = "arraybuffer";
    const early: Uint8Array<ArrayBuffer>[] = [];
    page.onMessage((message) => {
      const bytes = Uint8Array.from(typeof message === "string" ? [] : message);
      if (server.readyState === WebSocket.OPEN) server.send(bytes);
      else early.push(bytes);
    });
    page.onClose((code, reason) => server.close(code === 1005 ? 1000 : code, reason));
    server.onopen = () => {
      for (const bytes of early) server.send(bytes);
    };
    server.onmessage = ({ data }) => {
      const text = new TextDecoder().decode(data);
      if (/"uri":"[^"]*\/archive\//.test(text)) {
        if (text.includes('"method":"created"')) traffic.archiveEvents.push("started");
        else if (text.includes('"status":"stopped"')) traffic.archiveEvents.push("stopped");
      }
      page.send(Buffer.from(data));
    };
    server.onclose = ({ code, reason }) => {
      void page.close({ code: code === 1005 ? 1000 : code, reason });
    };
  });
  return traffic;
}
