/** Puts `in_page.ts` into a page as `globalThis.gaplessTest`. */
import * as esbuild from "esbuild";
import type { Page } from "playwright-core";

let bundle: Promise<string> | undefined;

async function build(): Promise<string> {
  const result = await esbuild.build({
    entryPoints: [new URL("./in_page.ts", import.meta.url).pathname],
    bundle: true,
    write: false,
    format: "iife",
    target: "es2022",
  });
  await esbuild.stop();
  const [file] = result.outputFiles;
  if (!file) throw new Error("Cannot bundle the page tools");
  return file.text;
}

/** Makes `gaplessTest` available in the page that is open now; evaluated, so that no CSP is in the way. */
export async function addPageTools(page: Page): Promise<void> {
  bundle ??= build();
  await page.evaluate(await bundle);
}
