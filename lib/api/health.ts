/** `/healthz`: whether the store and the platform answer. */
import type { Context } from "hono";
import type { ApiContext } from "./router.ts";

/** A platform that takes longer is not healthy. */
const DEADLINE_MS = 5_000;
/** Probes come often, from several places: one look serves all of them for a while. */
const KEPT_MS = 10_000;

/** Answers 200 when both answer, 503 otherwise; the body says which one does not. */
export function healthCheck(context: ApiContext): (c: Context) => Promise<Response> {
  let kept: { untilMs: number; platform: Promise<boolean> } | null = null;
  return async (c) => {
    if (kept === null || kept.untilMs < Date.now()) {
      const platform = answers(context.platform.listArchives({ count: 1 }));
      kept = { untilMs: Date.now() + KEPT_MS, platform };
    }
    const [store, platform] = await Promise.all([
      answers(context.store.rooms.list({ limit: 1 })),
      kept.platform,
    ]);
    // A failure is not kept: recovery shows at the next probe.
    if (!platform) kept = null;
    const word = (healthy: boolean) => healthy ? "ok" : "unavailable";
    const healthy = store && platform;
    return c.json(
      { status: word(healthy), store: word(store), platform: word(platform) },
      healthy ? 200 : 503,
    );
  };
}

async function answers(attempt: Promise<unknown>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), DEADLINE_MS);
  });
  try {
    return await Promise.race([attempt.then(() => true, () => false), late]);
  } finally {
    clearTimeout(timer);
  }
}
