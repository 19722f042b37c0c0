/**
 * What Gapless needs of a video platform. One adapter implements it (`opentok.ts`, over the server
 * SDK); the emulator is reached through the same adapter at its own address.
 */
import type { ArchiveOptions, ArchiveStatus } from "../recording/model.ts";

/** An archive as the platform describes it. */
export interface PlatformArchive {
  id: string;
  sessionId: string;
  name: string;
  status: ArchiveStatus;
  reason: string;
  /** Effective start of recording, ms since the Unix epoch (whole seconds on the cloud). */
  createdAtMs: number;
  /** Length in whole seconds; 0 until it is stopped. */
  durationSeconds: number;
  sizeBytes: number;
  hasAudio: boolean;
  hasVideo: boolean;
  outputMode: "composed" | "individual";
  resolution: string | null;
  /** Short-lived address of the file; null unless `available`. */
  url: string | null;
}

/** A stream that is published to a session now. */
export interface PlatformStream {
  id: string;
  name: string;
  videoType: string;
}

/** What an archive is started with; `multiArchiveTag` lets two run on one session. */
export interface StartArchiveOptions extends ArchiveOptions {
  name: string;
  multiArchiveTag?: string;
}

/** What a token allows its bearer. */
export type TokenRole = "publisher" | "moderator" | "subscriber";

/** The server side of a video platform. Every method throws {@link PlatformError} and nothing else. */
export interface Platform {
  /** Public key of the project (or application id): browsers need it. */
  readonly apiKey: string;
  /** Makes a routed session and returns its id. */
  createSession(): Promise<string>;
  /** Makes a token for one session. `data` is shown to the session's clients. */
  createToken(
    sessionId: string,
    options: { role: TokenRole; data: string; expiresInSeconds: number },
  ): string;
  startArchive(sessionId: string, options: StartArchiveOptions): Promise<PlatformArchive>;
  stopArchive(archiveId: string): Promise<PlatformArchive>;
  getArchive(archiveId: string): Promise<PlatformArchive>;
  /** Newest first. */
  listArchives(
    options: { sessionId?: string; offset?: number; count?: number },
  ): Promise<{ total: number; archives: PlatformArchive[] }>;
  deleteArchive(archiveId: string): Promise<void>;
  /** Signals everyone in a session; `data` at most 8 KiB. */
  signal(sessionId: string, signal: { type: string; data: string }): Promise<void>;
  listStreams(sessionId: string): Promise<PlatformStream[]>;
}

/** The kinds of failure a caller can tell apart. */
export type PlatformErrorKind =
  | "unauthorized"
  | "not-found"
  | "conflict"
  | "rate-limited"
  | "unavailable"
  | "timeout"
  | "unexpected";

/** A failed call to the platform. The outcome is unknown for `timeout`, `unavailable`, `unexpected`. */
export class PlatformError extends Error {
  override readonly name = "PlatformError";
  constructor(
    readonly kind: PlatformErrorKind,
    /** What was tried, in words: "start an archive". */
    readonly action: string,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
