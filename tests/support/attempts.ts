/**
 * How often a recording is made before a loss is believed. Chromium keeps two pictures of a camera for a
 * page: where two full cores give none of its threads a turn for longer, it drops single ones before the
 * page is given them; a loss of ours would come every time.
 */
export const RECORDING_ATTEMPTS = 5;

/**
 * Runs a measurement of real time until it succeeds, at most `limit` times; throws the last failure.
 * Only for what a starved machine loses before it reaches our code (pictures that Chromium drops): a
 * loss of ours comes back every time. Each failure is printed.
 */
export async function withinAttempts(limit: number, measure: () => Promise<void>): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      return await measure();
    } catch (error) {
      if (attempt === limit) throw error;
      console.log(
        `attempt ${attempt} of ${limit}: ${error instanceof Error ? error.message : error}`,
      );
    }
  }
}
