/** Everything the emulator signs or verifies. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { Buffer } from "node:buffer";
import { jwtVerify } from "jose";
import { z } from "zod";
import { EmulatorError } from "./errors.ts";

const restClaims = z.object({
  ist: z.literal("project"),
  iat: z.number(),
  exp: z.number(),
  /** A client's token is signed with the same secret: it must not open the REST API. */
  scope: z.undefined().optional(),
});
const clientClaims = z.object({
  scope: z.literal("session.connect"),
  exp: z.number(),
  session_id: z.string(),
  role: z.enum(["subscriber", "publisher", "publisheronly", "moderator"]),
  connection_data: z.string().max(1024).default(""),
});
/** Who a client is, by its token. */
export interface ClientIdentity {
  sessionId: string;
  role: z.infer<typeof clientClaims>["role"];
  /** What the token says about the client; shown to everyone in the session. */
  data: string;
  tokenHash: string;
}

/** What a signature is for. */
type Purpose = "media" | "upload" | "ticket";

/** OpenTok accepts REST tokens that live at most 5 minutes; one more for clocks that differ. */
const REST_TOKEN_SECONDS = 360;

/** Signs and verifies in the name of one project. */
export class Tokens {
  readonly #secret: Uint8Array;

  constructor(readonly apiKey: string, private readonly apiSecret: string) {
    this.#secret = new TextEncoder().encode(apiSecret);
  }

  /** Verifies the JWT of a REST call. Throws a 403 {@link EmulatorError}. */
  async verifyRest(token: string | undefined): Promise<void> {
    const claims = restClaims.safeParse(await this.#claims(token));
    if (!claims.success || claims.data.exp - claims.data.iat > REST_TOKEN_SECONDS) {
      throw new EmulatorError(403, "Authentication error: the REST token is missing or invalid");
    }
  }

  /** Verifies a token made by the SDK's `generateToken`. Throws a 403 {@link EmulatorError}. */
  async verifyClient(token: string | undefined): Promise<ClientIdentity> {
    const claims = clientClaims.safeParse(await this.#claims(token));
    if (!claims.success || token === undefined) {
      throw new EmulatorError(403, "Authentication error: the client token is invalid or expired");
    }
    const { session_id, role, connection_data } = claims.data;
    const tokenHash = createHash("sha256").update(token).digest("base64url");
    return { sessionId: session_id, role, data: connection_data, tokenHash };
  }

  /** A signature that only this project can make; `purpose` keeps one use apart from another. */
  sign(purpose: Purpose, text: string): string {
    return createHmac("sha256", this.apiSecret).update(`${purpose}\n${text}`).digest("base64url");
  }

  /** Whether `signature` is {@link sign}'s, compared in constant time. */
  isSigned(purpose: Purpose, text: string, signature: string): boolean {
    const expected = Buffer.from(this.sign(purpose, text));
    const given = Buffer.from(signature);
    return expected.length === given.length && timingSafeEqual(expected, given);
  }

  /** The claims of a JWT that is ours and not expired, or null. */
  async #claims(token: string | undefined): Promise<unknown> {
    if (!token) return null;
    try {
      const options = { issuer: this.apiKey, algorithms: ["HS256"], requiredClaims: ["exp"] };
      return (await jwtVerify(token, this.#secret, options)).payload;
    } catch {
      return null;
    }
  }
}
