/** Decodes recorded files frame by frame, in a real browser. */
import type { Browser } from "playwright-core";
import { LOOP_FRAMES, LOOP_SECONDS } from "./camera.ts";
import type { Colour } from "./frame_code.ts";
import type { MediaReport, SeenFrame } from "./in_page.ts";
import { addPageTools } from "./page_tools.ts";
import type { Band } from "./tone_code.ts";

/** Decodes local media files with WebCodecs, each in a page of `browser`. */
export async function decodeFiles(
  browser: Browser,
  paths: string[],
  { colours, bands }: { colours: Colour[]; bands: Band[] },
): Promise<MediaReport[]> {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/") {
        return new Response("<!doctype html>", { headers: { "content-type": "text/html" } });
      }
      const path = paths[Number(pathname.slice(1))];
      if (!path) return new Response(null, { status: 404 });
      return new Response(await Deno.readFile(path));
    },
  );
  const decode = async (i: number): Promise<MediaReport> => {
    const page = await browser.newPage();
    try {
      await page.goto(`http://127.0.0.1:${server.addr.port}/`);
      await addPageTools(page);
      return await page.evaluate(
        ([url, colours, bands, loop]) => gaplessTest.decode(url, [...colours], [...bands], loop),
        [`/${i}`, colours, bands, LOOP_SECONDS] as const,
      );
    } finally {
      await page.close();
    }
  };
  try {
    return await Promise.all(paths.keys().map(decode));
  } finally {
    await server.shutdown();
  }
}

/** The numbers of one camera, unwrapped over the camera's loop so that they only increase. */
export function unwrapNumbers(frames: SeenFrame[], colour: Colour): number[] {
  const out: number[] = [];
  let laps = 0;
  let last = -1;
  for (const frame of frames) {
    const number = frame.numbers[colour];
    if (number === null || number === undefined) continue;
    if (last >= 0 && number < last - LOOP_FRAMES / 2) laps++;
    last = number;
    out.push(number + laps * LOOP_FRAMES);
  }
  return out;
}

/**
 * The numbers of one camera in each of several files. A file has to begin within half a loop of the end
 * of the file before it.
 */
export function unwrapFiles(files: { frames: SeenFrame[] }[], colour: Colour): number[][] {
  let end: number | undefined;
  return files.map(({ frames }) => {
    const numbers = unwrapNumbers(frames, colour);
    const [first] = numbers;
    if (first === undefined) return numbers;
    const laps = end === undefined ? 0 : Math.round((end - first) / LOOP_FRAMES);
    const shifted = numbers.map((number) => number + laps * LOOP_FRAMES);
    end = shifted.at(-1);
    return shifted;
  });
}

/** Numbers missing between the first and the last of all `files` together. */
export function missingNumbers(files: number[][]): number[] {
  const seen = new Set(files.flat());
  const missing: number[] = [];
  for (let n = Math.min(...seen); n <= Math.max(...seen); n++) if (!seen.has(n)) missing.push(n);
  return missing;
}
