import assert from "node:assert/strict";
import * as esbuild from "esbuild";
import { launchChromium } from "../support/chromium.ts";
import type { Plain } from "./browser_grid_in_page.ts";

const limited601 = {
  primaries: "smpte170m",
  transfer: "smpte170m",
  matrix: "smpte170m",
  fullRange: false,
} as const;
const limited709 = {
  primaries: "bt709",
  transfer: "bt709",
  matrix: "bt709",
  fullRange: false,
} as const;
const size = { width: 320, height: 240 };
/** One orange, as the cameras of this world write it. */
const orange: Record<string, Plain> = {
  "I420 in BT.601": { format: "I420", pixel: [136, 73, 186], colorSpace: limited601, ...size },
  "NV12 in BT.601": { format: "NV12", pixel: [136, 73, 186], colorSpace: limited601, ...size },
  "I420 in BT.709": { format: "I420", pixel: [128, 75, 189], colorSpace: limited709, ...size },
  "RGBA": { format: "RGBA", pixel: [232, 117, 28], colorSpace: {}, ...size },
};

function assertNear(actual: number[] | undefined, expected: number[], what: string): void {
  const off = Math.max(...expected.map((value, i) => Math.abs(value - (actual?.[i] ?? -999))));
  assert.ok(off <= 12, `${what}: ${actual} instead of ${expected}`);
}

Deno.test("a recording shows every camera's colours as they are, each whole in its tile", async () => {
  const bundle = await esbuild.build({
    entryPoints: [new URL("./browser_grid_in_page.ts", import.meta.url).pathname],
    bundle: true,
    write: false,
    format: "iife",
  });
  await esbuild.stop();
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    await page.evaluate(bundle.outputFiles[0]?.text ?? "");
    for (const [what, plain] of Object.entries(orange)) {
      const [left, right, above] = await page.evaluate(
        ([plain]) =>
          composedPixels([plain, { ...plain, width: 640, height: 480 }], [[160, 240], [480, 240], [
            160,
            60,
          ]]),
        [plain] as const,
      );
      assertNear(left, [232, 117, 28], `${what}, at its own size`);
      assertNear(right, [232, 117, 28], `${what}, at half its size`);
      assertNear(above, [0, 0, 0], `${what}, above the tile`);
    }
  } finally {
    await browser.close();
  }
});
