/**
 * The API as browsers ask it: typed calls whose answers are parsed, and one error in words for all
 * that can go wrong. It imports nothing of the server's.
 */
import * as z from "zod";
import type { ArchiveOptions } from "../recording/model.ts";
import {
  type Film,
  filmSchema,
  type Join,
  joinSchema,
  PAGE_VERSION,
  type RoomView,
  roomViewSchema,
  type SeamChange,
} from "../recording/views.ts";

const ANSWER_TIMEOUT_MS = 15_000;
/** A handover waits for people and overlaps; it may take more than a minute and be right. */
const RECORDING_TIMEOUT_MS = 180_000;

/** A call of the API that did not work: the message says what happened, the remedy what to do. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  constructor(
    /** HTTP status of a refusal; null where no answer of the API came. */
    readonly status: number | null,
    message: string,
    /** What a person can do now, a whole sentence. */
    readonly remedy: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** What a call may be given besides what it asks for. */
export interface CallOptions {
  /** Gives the call up. */
  signal?: AbortSignal;
}

/** The state of a room's recording. */
export function readRoom(room: string, options?: CallOptions): Promise<RoomView> {
  return ask("GET", roomPath(room), roomViewSchema, options);
}

/** Entry passes to both sessions of a room. */
export function joinRoom(
  room: string,
  who: { name: string; host: boolean },
  options?: CallOptions,
): Promise<Join> {
  return ask("POST", `${roomPath(room)}/join`, joinSchema, {
    ...options,
    body: { ...who, version: PAGE_VERSION },
  });
}

/** Starts recording a room; answers when the first archive runs. */
export function startRecording(
  room: string,
  recording: { name: string; options: ArchiveOptions },
  options?: CallOptions,
): Promise<RoomView> {
  return change(room, "start", recording, options);
}

/** Hands over to the next archive; answers when it is done. */
export function restartRecording(room: string, options?: CallOptions): Promise<RoomView> {
  return change(room, "restart", undefined, options);
}

/** Stops recording a room; answers when its last archive is stopped. */
export function stopRecording(room: string, options?: CallOptions): Promise<RoomView> {
  return change(room, "stop", undefined, options);
}

/** Tells the server that an archive of this room may have ended. One that gets lost does no harm. */
export async function hintRoom(room: string): Promise<void> {
  await fetch(`${roomPath(room)}/hint`, { method: "POST" }).catch(() => null);
}

/** A recording as one film. */
export function readFilm(chainId: string, options?: CallOptions): Promise<Film> {
  return ask("GET", `/api/chains/${encodeURIComponent(chainId)}`, filmSchema, options);
}

/** Says where the part after `afterSeq` begins, or nudges it; answers the film as it is then. */
export function changeSeam(
  chainId: string,
  afterSeq: number,
  change: SeamChange,
  options?: CallOptions,
): Promise<Film> {
  const path = `/api/chains/${encodeURIComponent(chainId)}/seams/${afterSeq}`;
  return ask("POST", path, filmSchema, { ...options, body: change });
}

/** Where the state of a room's recording is sent on every change, for an `EventSource`. */
export function roomEventsPath(room: string): string {
  return `${roomPath(room)}/events`;
}

const roomPath = (room: string) => `/api/rooms/${encodeURIComponent(room)}`;

function change(
  room: string,
  verb: "start" | "restart" | "stop",
  body: unknown,
  options?: CallOptions,
): Promise<RoomView> {
  const timeoutMs = RECORDING_TIMEOUT_MS;
  return ask("POST", `${roomPath(room)}/${verb}`, roomViewSchema, { ...options, body, timeoutMs });
}

/** Problems as the API words them (RFC 9457). */
const problemSchema = z.object({ title: z.string(), detail: z.string().optional() });

/** Asks and parses. `path` is on this origin, which is also who the cookies are for. */
async function ask<T>(
  method: "GET" | "POST",
  path: string,
  schema: z.ZodType<T>,
  { body, signal, timeoutMs = ANSWER_TIMEOUT_MS }: CallOptions & {
    body?: unknown;
    timeoutMs?: number;
  } = {},
): Promise<T> {
  // Not AbortSignal.any(): browsers that can hold a call lack it.
  const given = new AbortController();
  const giveUp = () => given.abort();
  const timer = setTimeout(giveUp, timeoutMs);
  signal?.addEventListener("abort", giveUp);
  if (signal?.aborted) giveUp();
  let answer: Response;
  let content: unknown;
  try {
    answer = await fetch(path, {
      method,
      headers: {
        accept: "application/json",
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: given.signal,
    });
    content = await answer.json();
  } catch (cause) {
    throw new ApiError(
      null,
      "The server could not be reached",
      "Check your network and try again.",
      { cause },
    );
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  }
  if (!answer.ok) throw refusal(answer.status, content);
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  throw new ApiError(
    null,
    "The server gave an answer that this page does not understand",
    "Reload the page and try again.",
    { cause: parsed.error },
  );
}

function refusal(status: number, content: unknown): ApiError {
  const { success, data } = problemSchema.safeParse(content);
  const message = success ? data.detail ?? data.title : `The server refused (HTTP ${status})`;
  return new ApiError(status, message, REMEDIES[status] ?? "Try again in a moment.");
}

/** What to do about the API's refusals. */
const REMEDIES: Record<number, string> = {
  400: "Change what you entered and try again.",
  401: "Sign in again.",
  403: "Ask the host for a link to this room, or sign in.",
  404: "Check the address of the room.",
  409: "Look at the state of the room and try again.",
  410: "Reload the page.",
  429: "Wait a minute and try again.",
};
