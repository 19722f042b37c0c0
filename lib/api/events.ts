/** Server-sent events: a room's state, whole, on every change and at least every 15 s. */
import type { Chains } from "../handover/chains.ts";
import type { RoomView } from "../recording/views.ts";
import { log } from "../log.ts";
import { RequestError } from "./problem.ts";

/** The longest silence on a stream; proxies and clients take a longer one for a dead connection. */
export const HEARTBEAT_MS = 15_000;
/** Streams that one process holds open at once. */
const MAX_STREAMS = 500;
/** States that may wait for a slow client before it is let go; it comes back and gets the newest. */
const MAX_WAITING = 32;

let openStreams = 0;

/**
 * Answers with the stream of a room's state. It ends when the client goes or `closing` aborts; the
 * browser's EventSource then comes back by itself.
 *
 * @throws {RequestError} 503 when this process holds too many streams
 */
export function eventStream(
  chains: Chains,
  room: string,
  closing: AbortSignal,
): Response {
  if (openStreams >= MAX_STREAMS) {
    throw new RequestError(503, "Cannot open another event stream: too many are open here", 10);
  }
  openStreams++;
  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, closing]);
  const encoder = new TextEncoder();

  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      let heartbeat: ReturnType<typeof setTimeout> | undefined;
      const send = (view: RoomView) => {
        if (signal.aborted) return;
        if ((controller.desiredSize ?? 0) < -MAX_WAITING) {
          controller.error(new Error("The client reads too slowly"));
          gone.abort();
          return;
        }
        controller.enqueue(encoder.encode(`data: ${JSON.stringify(view)}\n\n`));
        clearTimeout(heartbeat);
        heartbeat = setTimeout(beat, HEARTBEAT_MS);
      };
      const beat = () => {
        chains.view(room).then(send).catch((error) => {
          log("error", "event stream lost its room", { room, error: String(error) });
          gone.abort();
        });
      };
      try {
        // Told first, so that a proxy passes the headers on at once and clients retry soon.
        controller.enqueue(encoder.encode("retry: 2000\n\n"));
        for await (const view of chains.watch(room, signal)) send(view);
      } catch (error) {
        if (!signal.aborted) {
          log("error", "event stream failed", { room, error: String(error) });
        }
      } finally {
        clearTimeout(heartbeat);
        openStreams--;
        // A cancelled stream is closed already, and closing it again throws.
        if (!gone.signal.aborted) controller.close();
      }
    },
    cancel() {
      gone.abort();
    },
  });
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      // Proxies that collect answers before they pass them on leave this one alone.
      "x-accel-buffering": "no",
    },
  });
}
