/** Finding a page that records, and having its word that it does. */
import type { Client, Hub } from "./hub.ts";
import { LIMITS } from "./limits.ts";

/** What an archive is to contain; goes to the recorder. */
export interface RecordingOptions {
  hasAudio: boolean;
  hasVideo: boolean;
  width: number;
  height: number;
}

/** A page that records, and since when. */
export interface Elected {
  archiveId: string;
  recorder: Client;
  /** Wall clock of media time 0, ms. */
  epochMs: number;
}

/** A recorder's clock is this machine's: a start further from now than this is not believed. */
const EPOCH_TOLERANCE_MS = 60_000;

/** What an election does to the world: each attempt has an id, a place for files, and a request. */
export interface ElectionDeps {
  hub: Hub;
  startMs: number;
  prepare(archiveId: string): Promise<void>;
  discard(archiveId: string): Promise<void>;
  uploadToken(archiveId: string): string;
}

/** Asks connected pages to record until one confirms. */
export class Elections {
  private readonly attempts = new Map<
    string,
    { recorder: Client; answer: PromiseWithResolvers<number | null> }
  >();

  constructor(private readonly deps: ElectionDeps) {}

  /**
   * Has a page of the session record, the likeliest first, and resolves when it confirms. Null when
   * none did: each attempt ends when the page refuses, leaves or lets the time pass.
   * `preferredData` names a client (by its token's data) whose page records already: both files
   * then share one clock.
   */
  async elect(
    sessionId: string,
    options: RecordingOptions,
    preferredData: ReadonlySet<string>,
  ): Promise<Elected | null> {
    const candidates = this.candidates(sessionId, preferredData);
    for (const recorder of candidates.slice(0, LIMITS.recorderAttempts)) {
      if (!this.deps.hub.has(recorder)) continue;
      const archiveId = crypto.randomUUID();
      const epochMs = await this.ask(archiveId, recorder, options);
      if (epochMs !== null && this.deps.hub.has(recorder)) return { archiveId, recorder, epochMs };
      recorder.send({ type: "stop-recording", archiveId });
      await this.deps.discard(archiveId);
    }
    return null;
  }

  /** Whether chunks of this archive may come although it is not confirmed yet. */
  has(archiveId: string): boolean {
    return this.attempts.has(archiveId);
  }

  /** A page says since when it records. False if that was not asked of it. */
  confirm(client: Client, archiveId: string, epochMs: number): boolean {
    const credible = Math.abs(epochMs - Date.now()) < EPOCH_TOLERANCE_MS;
    return this.answer(client, archiveId, credible ? epochMs : null);
  }

  /** A page says that it cannot record. False if that was not asked of it. */
  refuse(client: Client, archiveId: string): boolean {
    return this.answer(client, archiveId, null);
  }

  /** A page has left: whatever was asked of it fails. */
  left(client: Client): void {
    for (const { recorder, answer } of this.attempts.values()) {
      if (recorder === client) answer.resolve(null);
    }
  }

  private answer(client: Client, archiveId: string, epochMs: number | null): boolean {
    const attempt = this.attempts.get(archiveId);
    if (attempt?.recorder !== client) return false;
    attempt.answer.resolve(epochMs);
    return true;
  }

  private async ask(archiveId: string, recorder: Client, options: RecordingOptions) {
    const answer = Promise.withResolvers<number | null>();
    this.attempts.set(archiveId, { recorder, answer });
    const timer = setTimeout(() => answer.resolve(null), this.deps.startMs);
    try {
      await this.deps.prepare(archiveId);
      recorder.send({
        type: "record",
        archiveId,
        ...options,
        uploadUrl: `${recorder.origin}/loopback/upload/${archiveId}`,
        uploadToken: this.deps.uploadToken(archiveId),
      });
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      this.attempts.delete(archiveId);
    }
  }

  private candidates(sessionId: string, preferredData: ReadonlySet<string>): Client[] {
    const publishing = new Set(this.deps.hub.streams(sessionId).map((s) => s.connectionId));
    // One page for both lanes before all: on a busy machine two pages' clocks may be a second apart.
    const rank = (client: Client) =>
      (preferredData.has(client.data) ? 2 : 0) + (publishing.has(client.connection.id) ? 1 : 0);
    // The sort is stable: among equals the one that came first.
    return this.deps.hub.clients(sessionId).sort((a, b) => rank(b) - rank(a));
  }
}
