/** What the browser SDK requests over HTTP: its configuration, session information, logging. */
import { Hono } from "hono";
import { z } from "zod";
import type { EmulatorRecords } from "../../store/mod.ts";
import { EmulatorError } from "./errors.ts";
import { SERVER_ADDRESS, type Sessions } from "./sessions.ts";
import { checkRoom } from "./signalling.ts";
import type { Tokens } from "./tokens.ts";

/** The host that clients are told to connect their sockets to; the proxy address keeps it as a path. */
const MESSAGING_HOST = "messaging.emulator";

const ticketSchema = z.tuple([z.string(), z.string(), z.string()])
  .transform(([sessionId, tokenHash, signature]) => ({ sessionId, tokenHash, signature }));

/**
 * A ticket names the session and the token of a socket. A client that reconnects brings nothing else
 * of who it is, and may do so after its token has expired.
 */
function makeTicket(tokens: Tokens, sessionId: string, tokenHash: string): string {
  const signature = tokens.sign("ticket", `${sessionId} ${tokenHash}`);
  return [sessionId, tokenHash, signature].join(".");
}

/** Reads a ticket; null for one that is not ours. */
export function readTicket(
  tokens: Tokens,
  ticket: string,
): { sessionId: string; tokenHash: string } | null {
  const parsed = ticketSchema.safeParse(ticket.split("."));
  if (!parsed.success) return null;
  const { sessionId, tokenHash, signature } = parsed.data;
  const isOurs = tokens.isSigned("ticket", `${sessionId} ${tokenHash}`, signature);
  return isOurs ? { sessionId, tokenHash } : null;
}

/** The routes, below the hosts that the SDK asks. */
export function clientRoutes(
  { tokens, records, sessions }: {
    tokens: Tokens;
    records: EmulatorRecords;
    sessions: Sessions;
  },
): Hono {
  const routes = new Hono();
  // The SDK's built-in defaults will do.
  routes.get("/config.opentok.com/project/:key/config.json", (c) => c.json({}));
  routes.post("/hlg.tokbox.com/*", (c) => c.body(null, 204));
  routes.get("/anvil.opentok.com/session/:id", async (c) => {
    const sessionId = c.req.param("id");
    try {
      const identity = await tokens.verifyClient(c.req.header("x-opentok-auth"));
      if (identity.sessionId !== sessionId) {
        throw new EmulatorError(403, "Cannot connect: the token is for another session");
      }
      if (!await records.session(sessionId)) {
        throw new EmulatorError(404, "Cannot connect: the session does not exist");
      }
      checkRoom(sessions, sessionId, identity.tokenHash);
      const ticket = makeTicket(tokens, sessionId, identity.tokenHash);
      return c.json([{
        session_id: sessionId,
        partner_id: tokens.apiKey,
        session_status: "INTERACTIVE",
        messaging_server_url: MESSAGING_HOST,
        messaging_url: `wss://${MESSAGING_HOST}/socket?ticket=${encodeURIComponent(ticket)}`,
        symphony_address: SERVER_ADDRESS,
        ice_servers: [],
        properties: {
          p2p: { preference: { value: "enabled" } },
          reconnection: true,
          renegotiation: true,
          simulcast: false,
          h264: true,
          vp8: true,
          vp9: true,
        },
      }]);
    } catch (error) {
      if (!(error instanceof EmulatorError)) throw error;
      // Other statuses than 200 are repeated by the SDK, and their text is lost.
      const { status: code, message } = error;
      return c.json([{ error: { code, errorMessage: { code, message } } }]);
    }
  });
  return routes;
}
