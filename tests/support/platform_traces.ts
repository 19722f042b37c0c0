/** What a page has to do with the real platform so far. */
import type { Page } from "playwright-core";

/** The hosts of the platform that the page asked, and "the SDK" if it has loaded that. Sorted. */
export async function platformTraces(page: Page): Promise<string[]> {
  return await page.evaluate(async () => {
    const traces = new Set<string>();
    for (const { name } of performance.getEntriesByType("resource")) {
      const { hostname, origin, pathname } = new URL(name);
      if (/\.(opentok|tokbox)\.com$/.test(hostname)) traces.add(hostname);
      if (origin !== location.origin || !pathname.endsWith(".js")) continue;
      const program = await (await fetch(name, { cache: "force-cache" })).text();
      if (program.includes("anvil.opentok.com")) traces.add("the SDK");
    }
    return [...traces].sort();
  });
}
