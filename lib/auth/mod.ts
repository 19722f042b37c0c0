/** Who may do what: sign-in by password, access by link, and the questions pages and API ask. */
import { jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import type { Values } from "../store/values.ts";
import { AuthError } from "./errors.ts";
import { samePassword, sha256 } from "./password.ts";
import {
  countAttempt,
  deleteLink,
  findLinks,
  forgetAttempts,
  type Link,
  type LinkScope,
  listLinks,
  MAX_LINKS_AT_ONCE,
  putLink,
  signingKey,
} from "./records.ts";
import { isHttps } from "./same_origin.ts";

export { AuthError } from "./errors.ts";
export { type Link, linkSchema, type LinkScope, linkScopeSchema } from "./records.ts";
export { originOf, requireSameOrigin } from "./same_origin.ts";

/** What a caller is. An admin may do everything; `nobody` only sign in or open a link. */
export type Role = "admin" | "participant" | "viewer" | "nobody";

/** A caller, as far as known. `scopes` is null where nothing is closed to them. */
export interface Identity {
  role: Role;
  scopes: LinkScope[] | null;
}

/**
 * The outcome of a sign-in. `cookie` and `deviceCookie` are `Set-Cookie` values; the second makes this
 * browser known, see {@link DEVICE_COOKIE}.
 */
export type SignIn =
  | { ok: true; cookie: string; deviceCookie: string }
  | { ok: false; reason: "wrong-password" | "too-many"; retryAfterSeconds: number };

/** The door of the app. */
export interface Auth {
  /** Who sends this request, by its cookies. Never throws: a bad cookie is nobody's. */
  identify(request: Request): Promise<Identity>;
  /** Judges a password. `address` is the caller's network address, for the limit on tries. */
  signIn(request: Request, password: string, address: string): Promise<SignIn>;
  /** `Set-Cookie` value that signs out. */
  signOut(request: Request): string;
  /** Makes a link; its token is in the answer and nowhere else. */
  createLink(options: { label: string; scope: LinkScope; expiresInMs: number }): Promise<
    { link: Link; token: string }
  >;
  /** One page of the links that are valid. */
  listLinks(options: { cursor?: string | null; limit?: number }): Promise<
    { items: Link[]; cursor: string | null }
  >;
  /** Revokes a link at once; false if there was none. */
  deleteLink(id: string): Promise<boolean>;
  /** Takes a link's token; null if it is unknown, expired or revoked. `cookie` is a `Set-Cookie` value. */
  openLink(request: Request, token: string): Promise<{ cookie: string; path: string } | null>;
}

/** How long an admin stays signed in. */
export const SIGNED_IN_MS = 12 * 60 * 60 * 1000;
/** Failed sign-ins allowed from one known browser, or from one address, in one window. */
export const MAX_ATTEMPTS = 10;
/** The window in which failed sign-ins count. */
export const ATTEMPT_WINDOW_MS = 5 * 60 * 1000;

/** Cookie of who signed in. */
export const ADMIN_COOKIE = "gapless_admin";
/**
 * Cookie of a browser that somebody signed in with before. Its failures are counted apart from its
 * address's: behind a proxy everybody has one address, and whoever guesses there must not lock out
 * those who know the password.
 */
export const DEVICE_COOKIE = "gapless_device";
const DEVICE_COOKIE_MS = 365 * 24 * 60 * 60 * 1000;
/** Cookie of who opened links. */
export const LINKS_COOKIE = "gapless_links";
const LINKS_COOKIE_MS = 30 * 24 * 60 * 60 * 1000;
const ISSUER = "gapless";
const deviceClaims = z.object({ device: z.string().regex(/^[0-9a-f]{32}$/) });
const linksClaims = z.object({ links: z.array(z.string()).max(MAX_LINKS_AT_ONCE) });

/** Opens the door. `password` is null where nobody can be admin (nothing is configured yet). */
export async function createAuth(options: {
  values: Values;
  password: string | null;
  access: "open" | "links";
  now: () => number;
}): Promise<Auth> {
  const { values, password, access, now } = options;
  const key = await signingKey(values);
  // Bound into every admin cookie, so that a new password ends the old one's sessions.
  const fingerprint = hex(await sha256(`${hex(key)}:${password ?? ""}`)).slice(0, 32);

  const sign = (audience: string, claims: Record<string, unknown>, lifeMs: number) =>
    new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).setIssuer(ISSUER)
      .setAudience(audience).setIssuedAt(Math.floor(now() / 1000))
      .setExpirationTime(Math.floor((now() + lifeMs) / 1000)).sign(key);
  async function verify(audience: string, token: string | undefined): Promise<unknown> {
    if (!token) return null;
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: ["HS256"],
        issuer: ISSUER,
        audience,
        currentDate: new Date(now()),
      });
      return payload;
    } catch {
      return null;
    }
  }
  async function linkIds(request: Request): Promise<string[]> {
    const claims = linksClaims.safeParse(
      await verify(LINKS_COOKIE, cookies(request).get(LINKS_COOKIE)),
    );
    return claims.success ? claims.data.links : [];
  }

  return {
    async identify(request) {
      const admin = z.object({ fp: z.literal(fingerprint) })
        .safeParse(await verify(ADMIN_COOKIE, cookies(request).get(ADMIN_COOKIE)));
      if (admin.success && password !== null) return { role: "admin", scopes: null };
      if (access === "open") return { role: "participant", scopes: null };
      const links = await findLinks(values, await linkIds(request), now());
      const scopes = links.map((link) => link.scope);
      if (scopes.some((scope) => scope.kind === "room")) return { role: "participant", scopes };
      return { role: scopes.length > 0 ? "viewer" : "nobody", scopes };
    },

    async signIn(request, given, address) {
      const known = deviceClaims.safeParse(
        await verify(DEVICE_COOKIE, cookies(request).get(DEVICE_COOKIE)),
      );
      const counter = known.success ? `device ${known.data.device}` : address;
      const attempt = await countAttempt(values, counter, now(), ATTEMPT_WINDOW_MS);
      const retryAfterSeconds = Math.max(1, Math.ceil((attempt.untilMs - now()) / 1000));
      if (attempt.count > MAX_ATTEMPTS) {
        return { ok: false, reason: "too-many", retryAfterSeconds };
      }
      if (password === null || !await samePassword(given, password)) {
        return { ok: false, reason: "wrong-password", retryAfterSeconds: 0 };
      }
      await forgetAttempts(values, counter);
      const token = await sign(ADMIN_COOKIE, { fp: fingerprint }, SIGNED_IN_MS);
      const device = known.data?.device ?? hex(crypto.getRandomValues(new Uint8Array(16)));
      const deviceToken = await sign(DEVICE_COOKIE, { device }, DEVICE_COOKIE_MS);
      return {
        ok: true,
        cookie: setCookie(request, ADMIN_COOKIE, token, SIGNED_IN_MS),
        deviceCookie: setCookie(request, DEVICE_COOKIE, deviceToken, DEVICE_COOKIE_MS),
      };
    },

    signOut: (request) => setCookie(request, ADMIN_COOKIE, "", 0),

    async createLink({ label, scope, expiresInMs }) {
      const token = hex(crypto.getRandomValues(new Uint8Array(24)));
      const link: Link = {
        id: await linkId(token),
        label,
        scope,
        createdAtMs: now(),
        expiresAtMs: now() + expiresInMs,
      };
      await putLink(values, link, now());
      return { link, token };
    },

    listLinks: (options) => listLinks(values, now(), options),
    deleteLink: (id) => deleteLink(values, id),

    async openLink(request, token) {
      const id = await linkId(token);
      const [link] = await findLinks(values, [id], now());
      if (!link) return null;
      const ids = [id, ...(await linkIds(request)).filter((other) => other !== id)];
      const value = await sign(
        LINKS_COOKIE,
        { links: ids.slice(0, MAX_LINKS_AT_ONCE) },
        LINKS_COOKIE_MS,
      );
      return {
        cookie: setCookie(request, LINKS_COOKIE, value, LINKS_COOKIE_MS),
        path: link.scope.kind === "room"
          ? `/rooms/${link.scope.room}`
          : `/player/${encodeURIComponent(link.scope.chainId)}`,
      };
    },
  };
}

/** True if this caller may join this room. */
export function mayJoin(identity: Identity, room: string): boolean {
  return identity.scopes === null ||
    identity.scopes.some((scope) => scope.kind === "room" && scope.room === room);
}

/** True if this caller may watch this chain. */
export function mayWatch(identity: Identity, chainId: string): boolean {
  return identity.scopes === null ||
    identity.scopes.some((scope) => scope.kind === "chain" && scope.chainId === chainId);
}

/** True if this caller may look through all rooms, chains and archives. */
export function mayBrowse(identity: Identity): boolean {
  return identity.scopes === null;
}

/**
 * Throws unless `allowed`, which holds for an admin always.
 *
 * @throws {AuthError} `signed-out`
 */
export function demand(identity: Identity, allowed: boolean, action: string): void {
  if (allowed || identity.role === "admin") return;
  throw new AuthError("signed-out", `Cannot ${action}: sign in as admin or open a link for it`);
}

/**
 * Throws unless this is an admin.
 *
 * @throws {AuthError} `signed-out`
 */
export function demandAdmin(identity: Identity, action: string): void {
  if (identity.role !== "admin") {
    throw new AuthError("signed-out", `Cannot ${action}: sign in as admin`);
  }
}

/** `next` if it is a path of this site, else `/`: a sign-in must never lead elsewhere. */
export function safeNext(next: string | null | undefined): string {
  if (!next || !next.startsWith("/")) return "/";
  const base = "http://own.invalid";
  // The parser sees what browsers see: "//host", "/\host" and control characters lead elsewhere.
  const url = URL.canParse(next, base) ? new URL(next, base) : null;
  return url?.origin === base ? url.pathname + url.search + url.hash : "/";
}

const linkId = async (token: string) => hex(await sha256(`link:${token}`));
const hex = (bytes: Uint8Array) => [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");

function cookies(request: Request): Map<string, string> {
  const pairs = (request.headers.get("cookie") ?? "").split(";").map((pair) => {
    const at = pair.indexOf("=");
    return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()] as const;
  });
  return new Map(pairs);
}

function setCookie(request: Request, name: string, value: string, lifeMs: number): string {
  const secure = isHttps(request) ? "; Secure" : "";
  return `${name}=${value}; Path=/; Max-Age=${
    Math.floor(lifeMs / 1000)
  }; HttpOnly; SameSite=Lax${secure}`;
}
