/** Which of several processes with the same data is the platform: the one that holds a file's lock. */
import { dirname } from "node:path";
import { log } from "../../log.ts";

/** Time between two attempts to get the lock, ms. */
const RETRY_MS = 250;

/**
 * Acquires a file's lock now, or as soon as it is free; resolves after the first attempt. The operating
 * system releases it when its holder ends, however it ends; a holder that is only slow or frozen keeps
 * it, so there are never two. `acquired` runs once this process has the lock, again if it throws.
 *
 * @returns stops trying to get the lock, or releases it after `last` is done.
 */
export async function acquireLock(
  path: string,
  acquired: () => Promise<void>,
): Promise<(last: () => Promise<void>) => Promise<void>> {
  await Deno.mkdir(dirname(path), { recursive: true });
  const file = await Deno.open(path, { create: true, write: true });
  let isDone = false;
  const attempt = async () => {
    if (isDone || !await file.tryLock(true)) return;
    await acquired();
    isDone = true;
  };
  let attempts = attempt();
  await attempts;
  const timer = setInterval(() => {
    attempts = attempts.then(attempt).catch((error) =>
      log("error", "emulator: cannot take over", { error: String(error) })
    );
  }, RETRY_MS);
  // Waiting for the lock is no reason for a process to stay.
  Deno.unrefTimer(timer);
  return async (last) => {
    clearInterval(timer);
    await attempts;
    await last().finally(() => file.close());
  };
}
