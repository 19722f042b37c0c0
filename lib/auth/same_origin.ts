/** Cross-site request forgery: the one place that decides where a changing request may come from. */
import { AuthError } from "./errors.ts";

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Refuses a changing request that another site's page made. Browsers say where a request comes from
 * (`Sec-Fetch-Site`, older ones `Origin`); a caller that says neither is no browser, and has no
 * cookies but its own.
 *
 * @throws {AuthError} `cross-site`
 */
export function requireSameOrigin(request: Request): void {
  if (SAFE_METHODS.has(request.method)) return;
  const site = request.headers.get("sec-fetch-site");
  if (site !== null) {
    if (site === "same-origin" || site === "none") return;
  } else {
    const origin = request.headers.get("origin");
    if (origin === null || origin === originOf(request)) return;
  }
  throw new AuthError("cross-site", "Cannot accept a change that was sent by another site's page");
}

/** The origin a browser sees: behind a proxy that ends TLS, the request itself arrives as http. */
export function originOf(request: Request): string {
  const url = new URL(request.url);
  if (isHttps(request)) url.protocol = "https:";
  return url.origin;
}

/** True if the browser's side of the connection is encrypted. */
export function isHttps(request: Request): boolean {
  return request.url.startsWith("https:") || request.headers.get("x-forwarded-proto") === "https";
}
