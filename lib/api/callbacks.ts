/**
 * What the platform tells about archives and sessions. A callback is only a hint: it makes us look.
 * Signed as Vonage documents it: a JWT in `Authorization`, HS256 with the account's signature secret,
 * whose `payload_hash` is the SHA-256 of the body.
 */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { jwtVerify } from "jose";
import { Buffer } from "node:buffer";
import { timingSafeEqual } from "node:crypto";
import type { HonoRequest } from "hono";
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
/** Connections, streams and the session itself; what happened is seen by looking. */
const sessionEventSchema = z.object({ sessionId: z.string().min(1).max(200) });
const claimsSchema = z.object({
  payload_hash: z.string().regex(/^[0-9a-f]{64}$/i),
  jti: z.string().min(1).max(200),
});

/** The routes under `/callbacks`. */
export function callbackRoutes(context: ApiContext): OpenAPIHono<ApiEnv> {
  const { chains, store } = context;
  const router = createRouter();

  /** Takes a callback of this shape, once, and acts on it. */
  async function take<T>(
    request: HonoRequest,
    schema: z.ZodType<T>,
    act: (event: T) => Promise<void>,
  ): Promise<void> {
    const raw = await request.text();
    const jti = context.signatureSecret === null
      ? null
      : await verify(context.signatureSecret, request.header("authorization"), raw);
    const event = schema.safeParse(parseJson(raw));
    if (!event.success) throw new InvalidInputError(event.error);
    const seen = ["callbacks", jti ?? ""];
    if (jti !== null && await store.values.get(seen, z.literal(true))) return;
    await act(event.data);
    // Only now: one that failed is sent again with the same signature.
    if (jti !== null) await store.values.set(seen, true, { expireInMs: REMEMBERED_MS });
  }

  router.openapi(
    callbackRoute("/callbacks/archive", "For the platform: an archive has changed"),
    async (c) => {
      await take(c.req, archiveEventSchema, ({ id }) => chains.hint(id));
      return c.body(null, 204);
    },
  );
  router.openapi(
    callbackRoute("/callbacks/session", "For the platform: something happened in a session"),
    async (c) => {
      await take(c.req, sessionEventSchema, ({ sessionId }) => chains.hintSession(sessionId));
      return c.body(null, 204);
    },
  );
  return router;
}

/** Its body is read raw, for the signature covers its bytes; so no schema of it is checked before. */
function callbackRoute<P extends string>(path: P, summary: string) {
  return createRoute({
    method: "post",
    path,
    summary,
    responses: { 204: { description: "Taken note of" }, ...problems },
  });
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
