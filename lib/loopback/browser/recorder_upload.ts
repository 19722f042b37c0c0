/** Carries a recording's bytes to the platform, about once a second, in order, until they are there. */

/** Time between two chunks, ms. */
const everyMs = 1_000;
/** Largest chunk, bytes; the platform takes 8 MiB. */
const maxChunkBytes = 4 * 1024 * 1024;
/** Bytes that may wait for a platform that does not answer. */
const maxWaitingBytes = 96 * 1024 * 1024;
/** Longest wait for the answer to one chunk, ms. */
const answerMs = 15_000;
/** How long one chunk is tried, ms: longer than a lost line is. */
const tryForMs = 180_000;
/** Longest wait between two tries, ms. */
const retryEveryMs = 1_000;
/** Statuses after which trying again makes sense; others below 500 end the recording. */
const passing: ReadonlySet<number> = new Set([408, 425, 429]);

/** The recording's way to the platform. Bytes must come in the order of the file. */
export class Uploader {
  readonly #parts: Uint8Array<ArrayBuffer>[] = [];
  #waitingBytes = 0;
  #position = 0;
  #sequence = 0;
  #closed = false;
  #wake: () => void = () => {};
  /** Settles when everything written before {@link close} is uploaded. */
  readonly done: Promise<void>;

  constructor(private readonly url: string, private readonly token: string) {
    this.done = this.#run();
    this.done.catch(() => {}); // whoever made this uploader awaits it
  }

  /**
   * Takes the next bytes of the file.
   * @throws {Error} when too many wait already.
   */
  write(bytes: Uint8Array<ArrayBuffer>): void {
    this.#waitingBytes += bytes.byteLength;
    if (this.#waitingBytes > maxWaitingBytes) {
      throw new Error(`Upload the recording: ${this.#waitingBytes} bytes wait already`);
    }
    this.#parts.push(bytes.slice());
  }

  /** Nothing more will be written. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  async #run(): Promise<void> {
    for (;;) {
      if (!this.#closed) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, everyMs);
          this.#wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      while (this.#parts.length > 0) await this.#send(this.#takeChunk());
      if (this.#closed) return;
    }
  }

  #takeChunk(): Uint8Array<ArrayBuffer> {
    const taken: Uint8Array<ArrayBuffer>[] = [];
    let size = 0;
    for (let part = this.#parts[0]; part !== undefined; part = this.#parts[0]) {
      if (size > 0 && size + part.byteLength > maxChunkBytes) break;
      taken.push(part);
      size += part.byteLength;
      this.#parts.shift();
    }
    const chunk = new Uint8Array(size);
    let offset = 0;
    for (const part of taken) {
      chunk.set(part, offset);
      offset += part.byteLength;
    }
    return chunk;
  }

  async #send(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    const url = new URL(this.url);
    url.searchParams.set("sequence", String(this.#sequence));
    url.searchParams.set("position", String(this.#position));
    const deadlineMs = performance.now() + tryForMs;
    for (let waitMs = 250;; waitMs = Math.min(2 * waitMs, retryEveryMs)) {
      const refusal = await this.#put(url, chunk);
      if (refusal === null) break;
      if (performance.now() > deadlineMs) {
        throw new Error(`Upload the recording: no success in ${tryForMs / 1000} s (${refusal})`);
      }
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
    this.#sequence += 1;
    this.#position += chunk.byteLength;
    this.#waitingBytes -= chunk.byteLength;
  }

  /** Null when the chunk is stored, else why it may be tried again. */
  async #put(url: URL, chunk: Uint8Array<ArrayBuffer>): Promise<string | null> {
    let response: Response;
    try {
      response = await fetch(url, {
        method: "PUT",
        body: chunk,
        headers: { authorization: `Bearer ${this.token}` },
        signal: AbortSignal.timeout(answerMs),
      });
      await response.body?.cancel();
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    if (response.ok) return null;
    if (response.status >= 500 || passing.has(response.status)) return `status ${response.status}`;
    throw new Error(`Upload the recording: refused with status ${response.status}`);
  }
}
