/** Speaking with a server that may be killed meanwhile: asking it, and following its event stream. */
import type { Page } from "playwright-core";
import { type RoomView, roomViewSchema } from "../../lib/recording/views.ts";

/** A pause before a stream that broke is opened again, ms. */
const REOPEN_MS = 100;

/** Has the room `main` change as an admin's page asks; answers the status, 0 when the server was lost. */
export function askRoom(page: Page, verb: "restart" | "stop"): Promise<number> {
  return page.evaluate(
    (path) => fetch(path, { method: "POST" }).then((r) => r.status, () => 0),
    `/api/rooms/main/${verb}`,
  );
}

/**
 * Waits until a server's event stream of the room `main` tells a state that is as `fits` wants it; the
 * stream is opened again while the server is away.
 */
export async function toldBy(
  origin: string,
  fits: (view: RoomView) => boolean,
  timeoutMs = 40_000,
): Promise<RoomView> {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), timeoutMs);
  try {
    for (;;) {
      const view = await firstFitting(origin, fits, over.signal).catch(() => null);
      if (view) return view;
      if (over.signal.aborted) {
        throw new Error(`Waited ${timeoutMs} ms for ${origin} to tell ${fits}`);
      }
      await new Promise((resolve) => setTimeout(resolve, REOPEN_MS));
    }
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}

/** The first state of one stream that fits, or null when the stream ends before. */
async function firstFitting(
  origin: string,
  fits: (view: RoomView) => boolean,
  signal: AbortSignal,
): Promise<RoomView | null> {
  const response = await fetch(`${origin}/api/rooms/main/events`, { signal });
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { value, done } = await reader?.read() ?? { value: undefined, done: true };
    if (done) return null;
    const blocks = (text + decoder.decode(value, { stream: true })).split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (data === undefined) continue;
      const view = roomViewSchema.parse(JSON.parse(data));
      if (fits(view)) return view;
    }
  }
}
