/** What sign-in and links keep in the store: the signing key, failed attempts, links. */
import { z } from "zod";
import type { Values } from "../store/values.ts";

/** What a link opens: a room to join, or a chain to watch. */
export const linkScopeSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("room"), room: z.string().min(1).max(63) }),
  z.object({ kind: z.literal("chain"), chainId: z.string().min(1).max(100) }),
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

/** How many links one browser can hold at once. */
export const MAX_LINKS_AT_ONCE = 10;

const SIGNING_KEY = ["access", "signing-key"];
const signingKeySchema = z.instanceof(Uint8Array).refine((key) => key.length === 32);
const attemptsSchema = z.object({ count: z.number().int(), untilMs: z.number() });
/** Tries to sign in from one address, forgotten at `untilMs`. */
export type Attempts = z.infer<typeof attemptsSchema>;

/** The key that signs cookies, the same for every process: made once, by whoever comes first. */
export function signingKey(values: Values): Promise<Uint8Array> {
  const made = crypto.getRandomValues(new Uint8Array(32));
  return values.createOnce(SIGNING_KEY, signingKeySchema, made);
}

/**
 * Counts one try, before it is judged: so many at once cannot slip past the limit. Answers the count
 * with this try in it.
 */
export async function countAttempt(
  values: Values,
  address: string,
  nowMs: number,
  windowMs: number,
): Promise<Attempts> {
  const counted = await values.update(
    ["access", "attempts", address],
    attemptsSchema,
    (before) =>
      before && before.untilMs > nowMs
        ? { count: before.count + 1, untilMs: before.untilMs }
        : { count: 1, untilMs: nowMs + windowMs },
    { expireInMs: windowMs },
  );
  return counted ?? { count: 1, untilMs: nowMs + windowMs };
}

/** Forgets the tries of an address. */
export function forgetAttempts(values: Values, address: string): Promise<void> {
  return values.delete(["access", "attempts", address]);
}

/** Keeps a link until it expires. */
export function putLink(values: Values, link: Link, nowMs: number): Promise<void> {
  const expireInMs = Math.max(1, link.expiresAtMs - nowMs);
  return values.set(["access", "links", link.id], link, { expireInMs });
}

/** The links among `ids` (at most ten) that are still valid. */
export async function findLinks(values: Values, ids: string[], nowMs: number): Promise<Link[]> {
  const found = await Promise.all(
    ids.slice(0, MAX_LINKS_AT_ONCE).map((id) => values.get(["access", "links", id], linkSchema)),
  );
  return found.filter((link) => link !== null).filter((link) => link.expiresAtMs > nowMs);
}

/** One page of the valid links. */
export async function listLinks(
  values: Values,
  nowMs: number,
  options: { cursor?: string | null; limit?: number },
): Promise<{ items: Link[]; cursor: string | null }> {
  const page = await values.list(["access", "links"], linkSchema, options);
  const items = page.items.map((item) => item.value).filter((link) => link.expiresAtMs > nowMs);
  return { items, cursor: page.cursor };
}

/** Revokes a link at once; false if there was none. */
export async function deleteLink(values: Values, id: string): Promise<boolean> {
  const existed = await values.get(["access", "links", id], linkSchema) !== null;
  await values.delete(["access", "links", id]);
  return existed;
}
