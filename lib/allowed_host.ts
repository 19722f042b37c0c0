/**
 * Which names this server answers to in demo mode. A page of another site can point a name of its own
 * at this machine (DNS rebinding) and would then be of this server's origin; addresses cannot be.
 */
import { isIP } from "node:net";
import type { Config } from "./config.ts";

/** Whether a request's URL names this server by localhost, an IP address, `HOST` or `PUBLIC_URL`. */
export function isAllowedHost(url: URL, { platform, host, publicUrl }: Config): boolean {
  if (platform.kind !== "emulator") return true;
  const { hostname } = url;
  // The URL parser writes IPv6 addresses in brackets and every form of IPv4 address with dots.
  if (hostname === "localhost" || hostname.startsWith("[") || isIP(hostname) !== 0) return true;
  return hostname === host.toLowerCase() ||
    (publicUrl !== null && hostname === new URL(publicUrl).hostname);
}

/** What to do about a name that is not allowed. */
export function hostRemedy({ origin }: URL): string {
  return `In demo mode this server answers only to localhost, IP addresses, and the names in HOST and PUBLIC_URL. To use this address, start it with PUBLIC_URL=${origin}`;
}
