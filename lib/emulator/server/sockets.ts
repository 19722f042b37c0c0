/** What the sockets of clients, of recorders and of relays have in common. */
import { EmulatorError, ensure } from "./errors.ts";
import { LIMITS } from "./limits.ts";

/** Switches a request to a WebSocket. Throws {@link EmulatorError} where that is not asked for. */
export function upgradeWebSocket(request: Request): Deno.WebSocketUpgrade {
  const upgrade = request.headers.get("upgrade")?.toLowerCase();
  ensure(upgrade === "websocket", 426, "Cannot connect: this address takes WebSockets only");
  try {
    // Seconds without an answer to a ping of the protocol, which hidden pages answer, too.
    const upgraded = Deno.upgradeWebSocket(request, { idleTimeout: 20 });
    upgraded.socket.binaryType = "arraybuffer";
    upgraded.socket.onerror = () => {}; // `close` follows
    return upgraded;
  } catch (cause) {
    throw new EmulatorError(400, "Cannot connect: the handshake is not complete", { cause });
  }
}

/** Sends to a socket if it is open; one whose receiver is too slow is closed for a return. */
export function sendTo(socket: WebSocket | null, data: string | BufferSource): void {
  if (socket?.readyState !== WebSocket.OPEN) return;
  if (socket.bufferedAmount <= LIMITS.sendQueueBytes) socket.send(data);
  else socket.close(4001, "The client is too slow in receiving");
}
