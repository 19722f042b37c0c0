/** Uploads a file while it is written: append-only and resumable, see `uploadPath` in protocol.ts. */

/** Time between two requests, ms. A page that dies loses what was written since the last one. */
const EVERY_MS = 500;
const MAX_CHUNK_BYTES = 4 * 1024 * 1024;
/** Bytes that may wait for a server that does not answer. */
const MAX_WAITING_BYTES = 96 * 1024 * 1024;
/** Longest wait for an answer, and for any progress, ms. */
const ANSWER_MS = 15_000;
const GIVE_UP_MS = 60_000;
/** Statuses below 500 after which the request is repeated. */
const TEMPORARY: ReadonlySet<number> = new Set([408, 429]);

/** The upload of one file. */
export class Upload {
  /** Settles when everything before {@link close} is stored; rejects when it cannot be stored. */
  readonly done: Promise<void>;
  #waiting: Uint8Array<ArrayBuffer>[] = [];
  #storedBytes = 0;
  #bytes = 0;
  #isClosed = false;
  #wake: () => void = () => {};
  readonly #abort = new AbortController();

  constructor(private readonly path: string, private readonly token: string) {
    this.done = this.#run();
    this.done.catch(() => {}); // reported to the caller that awaits it
  }

  /** Size of the file so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Appends to the file.
   * @throws {Error} when too many bytes are waiting.
   */
  write(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes += bytes.length;
    if (this.#bytes - this.#storedBytes > MAX_WAITING_BYTES) {
      throw this.#failure("too many bytes are waiting");
    }
    this.#waiting.push(bytes.slice());
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
    let lastError: string | null = null;
    let progressAtMs = performance.now();
    for (;;) {
      if (!this.#isClosed || lastError !== null) await this.#sleep();
      if (this.#waiting.length === 0) {
        if (this.#isClosed) return;
        progressAtMs = performance.now();
        continue;
      }
      const storedBefore = this.#storedBytes;
      // After an error, the server may or may not have stored the chunk.
      lastError = await this.#request(lastError === null ? "PATCH" : "HEAD");
      if (this.#storedBytes > storedBefore) progressAtMs = performance.now();
      else if (performance.now() - progressAtMs > GIVE_UP_MS) {
        throw this.#failure(lastError ?? "no progress");
      }
    }
  }

  /** Null after an answer with the server's offset, else why the request has to be repeated. */
  async #request(method: "PATCH" | "HEAD"): Promise<string | null> {
    const init: RequestInit = {
      method,
      headers: {
        "authorization": `Bearer ${this.token}`,
        "upload-offset": String(this.#storedBytes),
      },
      signal: AbortSignal.any([this.#abort.signal, AbortSignal.timeout(ANSWER_MS)]),
    };
    if (method === "PATCH") init.body = new Blob(this.#waiting).slice(0, MAX_CHUNK_BYTES);
    let response: Response;
    try {
      response = await fetch(this.path, init);
      await response.body?.cancel();
    } catch (error) {
      this.#abort.signal.throwIfAborted();
      return String(error);
    }
    const { ok, status, headers } = response;
    if (status >= 500 || TEMPORARY.has(status)) return `status ${status}`;
    if (!ok && status !== 409) throw this.#failure(`status ${status}`);
    this.#confirm(Number(headers.get("upload-offset") ?? NaN));
    return null;
  }

  /** The server has the first `offset` bytes. */
  #confirm(offset: number): void {
    if (!(offset >= this.#storedBytes && offset <= this.#bytes)) {
      throw this.#failure(`the server has ${offset} bytes instead of ${this.#storedBytes}`);
    }
    let stored = offset - this.#storedBytes;
    this.#storedBytes = offset;
    this.#waiting = this.#waiting.flatMap((part) => {
      const skipped = Math.min(stored, part.length);
      stored -= skipped;
      return skipped < part.length ? part.subarray(skipped) : [];
    });
  }

  #failure(cause: string): Error {
    return new Error(`Cannot upload "${this.path}": ${cause}`);
  }

  /** Waits for the next request, or until the file is complete. */
  #sleep(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, EVERY_MS);
    });
  }
}
