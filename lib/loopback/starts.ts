/** Starts of archives on their way: what OpenTok's rules allow, and the page that is to record. */
import type { SessionRecord } from "../store/mod.ts";
import type { Elected, Elections } from "./election.ts";
import { LoopbackError } from "./errors.ts";
import type { Hub } from "./hub.ts";
import type { Recording } from "./recording.ts";

/** What a start may ask for. */
export interface StartOptions {
  name: string;
  hasAudio: boolean;
  hasVideo: boolean;
  resolution: string;
  multiArchiveTag: string | null;
}

/** What starts are made with. */
export interface StartsDeps {
  hub: Hub;
  elections: Elections;
  /** The archives that run now. */
  running(): Recording[];
}

/** The starts that were asked for and are not answered yet. */
export class Starts {
  private readonly starting = new Set<{ sessionId: string; tag: string | null }>();

  constructor(private readonly deps: StartsDeps) {}

  /**
   * Finds a recorder, if OpenTok's rules allow another archive of this session. Throws the documented
   * 404, 409, and 500 when no page begins to record.
   */
  async elect(session: SessionRecord, options: StartOptions): Promise<Elected> {
    const fail = (status: 404 | 409 | 500, why: string) =>
      new LoopbackError(status, `Failed to start an archive: ${why}`);
    const { id: sessionId, routed } = session;
    const { multiArchiveTag: tag, hasAudio, hasVideo } = options;
    if (!routed) throw fail(409, "the session is not routed");
    if (this.deps.hub.clients(sessionId).length === 0) {
      throw fail(404, "no clients are actively connected to the session");
    }
    const running = this.deps.running();
    const taken = [
      ...running.map(({ record: { sessionId, multiArchiveTag: tag } }) => ({ sessionId, tag })),
      ...this.starting,
    ];
    if (taken.some((other) => other.sessionId === sessionId && other.tag === tag)) {
      throw fail(
        409,
        "the session is already being recorded for this multiArchiveTag, or for none",
      );
    }
    const entry = { sessionId, tag };
    this.starting.add(entry);
    try {
      const [width = 640, height = 480] = options.resolution.split("x").map(Number);
      const elected = await this.deps.elections.elect(
        sessionId,
        { hasAudio, hasVideo, width, height },
        new Set(running.map(({ recorderData }) => recorderData).filter(Boolean)),
      );
      if (!elected) throw fail(500, "no connected page began to record");
      return elected;
    } finally {
      this.starting.delete(entry);
    }
  }
}
