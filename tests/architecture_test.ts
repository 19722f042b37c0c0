/** Holds the shape of DESIGN section 2: which part may depend on which, and what stays out of browsers. */
import assert from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/**
 * What each part may import of ours, besides itself. A file belongs to the longest prefix that fits.
 * Dependencies point inward: the further down this list, the fewer there are.
 */
const MAY_IMPORT: Record<string, string[]> = {
  "main.ts": ["app.ts", "lib/"],
  "app.ts": ["components/", "lib/"],
  "routes/": ["components/", "islands/", "lib/"],
  "components/": [
    "islands/",
    "lib/api/reading.ts",
    "lib/auth/",
    "lib/page_error.ts",
    "lib/recording/",
  ],
  "islands/": ["components/", "lib/api/client.ts", "lib/call/", "lib/player/", "lib/recording/"],
  "lib/call/": ["lib/api/client.ts", "lib/recording/"],
  "lib/player/": [
    "lib/alignment/",
    "lib/api/client.ts",
    "lib/mediabunny.ts",
    "lib/recording/",
  ],
  "lib/player/ui/": [
    "lib/alignment/",
    "lib/api/client.ts",
    "lib/export/",
    "lib/player/",
    "lib/recording/",
  ],
  "lib/export/": [
    "lib/mediabunny.ts",
    "lib/player/media_fetch.ts",
    "lib/player/timeline.ts",
    "lib/recording/",
  ],
  "lib/alignment/": ["lib/mediabunny.ts", "lib/recording/"],
  // All that the call and the recorder know of each other.
  "lib/emulator/recorder/": [
    "lib/call/recorder.ts",
    "lib/emulator/packets.ts",
    "lib/emulator/protocol.ts",
    "lib/mediabunny.ts",
  ],
  // Ours, directly in lib/: the composition root and what pages share.
  "lib/": ["lib/"],
  "lib/config.ts": [],
  "lib/log.ts": [],
  "lib/mediabunny.ts": [],
  "lib/trace.ts": [],
  "lib/api/client.ts": ["lib/recording/"],
  "lib/api/": [
    "lib/auth/",
    "lib/config.ts",
    "lib/films.ts",
    "lib/handover/",
    "lib/log.ts",
    "lib/orphans.ts",
    "lib/platform/",
    "lib/recording/",
    "lib/store/",
  ],
  "lib/auth/": ["lib/store/"],
  "lib/handover/": [
    "lib/log.ts",
    "lib/platform/",
    "lib/recording/",
    "lib/store/",
    "lib/trace.ts",
  ],
  "lib/emulator/": ["lib/log.ts", "lib/store/"],
  "lib/emulator/packets.ts": [],
  "lib/emulator/protocol.ts": [],
  "lib/platform/": ["lib/recording/", "lib/trace.ts"],
  "lib/store/": ["lib/recording/"],
  "lib/fresh/": [],
  "lib/recording/": [],
};
/** Packages that run in a browser. */
const BROWSER_PACKAGES = new Set([
  "@opentok/client",
  "@preact/signals",
  "fresh/runtime",
  "media-chrome",
  "mediabunny",
  "preact",
  "zod",
]);
/** Where code that may reach a browser lives. */
const BROWSER_PARTS = [
  "components/Badges.tsx",
  "components/ChainPicture.tsx",
  "components/FilmActions.tsx",
  "components/FilmFacts.tsx",
  "components/GapList.tsx",
  "components/LongTable.tsx",
  "components/PartTable.tsx",
  "components/format.ts",
  "islands/",
  "lib/alignment/",
  "lib/api/client.ts",
  "lib/call/",
  "lib/export/",
  "lib/emulator/packets.ts",
  "lib/emulator/protocol.ts",
  "lib/emulator/recorder/",
  "lib/mediabunny.ts",
  "lib/player/",
  "lib/recording/",
];

interface Source {
  path: string;
  code: string;
  /** What it imports: our files by their path from the root, packages by their name. */
  imports: string[];
}

const sources = await readSources();

Deno.test("every part depends only on parts further in", () => {
  const wrong = sources.flatMap((source) => {
    const part = partOf(source.path);
    const allowed = [part, ...(MAY_IMPORT[part] ?? [])];
    return source.imports.filter(isOurs)
      .filter((target) => !allowed.some((prefix) => target.startsWith(prefix)))
      .map((target) => `${source.path} imports ${target}`);
  });
  assert.deepEqual(wrong, []);
});

Deno.test("the heart is pure: it imports only zod and asks neither the clock nor the machine", () => {
  const impure =
    /\bDeno\.|\bDate\.now\b|\bnew Date\(\)|\bperformance\.|\bMath\.random\b|\bcrypto\.|\bfetch\(|\bsetTimeout\b/;
  const wrong = sources.filter((source) => source.path.startsWith("lib/recording/")).flatMap((
    source,
  ) => [
    ...source.imports.filter((target) => !isOurs(target) && target !== "zod")
      .map((target) => `${source.path} imports ${target}`),
    ...(impure.exec(source.code) ?? []).map((word) => `${source.path} uses ${word}`),
  ]);
  assert.deepEqual(wrong, []);
});

Deno.test("nothing that a browser loads is server code", () => {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const entries = sources.map((source) => source.path)
    .filter((path) => path.startsWith("islands/") || /\.(worker|module)\.ts$/.test(path));
  const seen = new Set(entries);
  const wrong: string[] = [];
  // A set visits what is added while it is walked.
  for (const path of seen) {
    const source = byPath.get(path);
    assert.ok(source, `${path} is imported but does not exist`);
    if (/\bDeno\./.test(source.code)) wrong.push(`${path} uses Deno`);
    for (const target of source.imports) {
      if (!isOurs(target)) {
        if (!BROWSER_PACKAGES.has(packageOf(target))) wrong.push(`${path} imports ${target}`);
      } else if (BROWSER_PARTS.some((prefix) => target.startsWith(prefix))) {
        seen.add(target);
      } else {
        wrong.push(`${path} imports ${target}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("only the store touches the database", () => {
  const wrong = sources.filter((source) => /\bDeno\.openKv\b|\.kv\b/.test(source.code))
    .map((source) => source.path).filter((path) => !path.startsWith("lib/store/"));
  assert.deepEqual(wrong, []);
});

Deno.test("the emulator has one door, which only the composition root opens", () => {
  const wrong = sources.filter(({ path }) => !path.startsWith("lib/emulator/"))
    .flatMap(({ path, imports }) =>
      imports.filter((target) => target.startsWith("lib/emulator/"))
        .filter((target) => path !== "lib/services.ts" || target !== "lib/emulator/mod.ts")
        .map((target) => `${path} imports ${target}`)
    );
  assert.deepEqual(wrong, []);
});

Deno.test("there are exactly three islands", () => {
  const islands = sources.map((source) => source.path)
    .filter((path) => path.startsWith("islands/"));
  assert.deepEqual(islands, [
    "islands/PlaylistPlayer.tsx",
    "islands/SessionSwitcher.tsx",
    "islands/VideoPublisher.tsx",
  ]);
});

Deno.test("pages and components need no inline style or script, so that the policy forbids both", () => {
  const wrong = sources
    .filter(({ path }) => path.startsWith("routes/") || path.startsWith("components/"))
    .filter(({ code }) =>
      /\sstyle=|<style|<script|dangerouslySetInnerHTML|\son[A-Z]\w+=/.test(code)
    )
    .map(({ path }) => path);
  assert.deepEqual(wrong, []);
});

/** The longest prefix in {@linkcode MAY_IMPORT} that fits; every source must have one. */
function partOf(path: string): string {
  const fitting = Object.keys(MAY_IMPORT).filter((prefix) =>
    // A new folder in lib/ has to be given its place.
    prefix === "lib/" ? dirname(path) === "lib" : path.startsWith(prefix)
  );
  const part = fitting.sort((a, b) => b.length - a.length)[0];
  assert.ok(part, `${path} belongs to no part of DESIGN section 2`);
  return part;
}

function isOurs(target: string): boolean {
  return /\.tsx?$/.test(target);
}

/** `preact/hooks` is part of `preact`; what the import map names in full stays. */
function packageOf(target: string): string {
  if (BROWSER_PACKAGES.has(target)) return target;
  return target.split("/").slice(0, target.startsWith("@") ? 2 : 1).join("/");
}

async function readSources(): Promise<Source[]> {
  const paths: string[] = ["app.ts", "main.ts"];
  for (const folder of ["components", "islands", "lib", "routes"]) {
    for await (const path of walk(join(ROOT, folder))) paths.push(path);
  }
  const own = paths.filter((path) => /\.tsx?$/.test(path) && !path.endsWith(".d.ts"));
  return await Promise.all(
    own.sort().map(async (path) => {
      const text = await Deno.readTextFile(join(ROOT, path));
      const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
      return { path, code, imports: importsOf(code, path) };
    }),
  );
}

async function* walk(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory && entry.name !== "node_modules") yield* walk(path);
    if (entry.isFile) yield relative(ROOT, path);
  }
}

/** Static, type-only, dynamic and re-exporting imports alike. */
function importsOf(code: string, path: string): string[] {
  const found = code.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)"([^"\n]+)"/g);
  return [...found].flatMap(([, specifier = ""]) => {
    if (!specifier.startsWith(".")) return [specifier];
    // A template for an address, not a module.
    return /\.tsx?$/.test(specifier) ? [join(dirname(path), specifier)] : [];
  });
}
