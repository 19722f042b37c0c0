/** What sign-in and links keep in the store: the signing key, failed attempts, links. */
import { z } from "zod";

/** What a link opens: a room to join, or a chain to watch. */
export const linkScopeSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("room"), room: z.string() }),
  z.object({ kind: z.literal("chain"), chainId: z.string() }),
]);
/** What a link opens. */
export type LinkScope = z.infer<typeof linkScopeSchema>;

/** A link an admin made. Its token is known only to whoever holds it: `id` is the token's hash. */
export const linkSchema = z.object({
  id: z.string(),
  label: z.string(),
  scope: linkScopeSchema,
  createdAtMs: z.number(),
  expiresAtMs: z.number(),
});
/** A link an admin made. */
export type Link = z.infer<typeof linkSchema>;

const KEY_BYTES = 32;
const MAX_LINKS = 1000;
/** `getMany` takes ten keys. */
export const MAX_LINKS_AT_ONCE = 10;

/** The key that signs cookies, the same for every process: made once, by whoever comes first. */
export async function signingKey(kv: Deno.Kv): Promise<Uint8Array> {
  const key = ["access", "signing-key"];
  const made = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  const result = await kv.atomic().check({ key, versionstamp: null }).set(key, made).commit();
  if (result.ok) return made;
  return z.instanceof(Uint8Array).parse((await kv.get(key)).value);
}

const attemptsSchema = z.object({ failures: z.number(), untilMs: z.number() });

/**
 * Counts one try before it is judged, so that many at once cannot slip past the limit. Returns the
 * count with this try in it and when it is forgotten.
 */
export async function countAttempt(
  kv: Deno.Kv,
  address: string,
  nowMs: number,
  windowMs: number,
): Promise<{ failures: number; untilMs: number }> {
  const key = ["access", "attempts", address];
  for (let tries = 0; tries < 20; tries++) {
    const entry = await kv.get(key);
    const stored = attemptsSchema.safeParse(entry.value);
    const current = stored.success && stored.data.untilMs > nowMs
      ? stored.data
      : { failures: 0, untilMs: nowMs + windowMs };
    const next = { failures: current.failures + 1, untilMs: current.untilMs };
    const saved = await kv.atomic().check(entry)
      .set(key, next, { expireIn: Math.max(1, current.untilMs - nowMs) }).commit();
    if (saved.ok) return next;
  }
  // So much contention on one address is itself a reason to refuse.
  return { failures: Number.POSITIVE_INFINITY, untilMs: nowMs + windowMs };
}

/** Forgets the failed sign-ins of an address. */
export async function forgetAttempts(kv: Deno.Kv, address: string): Promise<void> {
  await kv.delete(["access", "attempts", address]);
}

/** Keeps a link until it expires. */
export async function putLink(kv: Deno.Kv, link: Link, nowMs: number): Promise<void> {
  await kv.set(["access", "links", link.id], link, {
    expireIn: Math.max(1, link.expiresAtMs - nowMs),
  });
}

/** The links among `ids` (at most ten) that are still valid. */
export async function findLinks(kv: Deno.Kv, ids: string[], nowMs: number): Promise<Link[]> {
  const keys = ids.slice(0, MAX_LINKS_AT_ONCE).map((id) => ["access", "links", id]);
  if (keys.length === 0) return [];
  const entries = await kv.getMany(keys);
  return entries.flatMap((entry) => parseLink(entry.value, nowMs));
}

/** Every valid link, newest first (the store keeps no more than a thousand in one answer). */
export async function listLinks(kv: Deno.Kv, nowMs: number): Promise<Link[]> {
  const links: Link[] = [];
  for await (const entry of kv.list({ prefix: ["access", "links"] }, { limit: MAX_LINKS })) {
    links.push(...parseLink(entry.value, nowMs));
  }
  return links.sort((a, b) => b.createdAtMs - a.createdAtMs);
}

/** Revokes a link at once; false if there was none. */
export async function deleteLink(kv: Deno.Kv, id: string): Promise<boolean> {
  const key = ["access", "links", id];
  const entry = await kv.get(key);
  if (entry.value === null) return false;
  await kv.delete(key);
  return true;
}

function parseLink(value: unknown, nowMs: number): Link[] {
  const parsed = linkSchema.safeParse(value);
  return parsed.success && parsed.data.expiresAtMs > nowMs ? [parsed.data] : [];
}
