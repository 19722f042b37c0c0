/** The part of npm:opentok that the adapter uses. The SDK ships no types; answers are parsed with zod. */
type Done<T extends unknown[]> = (error: unknown, ...values: T) => void;

export default class OpenTok {
  constructor(apiKey: string, apiSecret: string, apiUrl?: string);
  createSession(options: { mediaMode: "routed" }, done: Done<[unknown]>): void;
  generateToken(
    sessionId: string,
    options: { role: string; data: string; expireTime: number; expire_time: number },
  ): string;
  startArchive(sessionId: string, options: object, done: Done<[unknown]>): void;
  stopArchive(archiveId: string, done: Done<[unknown]>): void;
  getArchive(archiveId: string, done: Done<[unknown]>): void;
  listArchives(
    options: { sessionId?: string; offset?: number; count?: number },
    done: Done<[unknown, unknown]>,
  ): void;
  deleteArchive(archiveId: string, done: Done<[]>): void;
  signal(
    sessionId: string,
    connectionId: string | null,
    payload: { type: string; data: string },
    done: Done<[]>,
  ): void;
  listStreams(sessionId: string, done: Done<[unknown]>): void;
}
