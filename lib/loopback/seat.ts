/** Which of several processes with the same data is the platform: the one that holds a file's lock. */
import { dirname } from "node:path";

/** Time between two looks whether the seat is free, ms. */
const LOOK_MS = 250;

/**
 * A seat for one process. The system frees it the moment its holder ends, however it ends; a holder
 * that is only slow or frozen keeps it, so there are never two.
 */
export class Seat {
  private file: Deno.FsFile | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private seeking: Promise<void> = Promise.resolve();
  private left = false;

  /** @param taken does what follows from having the seat; it may take a while */
  constructor(private readonly path: string, private readonly taken: () => Promise<void>) {}

  /** Takes the seat if it is free, else as soon as it is. Resolves when the first look is over. */
  async seek(): Promise<void> {
    await Deno.mkdir(dirname(this.path), { recursive: true });
    this.file = await Deno.open(this.path, { create: true, write: true });
    await this.look();
  }

  /** Lets go of the seat after `last` is done, or stops looking for it. */
  async leave(last: () => Promise<void>): Promise<void> {
    if (this.left) return;
    this.left = true;
    clearTimeout(this.timer);
    await this.seeking;
    try {
      await last();
    } finally {
      this.file?.close();
    }
  }

  private look(): Promise<void> {
    return this.seeking = (async () => {
      if (await this.file?.tryLock(true)) return await this.taken();
      if (this.left) return;
      this.timer = setTimeout(() => void this.look().catch(this.again), LOOK_MS);
      // Looking for the seat is no reason for a process to stay.
      Deno.unrefTimer(this.timer);
    })();
  }

  /** What could not be taken up is tried again; the lock is ours already. */
  private readonly again = () => {
    if (!this.left) this.timer = setTimeout(() => void this.look().catch(this.again), LOOK_MS);
  };
}
