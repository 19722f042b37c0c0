/** The platform interface over `npm:opentok`: OpenTok, Vonage unified, or the emulator. */
import { z } from "zod";
import { callSdk, type Outcome } from "./sdk_call.ts";
// @ts-types="./opentok_sdk.d.ts"
import OpenTok from "opentok";
import {
  type Platform,
  type PlatformArchive,
  PlatformError,
  type PlatformErrorKind,
} from "./platform.ts";
import { archiveStatusSchema } from "../recording/model.ts";
import { traced } from "../trace.ts";

/** How to reach a project. */
export interface OpenTokOptions {
  /** API key, or the application id of a Vonage unified project. */
  apiKey: string;
  /** API secret, or the application's private key (PEM). */
  apiSecret: string;
  /** Address of the REST API, if not the SDK's default for the kind of credentials. */
  apiUrl?: string;
  /** The longest wait for one answer, ms. */
  deadlineMs?: number;
  /** Waits between tries; tests pass their own. */
  sleep?: (ms: number) => Promise<void>;
}

const DEFAULT_DEADLINE_MS = 15_000;
const MAX_TRIES = 3;
const FIRST_BACKOFF_MS = 250;
/** A longer `Retry-After` is the caller's to wait for. */
const MAX_RETRY_AFTER_MS = 5_000;

const archiveSchema = z.object({
  id: z.string().min(1),
  sessionId: z.string(),
  name: z.string().nullish().transform((name) => name ?? ""),
  status: archiveStatusSchema,
  reason: z.string().nullish().transform((reason) => reason ?? ""),
  createdAt: z.coerce.number(),
  duration: z.coerce.number().catch(0),
  size: z.coerce.number().catch(0),
  hasAudio: z.boolean().default(true),
  hasVideo: z.boolean().default(true),
  outputMode: z.enum(["composed", "individual"]).catch("composed"),
  resolution: z.string().nullish().transform((resolution) => resolution ?? null),
  url: z.string().nullish().transform((url) => url || null),
}).transform(({ createdAt, duration, size, ...rest }): PlatformArchive => ({
  ...rest,
  createdAtMs: createdAt,
  durationSeconds: duration,
  sizeBytes: size,
}));
const streamSchema = z.object({
  id: z.string(),
  name: z.string().nullish().transform((name) => name ?? ""),
  videoType: z.string().nullish().transform((type) => type ?? "camera"),
});
const sessionSchema = z.object({ sessionId: z.string().min(1) });

/** `read` may be repeated; `change` only where it surely did not happen. */
type Effect = "read" | "change";

/** Makes the adapter. Nothing is sent until a method is called. */
export function createOpenTokPlatform(options: OpenTokOptions): Platform {
  const sdk = new OpenTok(options.apiKey, options.apiSecret, options.apiUrl);
  const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
  const sleep = options.sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));

  function call<T>(
    action: string,
    effect: Effect,
    invoke: Parameters<typeof callSdk>[0],
    schema: z.ZodType<T>,
  ): Promise<T> {
    return traced(`opentok: ${action}`, {}, async (note) => {
      for (let attempt = 1;; attempt++) {
        const outcome = await callSdk(invoke, deadlineMs);
        const failure = failureOf(outcome, action);
        note({ "opentok.tries": attempt, "http.response.status_code": outcome.status });
        if (!failure) return parseAnswer(action, schema, outcome.values);
        note({ "error.type": failure.kind });
        const waitMs = outcome.retryAfterMs ?? backoffMs(attempt);
        if (attempt === MAX_TRIES || waitMs > MAX_RETRY_AFTER_MS) throw failure;
        if (!mayRepeat(effect, failure.kind, outcome)) throw failure;
        await sleep(waitMs);
      }
    });
  }

  const archiveAnswer = z.tuple([archiveSchema]).rest(z.unknown()).transform(([archive]) =>
    archive
  );
  const noAnswer = z.unknown().transform(() => {});

  return {
    apiKey: options.apiKey,
    createSession: () =>
      call(
        "create a session",
        "change",
        (done) => sdk.createSession({ mediaMode: "routed" }, done),
        z.tuple([sessionSchema]).rest(z.unknown()).transform(([session]) => session.sessionId),
      ),
    createToken(sessionId, { role, data, expiresInSeconds }) {
      const expires = Math.floor(Date.now() / 1000) + expiresInSeconds;
      try {
        // The SDK reads `expireTime` for key + secret, `expire_time` for an application.
        return sdk.generateToken(sessionId, {
          role,
          data,
          expireTime: expires,
          expire_time: expires,
        });
      } catch (cause) {
        throw new PlatformError("unexpected", "make a token", messageOf(cause), { cause });
      }
    },
    startArchive: (sessionId, { resolution, ...rest }) =>
      call(
        "start an archive",
        "change",
        (done) =>
          sdk.startArchive(
            sessionId,
            // The platform refuses a resolution for individual archives.
            rest.outputMode === "composed" && resolution ? { ...rest, resolution } : rest,
            done,
          ),
        archiveAnswer,
      ),
    stopArchive: (archiveId) =>
      call("stop the archive", "change", (done) => sdk.stopArchive(archiveId, done), archiveAnswer),
    getArchive: (archiveId) =>
      call("read the archive", "read", (done) => sdk.getArchive(archiveId, done), archiveAnswer),
    listArchives: (query) =>
      call(
        "list archives",
        "read",
        (done) => sdk.listArchives(query, done),
        z.tuple([z.array(archiveSchema), z.number()]).rest(z.unknown())
          .transform(([archives, total]) => ({ archives, total })),
      ),
    deleteArchive: (archiveId) =>
      call(
        "delete the archive",
        "change",
        (done) => sdk.deleteArchive(archiveId, done),
        noAnswer,
      ),
    signal: (sessionId, signal) =>
      call("signal", "change", (done) => sdk.signal(sessionId, null, signal, done), noAnswer),
    listStreams: (sessionId) =>
      call(
        "list streams",
        "read",
        (done) => sdk.listStreams(sessionId, done),
        z.tuple([z.array(streamSchema)]).rest(z.unknown()).transform(([streams]) => streams),
      ),
  };
}

function parseAnswer<T>(action: string, schema: z.ZodType<T>, values: unknown[]): T {
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  throw new PlatformError(
    "unexpected",
    action,
    `Cannot ${action}: the platform's answer is not of the documented shape`,
    { cause: parsed.error },
  );
}

function failureOf(outcome: Outcome, action: string): PlatformError | null {
  const ok = outcome.status >= 200 && outcome.status < 300;
  if (ok && !outcome.error) return null;
  const kind = kindOf(outcome, ok);
  const message = platformMessage(outcome.error) ?? REMEDY[kind];
  return new PlatformError(kind, action, `Cannot ${action}: ${message}`, { cause: outcome.error });
}

const platformAnswerSchema = z.object({ message: z.string().trim().min(1).max(500) });

/** The platform's own message, which the SDK hands over only as JSON inside the text of some errors. */
function platformMessage(error: unknown): string | null {
  const json = /^Unexpected response from OpenTok: "?(\{.*\})"?$/s.exec(messageOf(error))?.[1];
  if (json === undefined) return null;
  try {
    const parsed = platformAnswerSchema.safeParse(JSON.parse(json));
    // The action is named by the caller.
    return parsed.success ? parsed.data.message.replace(/^Cannot [^:]+: /, "") : null;
  } catch {
    return null; // not JSON
  }
}

function kindOf({ status, timedOut, error }: Outcome, ok: boolean): PlatformErrorKind {
  if (timedOut) return "timeout";
  if (status === 401 || status === 403) return "unauthorized";
  if (status === 404) return "not-found";
  if (status === 409) return "conflict";
  if (status === 429) return "rate-limited";
  if (status >= 500) return "unavailable";
  // node-fetch marks what the network did as "system"; the rest is an answer we cannot read.
  if (!ok && status === 0 && isSystemError(error)) return "unavailable";
  return "unexpected";
}

const systemErrorSchema = z.object({ type: z.literal("system"), code: z.string().optional() });
const isSystemError = (error: unknown) => systemErrorSchema.safeParse(error).success;

/** Repeating is safe where the request surely had no effect, or has none by its nature. */
function mayRepeat(effect: Effect, kind: PlatformErrorKind, { error }: Outcome): boolean {
  if (kind === "rate-limited") return true;
  const parsed = systemErrorSchema.safeParse(error);
  if (parsed.success && parsed.data.code === "ECONNREFUSED") return true;
  return effect === "read" && (kind === "unavailable" || kind === "timeout");
}

/** Exponential with full jitter, so that processes that failed together do not retry together. */
function backoffMs(attempt: number): number {
  return Math.random() * FIRST_BACKOFF_MS * 2 ** attempt;
}

const REMEDY: Record<PlatformErrorKind, string> = {
  unauthorized: "the platform refused the credentials; check the key and the secret",
  "not-found": "the platform does not know it, or nobody is connected to the session",
  conflict: "the platform says it is already so",
  "rate-limited": "the platform asks to slow down; try again in a moment",
  unavailable: "the platform cannot be reached or has failed; try again in a moment",
  timeout: "the platform did not answer in time; try again in a moment",
  unexpected: "the platform gave an answer that is not documented",
};

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
