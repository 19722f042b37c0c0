/** What a call asks of our own server. Every failure is a {@link CallError} in words. */
import * as z from "zod";
import type { ArchiveOptions } from "../recording/model.ts";
import { type Join, joinSchema, type RoomView, roomViewSchema } from "../recording/views.ts";
import { CallError, problemOf } from "./errors.ts";

const JOIN_TIMEOUT_MS = 15_000;
/** A handover waits for people and overlaps; it may take more than a minute and be right. */
const RECORDING_TIMEOUT_MS = 180_000;

/** Refusals as the API words them (RFC 9457). */
const refusalSchema = z.object({ title: z.string(), detail: z.string().optional() });

/** Asks for entry passes to both sessions of a room. */
export function askToJoin(room: string, who: { name: string; host: boolean }): Promise<Join> {
  return post(room, "join", who, JOIN_TIMEOUT_MS, joinSchema);
}

/** Starts, hands over or stops the recording of a room; answers when it is done. */
export function askRecording(
  room: string,
  verb: "start" | "restart" | "stop",
  body: { name: string; options: ArchiveOptions } | Record<string, never> = {},
): Promise<RoomView> {
  return post(room, verb, body, RECORDING_TIMEOUT_MS, roomViewSchema);
}

async function post<T>(
  room: string,
  verb: string,
  body: unknown,
  timeoutMs: number,
  schema: z.ZodType<T>,
): Promise<T> {
  let answer: Response;
  let content: unknown;
  try {
    answer = await fetch(`/api/rooms/${encodeURIComponent(room)}/${verb}`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
    content = await answer.json();
  } catch (cause) {
    throw new CallError(problemOf("JoinUnreachable"), { cause });
  }
  if (!answer.ok) throw new CallError(refusal(answer.status, content));
  const parsed = schema.safeParse(content);
  if (!parsed.success) {
    throw new CallError(problemOf("OT_UNEXPECTED_SERVER_RESPONSE"), { cause: parsed.error });
  }
  return parsed.data;
}

function refusal(status: number, content: unknown) {
  const parsed = refusalSchema.safeParse(content);
  const known = problemOf("JoinRefused");
  const text = parsed.success ? parsed.data.detail ?? parsed.data.title : known.text;
  return { code: `http-${status}`, text, remedy: REMEDIES[status] ?? "Try again in a moment." };
}

/** What to do about the API's answers. */
const REMEDIES: Record<number, string> = {
  400: "Change what you entered and try again.",
  401: "Sign in again.",
  403: "Ask the host for a link to this room, or sign in.",
  404: "Check the address of the room.",
  409: "Look at the state of the room and try again.",
  429: "Wait a minute and try again.",
};
