/** What the browser SDK asks: its configuration and session information over HTTP, then a WebSocket. */
import { Hono } from "hono";
import { RateLimiter } from "limiter";
import { log } from "../../log.ts";
import { EmulatorError, ensure, jsonText, parse } from "./errors.ts";
import { decodeFrame, encodeFrame, type Frame, KIND } from "./frames.ts";
import { LIMITS } from "./limits.ts";
import type { Platform } from "./server.ts";
import { type Connection, connectionView, SERVER_ADDRESS, streamView } from "./sessions.ts";
import { type ClientRequest, idSchema, requestSchema, serveRequest } from "./signalling.ts";
import { sendTo, upgradeWebSocket } from "./sockets.ts";

/** The host that clients are told to connect their sockets to; the proxy address keeps it as a path. */
const MESSAGING_HOST = "messaging.emulator";
/** The client gives up at once after this close code; after nearly any other it reconnects. */
const CANNOT_RETURN = 1011;
const requestText = jsonText.pipe(requestSchema);

/** The routes, below the hosts that the SDK asks. */
export function clientRoutes(platform: Platform): Hono {
  const { records, tokens } = platform;
  const routes = new Hono();
  // The SDK's built-in defaults will do.
  routes.get("/config.opentok.com/project/:key/config.json", (c) => c.json({}));
  routes.post("/hlg.tokbox.com/*", (c) => c.body(null, 204));
  routes.get(`/${MESSAGING_HOST}/socket`, (c) => openClientSocket(c.req.raw, platform));
  routes.get("/anvil.opentok.com/session/:id", async (c) => {
    const sessionId = c.req.param("id");
    try {
      const { tokenHash } = await admit(platform, sessionId, c.req.header("x-opentok-auth"));
      const session = await records.session(sessionId);
      ensure(session, 404, "Cannot connect: the session does not exist");
      // A client that reconnects brings nothing else of who it is, maybe after its token has expired.
      const ticket = `${tokenHash}.${tokens.sign("ticket", tokenHash)}`;
      return c.json([{
        session_id: sessionId,
        partner_id: tokens.apiKey,
        session_status: "INTERACTIVE",
        messaging_server_url: MESSAGING_HOST,
        messaging_url: `wss://${MESSAGING_HOST}/socket?ticket=${ticket}`,
        symphony_address: SERVER_ADDRESS,
        ice_servers: [],
        properties: {
          p2p: { preference: { value: "enabled" } },
          ...{ reconnection: true, renegotiation: true, simulcast: false },
          ...{ h264: true, vp8: true, vp9: true },
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

/**
 * Who may connect to a session with a token. Throws a 403 {@link EmulatorError}, also if the session or
 * the token has as many connections as it may. A connection whose client is away does not count: it
 * may be the one that now comes again.
 */
async function admit({ tokens, sessions }: Platform, sessionId = "", token = "") {
  const identity = await tokens.verifyClient(token);
  const isSame = identity.sessionId === sessionId;
  ensure(isSame, 403, "Cannot connect: the token is for another session");
  const present = sessions.connections(sessionId).filter(({ socket }) => socket !== null);
  const own = present.filter(({ tokenHash }) => tokenHash === identity.tokenHash);
  const { connectionsPerSession: most, connectionsPerToken: mostOwn } = LIMITS;
  ensure(present.length < most, 403, `Cannot connect: a session may have ${most} clients`);
  const why = `one token may be used by ${mostOwn} clients at once`;
  ensure(own.length < mostOwn, 403, `Cannot connect: ${why}`);
  return identity;
}

/** `GET /socket?ticket=&socketId=&reconnect=`: needs the very request of `Deno.serve`. */
function openClientSocket(request: Request, platform: Platform): Response {
  const { searchParams } = new URL(request.url);
  const { socket, response } = upgradeWebSocket(request);
  const [tokenHash = "", signature = ""] = (searchParams.get("ticket") ?? "").split(".");
  const isSigned = platform.tokens.isSigned("ticket", tokenHash, signature);
  const socketId = (searchParams.get("socketId") ?? "").slice(0, 64);
  const isReturning = searchParams.get("reconnect") === "true";
  socket.onopen = () => {
    if (!isSigned || socketId === "") return socket.close(CANNOT_RETURN, "The ticket is invalid");
    const connection = platform.sessions.all()
      .find((each) => isReturning && each.socketId === socketId && each.tokenHash === tokenHash);
    // Refusing the handshake would make the client try again for half a minute.
    if (isReturning && !connection) return socket.close(CANNOT_RETURN, "The connection is over");
    if (connection) resume(connection, socket);
    serveClient(socket, platform, { socketId, tokenHash }, connection);
  };
  return response;
}

/** The client is back; events that it missed are sent again. */
function resume(connection: Connection, socket: WebSocket): void {
  connection.socket?.close(4000, "The client reconnected");
  connection.socket = socket;
  // The first frame tells the client that it is reconnected.
  sendTo(socket, encodeFrame(KIND.pong));
  for (const frame of connection.unacknowledged.values()) sendTo(socket, frame);
}

/** Serves a client's requests in order and within limits; the first one creates its connection. */
function serveClient(
  socket: WebSocket,
  platform: Platform,
  origin: { socketId: string; tokenHash: string },
  connection: Connection | undefined,
): void {
  const budget = new RateLimiter(LIMITS.messages);
  let badMessages = 0;
  let serving: Promise<void> = Promise.resolve();
  const queue = (work: () => Promise<void> | void) => {
    serving = serving.then(work).catch((error) => {
      log("error", "emulator: request of a client failed", { error: String(error) });
      socket.close(CANNOT_RETURN, "The request failed");
    });
  };
  // Only a disconnect frame means that a client leaves; without one it is expected back.
  socket.onclose = () =>
    queue(() => {
      if (connection?.socket !== socket) return;
      Object.assign(connection, { socket: null, lostAtMs: performance.now() });
    });
  socket.onmessage = ({ data }) => {
    if (!(data instanceof ArrayBuffer) || data.byteLength > LIMITS.messageBytes) {
      return socket.close(CANNOT_RETURN, "The message is too big or not binary");
    }
    if (!budget.tryRemoveTokens(1)) return socket.close(CANNOT_RETURN, "Too many messages");
    const frame = decodeFrame(data);
    const request = frame?.kind === KIND.message ? requestText.safeParse(frame.body) : null;
    if (!frame || request?.success === false) {
      if (++badMessages > LIMITS.badMessages) socket.close(CANNOT_RETURN, "Bad messages");
      return;
    }
    const { kind, headers } = frame;
    if (request) queue(() => serve(headers, request.data));
    // Answered before anything slow: the client takes 6 s of silence for a broken connection.
    if (kind === KIND.ping) sendTo(socket, encodeFrame(KIND.pong));
    const transactionId = headers.get("TRANSACTION-ID") ?? "";
    if (kind === KIND.status) connection?.unacknowledged.delete(transactionId);
    // With `reconnect: "1"` the client is about to open another socket.
    if (kind !== KIND.disconnect || headers.get("reconnect") === "1") return;
    queue(() => connection && platform.sessions.leave(connection, "clientDisconnected"));
  };

  async function serve(headers: Frame["headers"], request: ClientRequest): Promise<void> {
    const transactionId = headers.get("TRANSACTION-ID") ?? "";
    const repeated = connection?.answers.get(transactionId);
    if (repeated) return sendTo(socket, repeated);
    let status = 200;
    let data: unknown;
    let events: Awaited<ReturnType<typeof serveRequest>>;
    try {
      if (connection) {
        events = await serveRequest(platform.sessions, connection, request);
        if (request.method === "create") data = { content: { iceServers: [] } };
      } else {
        connection = await join(request, headers.get("X-TB-TOKEN-AUTH"));
        data = sessionView(platform, connection);
      }
    } catch (error) {
      if (!(error instanceof EmulatorError)) throw error;
      ({ status } = error);
      data = { reason: error.message };
    }
    const answer = encodeFrame(KIND.status, {
      address: headers.get("X-TB-FROM-ADDRESS") ?? "",
      headers: {
        "TRANSACTION-ID": transactionId,
        STATUS: String(status),
        "X-TB-FROM-ADDRESS": SERVER_ADDRESS,
      },
      body: data === undefined ? "" : JSON.stringify(data),
    });
    const answers = connection?.answers.set(transactionId, answer);
    const [oldest = ""] = answers?.keys() ?? [];
    if (answers && answers.size > LIMITS.keptAnswers) answers.delete(oldest);
    // The client may have reconnected meanwhile.
    sendTo(connection?.socket ?? socket, answer);
    await events?.();
  }

  async function join({ method, kind, ids }: ClientRequest, token?: string): Promise<Connection> {
    const isJoin = `${method} ${kind}` === "create connection";
    ensure(isJoin, 403, "Cannot act: the client has not joined the session");
    const { sessionId, ...identity } = await admit(platform, ids.session, token);
    const isSame = identity.tokenHash === origin.tokenHash;
    ensure(isSame, 403, "Cannot connect: the socket is for another token");
    return await platform.sessions.join({
      ...{ sessionId, ...identity, ...origin, streams: [], subscribers: [] },
      id: parse(idSchema, ids.connection, "connect"),
      createdAtMs: Date.now(),
    }, socket);
  }
}

/** What a client learns as it joins. */
function sessionView({ sessions, archives }: Platform, { sessionId }: Connection) {
  return {
    connection: sessions.connections(sessionId).map(connectionView),
    stream: sessions.streams(sessionId).map(streamView),
    archive: archives.running(sessionId),
  };
}
