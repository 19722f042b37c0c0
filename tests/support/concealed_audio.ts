/**
 * Audio that WebRTC made up. Where packets come too late, on a busy machine or a bad network, the
 * receiver's jitter buffer fills in what it can, and then silence: no recorder can have the original.
 * https://www.w3.org/TR/webrtc-stats/#dom-rtcinboundrtpstreamstats-concealedsamples
 */
import type { Page } from "playwright-core";

declare global {
  var rtcPeerConnections: RTCPeerConnection[] | undefined;
}

/** Has a page that is not open yet keep its peer connections. */
export async function watchConcealment(page: Page): Promise<void> {
  await page.addInitScript(keepPeerConnections);
}

/** Runs in the page, before its own scripts. */
export function keepPeerConnections(): void {
  const kept: RTCPeerConnection[] = globalThis.rtcPeerConnections = [];
  globalThis.RTCPeerConnection = new Proxy(RTCPeerConnection, {
    construct(target, args, newTarget) {
      const connection = Reflect.construct(target, args, newTarget);
      kept.push(connection);
      return connection;
    },
  });
}

/** How much of the audio that a page received until now was made up, ms. */
export async function concealedMs(page: Page): Promise<number> {
  return await page.evaluate(async () => {
    let ms = 0;
    for (const connection of globalThis.rtcPeerConnections ?? []) {
      for (const [, stats] of await connection.getStats()) {
        if (stats.type === "inbound-rtp" && stats.kind === "audio") {
          ms += stats.concealedSamples / 48;
        }
      }
    }
    return ms;
  });
}
