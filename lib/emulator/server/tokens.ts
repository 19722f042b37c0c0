/** Everything the emulator signs or verifies. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { Buffer } from "node:buffer";
import { jwtVerify } from "jose";
import { z } from "zod";
import type { ConnectionRecord } from "../../store/mod.ts";
import { EmulatorError } from "./errors.ts";

/** OpenTok accepts REST tokens that live at most 5 minutes; one more for clocks that differ. */
const REST_TOKEN_SECONDS = 360;
const restClaims = z.object({
  ist: z.literal("project"),
  iat: z.number(),
  exp: z.number(),
  /** A client's token is signed with the same secret: it must not open the REST API. */
  scope: z.undefined().optional(),
}).refine(({ iat, exp }) => exp - iat <= REST_TOKEN_SECONDS);
const clientClaims = z.object({
  scope: z.literal("session.connect"),
  session_id: z.string(),
  role: z.enum(["subscriber", "publisher", "publisheronly", "moderator"]),
  connection_data: z.string().max(1024).default(""),
});

/** Who a client is, by its token; `data` is shown to everyone in the session. */
export type ClientIdentity = Pick<ConnectionRecord, "sessionId" | "role" | "data" | "tokenHash">;

/** Signs and verifies in the name of one project. */
export class Tokens {
  readonly #secret: Uint8Array;

  constructor(readonly apiKey: string, apiSecret: string) {
    this.#secret = new TextEncoder().encode(apiSecret);
  }

  /** Verifies the JWT of a REST call. Throws a 403 {@link EmulatorError}. */
  async verifyRest(token: string | undefined): Promise<void> {
    await this.#verify(restClaims, token, "the REST token is missing or invalid");
  }

  /** Verifies a token made by the SDK's `generateToken`. Throws a 403 {@link EmulatorError}. */
  async verifyClient(token = ""): Promise<ClientIdentity> {
    const claims = await this.#verify(clientClaims, token, "the client token is invalid");
    const { session_id: sessionId, role, connection_data: data } = claims;
    const tokenHash = createHash("sha256").update(token).digest("base64url");
    return { sessionId, role, data, tokenHash };
  }

  /** A signature that only this project can make; `purpose` keeps one use apart from another. */
  sign(purpose: "media" | "upload" | "ticket", text: string): string {
    return createHmac("sha256", this.#secret).update(`${purpose}\n${text}`).digest("base64url");
  }

  /** Whether `signature` is {@link sign}'s, compared in constant time. */
  isSigned(purpose: "media" | "upload" | "ticket", text: string, signature: string): boolean {
    const expected = Buffer.from(this.sign(purpose, text));
    const given = Buffer.from(signature);
    return expected.length === given.length && timingSafeEqual(expected, given);
  }

  /** The claims of a JWT that is ours and not expired. */
  async #verify<T>(schema: z.ZodType<T>, token = "", why: string): Promise<T> {
    try {
      const options = { issuer: this.apiKey, algorithms: ["HS256"], requiredClaims: ["exp"] };
      return schema.parse((await jwtVerify(token, this.#secret, options)).payload);
    } catch (cause) {
      throw new EmulatorError(403, `Authentication error: ${why}`, { cause });
    }
  }
}
