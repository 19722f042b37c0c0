/** Headers that bound what a page may do: content security policy and its companions. */
import { isHttps } from "./auth/same_origin.ts";
import type { Config } from "./config.ts";

/** Domains that OpenTok.js talks to; the last one for Vonage applications. */
const OPENTOK_DOMAINS = ["*.opentok.com", "*.tokbox.com", "*.vonage.com"];
/** Where the platform's archive files lie, besides these. */
const OPENTOK_FILES = ["https://*.amazonaws.com"];

/**
 * Directives that differ from Fresh's defaults, for its `csp()`. With `useNonce` that puts the
 * page's nonce in the place of 'unsafe-inline'.
 */
export function cspDirectives(config: Config): string[] {
  const { platform } = config;
  const remote = platform.kind === "opentok"
    ? [
      ...OPENTOK_DOMAINS.map((domain) => `https://${domain}`),
      ...OPENTOK_FILES,
      ...(platform.apiUrl ? [new URL(platform.apiUrl).origin] : []),
    ]
    : [];
  const sockets = platform.kind === "opentok"
    ? OPENTOK_DOMAINS.map((domain) => `wss://${domain}`)
    : [];
  return [
    "script-src 'self' 'unsafe-inline'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    ["media-src 'self' blob: data:", ...remote].join(" "),
    ["connect-src 'self'", ...remote, ...sockets].join(" "),
    "base-uri 'none'",
  ];
}

/** Pages whose libraries put `<style>` elements of their own into the document, without a nonce. */
function needsInlineStyles(pathname: string): boolean {
  // media-chrome's controls, in shadow roots.
  if (/^\/player\/[^/]+$/.test(pathname)) return true;
  // OpenTok.js.
  return /^\/(participant|host|rooms\/[^/]+(\/host)?)?$/.test(pathname);
}

/**
 * Sets the other security headers on an answer, and makes of Fresh's policy what this request needs.
 * `response` is changed and returned (a copy where its headers cannot be changed).
 */
export function secure(request: Request, response: Response): Response {
  // A switch to WebSocket is no document, and its answer must stay the very same object.
  if (response.status === 101) return response;
  const answer = withOwnHeaders(response);
  const { headers } = answer;
  const { pathname } = new URL(request.url);
  const https = isHttps(request);
  const policy = headers.get("content-security-policy");
  if (policy !== null) {
    const directives = policy.split(";").map((directive) => directive.trim())
      // Self-hosted without TLS there is nothing to upgrade to.
      .filter((directive) => https || directive !== "upgrade-insecure-requests")
      .map((directive) => {
        // Left by Fresh on answers that it did not render: no script is inline there.
        if (directive.startsWith("script-src ")) return directive.replace(" 'unsafe-inline'", "");
        if (!directive.startsWith("style-src ")) return directive;
        return needsInlineStyles(pathname)
          ? "style-src 'self' 'unsafe-inline'"
          : directive.replace(" 'unsafe-inline'", "");
      });
    headers.set("content-security-policy", directives.join("; "));
  }
  headers.set("x-content-type-options", "nosniff");
  if (!headers.has("referrer-policy")) headers.set("referrer-policy", "same-origin");
  headers.set(
    "permissions-policy",
    "camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=(), usb=()",
  );
  headers.set("cross-origin-opener-policy", "same-origin");
  if (https) headers.set("strict-transport-security", "max-age=31536000");
  return answer;
}

/** Answers passed on from `fetch` or `Response.redirect` have headers that cannot be changed. */
function withOwnHeaders(response: Response): Response {
  try {
    response.headers.set("x-content-type-options", "nosniff");
    return response;
  } catch {
    return new Response(response.body, response);
  }
}
