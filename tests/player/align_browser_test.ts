/** Seams found by comparing files, in a real browser: worker, files, island and what is sent. */
import assert from "node:assert/strict";
import * as esbuild from "esbuild";
import type { Film } from "../../lib/recording/views.ts";
import { openStage, type Stage } from "./stage.ts";

async function workerScript(): Promise<string> {
  const result = await esbuild.build({
    entryPoints: [new URL("../../lib/alignment/align.worker.ts", import.meta.url).pathname],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    logLevel: "silent",
  });
  await esbuild.stop();
  return result.outputFiles[0]?.text ?? "";
}

/** What the page said about seams, by the part before. */
type Said = Map<number, Record<string, unknown>>;

/** The stage with the worker, and an API that takes what is said about seams. */
async function withSeams(play: (stage: Stage, said: Said) => Promise<void>): Promise<void> {
  const script = await workerScript();
  const said: Said = new Map();
  const hear = async (request: Request, [, chainId = "", afterSeq]: string[]) => {
    said.set(Number(afterSeq), await request.json());
    return Response.json(stage.films.get(chainId));
  };
  const stage: Stage = await openStage({
    answer(request, { pathname }) {
      if (pathname === "/workers/align.js") {
        const headers = { "content-type": "text/javascript" };
        return Promise.resolve(new Response(script, { headers }));
      }
      const seam = /^\/api\/chains\/([^/]+)\/seams\/(\d+)$/.exec(pathname);
      return seam && hear(request, seam);
    },
  });
  try {
    await play(stage, said);
  } finally {
    await stage.close();
  }
}

/** Seams as coarse clocks tell them. */
function coarse(film: Film): Film["seams"] {
  return film.parts.slice(1).map((later, i) => ({
    afterSeq: i,
    overlapMs: ((film.parts[i]?.placeSeconds ?? 0) + (film.parts[i]?.durationSeconds ?? 0) -
      later.placeSeconds) * 1000,
    offsetMs: 0,
    source: "platform" as const,
    uncertaintyMs: 1_000,
  }));
}

Deno.test("an admin's page finds seams by sound, by picture where one is silent, and says so", () =>
  withSeams(async (stage, said) => {
    const { page } = stage;
    const made = await stage.film([
      { fromSeconds: 0, seconds: 8, format: "webm" },
      { fromSeconds: 5.21, seconds: 9, format: "webm", placeSeconds: 6.7, wander: true },
      {
        fromSeconds: 10.13,
        seconds: 6,
        format: "webm",
        placeSeconds: 10.9,
        sound: false,
        wander: true,
      },
    ]);
    const film = { ...made, seams: coarse(made) };
    stage.films.set(film.chainId, film);
    await page.evaluate((film) => mountGaplessIsland(film, true), film);
    await page.getByText("Found by its sound.").waitFor({ timeout: 60_000 });
    await page.getByRole("button", { name: "Align" }).waitFor({ timeout: 60_000 });
    const seams = await page.locator("section", { hasText: "Known from" }).last().innerText();
    assert.match(seams, /Found by its picture\./);
    const [bySound, byPicture] = [said.get(0), said.get(1)];
    if (Deno.env.get("VERBOSE")) console.log(JSON.stringify({ bySound, byPicture }));
    assert.equal(bySound?.basis, "sound");
    assert.ok(Math.abs(Number(bySound?.deltaMs) - 5_210) <= 10, JSON.stringify(bySound));
    assert.equal(byPicture?.basis, "picture");
    assert.ok(Math.abs(Number(byPicture?.deltaMs) - 4_920) <= 34, JSON.stringify(byPicture));
    assert.equal(await page.getByRole("button", { name: "Align" }).isEnabled(), true);

    await page.getByRole("button", { name: "Move part 2 10 ms later" }).click();
    await page.getByText("Nudged.").waitFor();
    assert.deepEqual(said.get(0), { nudgeMs: 10 });
    await page.getByRole("button", { name: "Watch Part 1 to 2", exact: true }).click();
    await page.waitForFunction(() => {
      const player = document.querySelector("gapless-video");
      return player && !player.paused && player.currentTime > 5.3;
    });
    const stoppedAt = await page.waitForFunction(() => {
      const player = document.querySelector("gapless-video");
      return player?.paused && player.currentTime;
    });
    // Believed to be at 6.7 s, the seam is played until a moment and a half after that.
    const seconds = Number(await stoppedAt.jsonValue());
    assert.ok(seconds > 8.1 && seconds < 9, `Stopped at ${seconds} s`);
  }));

Deno.test("whoever is no admin gets no seams to change, and nothing is compared", () =>
  withSeams(async (stage, said) => {
    const made = await stage.film([
      { fromSeconds: 0, seconds: 4, format: "webm" },
      { fromSeconds: 2, seconds: 4, format: "webm", placeSeconds: 2.5 },
    ]);
    const film = { ...made, seams: coarse(made) };
    await stage.page.evaluate((film) => mountGaplessIsland(film, false), film);
    await stage.page.locator("media-controller").waitFor();
    assert.equal(await stage.page.getByRole("button", { name: "Align" }).count(), 0);
    assert.equal(said.size, 0);
  }));
