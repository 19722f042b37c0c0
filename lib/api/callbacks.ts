/**
 * What the platform tells about archives. A callback is only a hint: it makes us read the archive.
 * Signed as Vonage documents it: a JWT in `Authorization`, HS256 with the account's signature secret,
 * whose `payload_hash` is the SHA-256 of the body.
 */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { jwtVerify } from "jose";
import { Buffer } from "node:buffer";
import { timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { AuthError } from "../auth/mod.ts";
import { sha256 } from "../auth/password.ts";
import { InvalidInputError, RequestError } from "./problem.ts";
import { type ApiContext, type ApiEnv, createRouter, problems } from "./router.ts";

/** How old a signature may be. */
export const MAX_AGE_SECONDS = 10 * 60;
const CLOCK_DIFFERENCE_SECONDS = 60;
/** How long a callback's id is remembered: until its signature is too old anyway. */
const REMEMBERED_MS = (MAX_AGE_SECONDS + 2 * CLOCK_DIFFERENCE_SECONDS) * 1000;

const archiveEventSchema = z.object({ id: z.string().min(1).max(200) });
const claimsSchema = z.object({
  payload_hash: z.string().regex(/^[0-9a-f]{64}$/i),
  jti: z.string().min(1).max(200),
});

/** The routes under `/callbacks`. */
export function callbackRoutes(context: ApiContext): OpenAPIHono<ApiEnv> {
  const { chains, store } = context;
  const router = createRouter();
  router.openapi(
    createRoute({
      method: "post",
      path: "/callbacks/archive",
      summary: "For the platform: an archive has changed",
      responses: { 204: { description: "Taken note of" }, ...problems },
    }),
    async (c) => {
      const raw = await c.req.text();
      const jti = context.signatureSecret === null
        ? null
        : await verify(context.signatureSecret, c.req.header("authorization"), raw);
      const event = archiveEventSchema.safeParse(parseJson(raw));
      if (!event.success) throw new InvalidInputError(event.error);
      const seen = ["callbacks", jti ?? ""];
      if (jti !== null && await store.values.get(seen, z.literal(true))) return c.body(null, 204);
      await chains.hint(event.data.id);
      // Only now: one that failed is sent again with the same signature.
      if (jti !== null) await store.values.set(seen, true, { expireInMs: REMEMBERED_MS });
      return c.body(null, 204);
    },
  );
  return router;
}

/** The id of a callback whose signature is right. */
async function verify(
  secret: string,
  authorization: string | undefined,
  raw: string,
): Promise<string> {
  const token = authorization?.match(/^Bearer (.+)$/i)?.[1];
  // The platform repeats what was answered with 5xx, and then may have its signing in order.
  if (!token) throw new RequestError(503, "Cannot take an unsigned callback: signing is on here");
  const refuse = () =>
    new AuthError("signed-out", "Cannot take this callback: its signature is not right");
  const verified = await jwtVerify(token, new TextEncoder().encode(secret), {
    algorithms: ["HS256"],
    maxTokenAge: MAX_AGE_SECONDS,
    clockTolerance: CLOCK_DIFFERENCE_SECONDS,
  }).catch(() => {
    throw refuse();
  });
  const claims = claimsSchema.safeParse(verified.payload);
  if (!claims.success) throw refuse();
  const given = Buffer.from(claims.data.payload_hash, "hex");
  if (!timingSafeEqual(given, await sha256(raw))) throw refuse();
  return claims.data.jti;
}

function parseJson(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    throw new RequestError(400, "Cannot use this callback: its body is not JSON");
  }
}
