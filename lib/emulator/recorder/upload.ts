/** Uploads a file while it is written: append-only and resumable, see `uploadPath` in protocol.ts. */

/** Time between two requests, ms. A page that dies loses what was written since the last one. */
const EVERY_MS = 250;
const MAX_CHUNK_BYTES = 4 * 1024 * 1024;
/** Longest wait for an answer, and for any progress, ms: so much is kept for the server at most. */
const ANSWER_MS = 15_000;
const GIVE_UP_MS = 60_000;

/** The upload of one file. */
export class Upload {
  /** Settles when everything before {@link close} is stored; rejects when it cannot be stored. */
  readonly done: Promise<void>;
  /** What the server does not have yet. */
  #waiting: (Uint8Array<ArrayBuffer> | Blob)[] = [];
  #storedBytes = 0;
  #isClosed = false;
  /** Ends the wait for the next request. */
  #wake: () => void = () => {};
  readonly #abort = new AbortController();

  constructor(private readonly path: string, private readonly token: string) {
    this.done = this.#run();
  }

  /** Appends to the file. */
  write(...bytes: Uint8Array<ArrayBuffer>[]): void {
    this.#waiting.push(...bytes);
  }

  /** The file is complete. */
  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  /** Gives the file up. */
  abort(): void {
    this.#abort.abort();
    this.close();
  }

  async #run(): Promise<void> {
    let progressAtMs = performance.now();
    let problem: string | null = null;
    while (!this.#isClosed || this.#waiting.length > 0) {
      if (!this.#isClosed || problem !== null) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          setTimeout(resolve, EVERY_MS);
        });
      }
      problem = this.#waiting.length > 0 ? await this.#send() : null;
      if (problem === null) progressAtMs = performance.now();
      else if (performance.now() - progressAtMs > GIVE_UP_MS) throw this.#failure(problem);
    }
  }

  /** Sends what is waiting; null when the server has got more, else why it has to be sent again. */
  async #send(): Promise<string | null> {
    const waiting = new Blob(this.#waiting);
    this.#waiting = [waiting];
    const offsetBefore = this.#storedBytes;
    const headers = { authorization: `Bearer ${this.token}`, "upload-offset": `${offsetBefore}` };
    const body = waiting.slice(0, MAX_CHUNK_BYTES);
    const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(ANSWER_MS)]);
    let response: Response;
    try {
      response = await fetch(this.path, { method: "PATCH", headers, body, signal });
      await response.body?.cancel();
    } catch (error) {
      this.#abort.signal.throwIfAborted();
      return String(error);
    }
    const { status } = response;
    if (status >= 500 || status === 408 || status === 429) return `status ${status}`;
    // Also in a 409: an earlier request has arrived whose answer has not.
    const offset = Number(response.headers.get("upload-offset") ?? NaN);
    const newBytes = offset - offsetBefore;
    if (!(newBytes >= 0 && newBytes <= waiting.size)) {
      throw this.#failure(`status ${status}, offset ${offset} after ${offsetBefore}`);
    }
    if (newBytes < waiting.size) this.#waiting[0] = waiting.slice(newBytes);
    else this.#waiting.shift();
    this.#storedBytes = offset;
    return newBytes > 0 ? null : "the server takes nothing";
  }

  #failure(cause: string): Error {
    return new Error(`Cannot upload "${this.path}": ${cause}`);
  }
}
