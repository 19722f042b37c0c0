/** Which of several processes with the same data is the platform: the one that holds a file's lock. */
import { dirname } from "node:path";
import { log } from "../../log.ts";

/** Time between two attempts to get the lock, ms. */
const RETRY_MS = 250;

/**
 * A lock for one process. The operating system releases it when its holder ends, however it ends; a
 * holder that is only slow or frozen keeps it, so there are never two.
 */
export class ProcessLock {
  #file: Deno.FsFile | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempt: Promise<void> = Promise.resolve();

  /** `acquired` runs once this process has the lock; if it throws, it is run again. */
  constructor(private readonly path: string, private readonly acquired: () => Promise<void>) {}

  /** Acquires the lock now, or as soon as it is free. Resolves after the first attempt. */
  async acquire(): Promise<void> {
    await Deno.mkdir(dirname(this.path), { recursive: true });
    this.#file = await Deno.open(this.path, { create: true, write: true });
    await this.#try();
  }

  /** Stops trying to get the lock, or releases it after `last` is done. */
  async release(last: () => Promise<void>): Promise<void> {
    clearTimeout(this.#timer);
    await this.#attempt;
    clearTimeout(this.#timer);
    await last().finally(() => this.#file?.close());
  }

  #try(): Promise<void> {
    return this.#attempt = (async () => {
      if (await this.#file?.tryLock(true)) return await this.acquired();
      const again = () =>
        void this.#try().catch((error) => {
          log("error", "emulator: cannot take over", { error: String(error) });
          this.#timer = setTimeout(again, RETRY_MS);
        });
      this.#timer = setTimeout(again, RETRY_MS);
      // Waiting for the lock is no reason for a process to stay.
      Deno.unrefTimer(this.#timer);
    })();
  }
}
