import { BUILD_ID } from "./build_id.ts";
import { type Context, contextSnapshots, nonces } from "./context.ts";
import { HttpError } from "./error.ts";
import { BUST_PARAM } from "./runtime.ts";
import type { Middleware } from "./types.ts";

const YEAR = "public, max-age=31536000, immutable";
const NEVER = "no-cache, no-store, max-age=0, must-revalidate";

/** Serves the files of `static/` and the browser's modules. */
export function staticFiles<State>(): Middleware<State> {
  return async (ctx) => {
    const { req, url, config } = ctx;
    const snapshot = contextSnapshots.get(ctx);
    const pathname = decodePath(url.pathname);
    const file = pathname === null ? null : await snapshot?.file(pathname);
    if (!file || pathname === null) return await ctx.next();
    if (req.method !== "GET" && req.method !== "HEAD") {
      return new Response("Method Not Allowed", { status: 405 });
    }

    // An address locked to another build must not be kept as if it were this one's.
    const bust = url.searchParams.get(BUST_PARAM);
    if (bust !== null && bust !== BUILD_ID) {
      url.searchParams.delete(BUST_PARAM);
      const location = url.pathname + url.search;
      return new Response(null, { status: 307, headers: { location } });
    }

    const headers = new Headers({
      "content-type": file.contentType,
      vary: "If-None-Match",
    });
    const locked = bust !== null ||
      pathname.startsWith(`/_fresh/js/${BUILD_ID}/`);
    headers.set(
      "cache-control",
      locked && config.mode === "production" ? YEAR : NEVER,
    );
    if (config.mode === "production") {
      const etag = `W/"${file.hash}"`;
      headers.set("etag", etag);
      const known = req.headers.get("if-none-match")?.split(",").map((tag) => tag.trim());
      if (
        known?.some((tag) => tag === etag || tag === file.hash || tag === "*")
      ) {
        return new Response(null, { status: 304, headers });
      }
    }
    headers.set("content-length", String(file.bytes.length));
    return new Response(req.method === "HEAD" ? null : file.bytes, {
      headers,
    });
  };
}

function decodePath(pathname: string): string | null {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return null;
  }
}

/** Options of {@linkcode csp}. */
export interface CSPOptions {
  /** Directives that replace the defaults of the same name, or are added. */
  csp?: string[];
  /** Allow inline scripts and styles by a nonce, not all of them. */
  useNonce?: boolean;
}

const DEFAULT_POLICY = [
  "default-src 'self'",
  "script-src 'self' 'unsafe-inline'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self'",
  "img-src 'self' data:",
  "media-src 'self' data: blob:",
  "worker-src 'self' blob:",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "upgrade-insecure-requests",
];

/** Sets a Content-Security-Policy on every response that passes through. */
export function csp<State>(options: CSPOptions = {}): Middleware<State> {
  const { csp: own = [], useNonce } = options;
  const nameOf = (directive: string) => directive.split(" ")[0] ?? "";
  const names = new Set(own.map(nameOf));
  const policy = [
    ...DEFAULT_POLICY.filter((directive) => !names.has(nameOf(directive))),
    ...own,
  ];
  const inline = /^(?:default|script|style)-src/;

  return async (ctx) => {
    const response = await ctx.next();
    const nonce = useNonce ? nonces.get(response) : undefined;
    const directives = policy.map((directive) =>
      nonce && inline.test(directive)
        ? directive.replaceAll("'unsafe-inline'", `'nonce-${nonce}'`)
        : directive
    );
    response.headers.set("content-security-policy", directives.join("; "));
    return response;
  };
}

/** Options of {@linkcode csrf}. */
// deno-lint-ignore no-explicit-any -- as upstream declares it
export interface CsrfOptions<State = any> {
  /** Which origins may change things besides the app's own. */
  origin?:
    | string
    | string[]
    | ((origin: string, ctx: Context<State>) => boolean);
}

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Rejects changing requests that another site made a browser send, with 403. It goes by
 * `Sec-Fetch-Site` and `Origin`; a request with neither does not come from a browser.
 */
export function csrf<State>(
  options: CsrfOptions<State> = {},
): Middleware<State> {
  const isAllowed = (origin: string | null, ctx: Context<State>): boolean => {
    const { origin: allowed } = options;
    if (origin === null) return false;
    if (allowed === undefined) return origin === ctx.url.origin;
    return typeof allowed === "function" ? allowed(origin, ctx) : [allowed].flat().includes(origin);
  };
  return async (ctx) => {
    const { method, headers } = ctx.req;
    const site = headers.get("sec-fetch-site");
    const origin = headers.get("origin");
    if (
      SAFE_METHODS.has(method) || site === "same-origin" || site === "none" ||
      (site === null && origin === null) || isAllowed(origin, ctx)
    ) {
      return await ctx.next();
    }
    throw new HttpError(403);
  };
}
