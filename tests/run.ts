/**
 * Runs the tests: `deno task test`, or only those of files whose paths contain one of the arguments.
 * `deno task test:long` (`--long`) adds the files `*_long_test.ts`, larger quantities (see
 * `support/quantity.ts`) and a soak. It provisions the browser, prints the slowest files and the names
 * of skipped tests, and closes with one line of true counts. In CI a skipped test counts as failed.
 *
 * Files run in parallel, the longest first by `durations.json`, which `--measure` writes anew; those whose
 * name says that they look at losses or deadlines of real time, `*_realtime_test.ts`, run one by one.
 */
import { parseArgs } from "node:util";
import * as z from "zod";
import { buildApp, BUILT } from "./support/app.ts";
import { ensureChromium, serveChromium, SHARED_CHROMIUM } from "./support/chromium.ts";
import { LONG } from "./support/quantity.ts";

/** One more than cores: browser tests wait a good part of their time. */
const AT_A_TIME = navigator.hardwareConcurrency + 1;
/** A suite that takes longer hangs: its tests that are not done are named and counted as failed. */
const DEADLINE_MS = 20 * 60_000;
const LONG_DEADLINE_MS = 60 * 60_000;
/** How long the soak of the long run records. */
const SOAK_MINUTES = 3;
/** As many of the slowest files are printed. */
const SLOWEST = 8;
const DURATIONS = new URL("durations.json", import.meta.url);

interface Counts {
  passed: number;
  failed: number;
}

/** What a run of some files tells. */
interface Result extends Counts {
  /** Seconds by file. */
  seconds: Map<string, number>;
  skipped: string[];
}

const { values: { long: isLong, measure }, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    long: { type: "boolean", default: false },
    measure: { type: "boolean", default: false },
  },
});

async function testFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) files.push(...await testFiles(path));
    else if (/_test\.tsx?$/.test(entry.name)) files.push(path);
  }
  return files.sort();
}

/** Runs so many files at a time, in this order, showing what they print. */
async function run(files: string[], atATime: number): Promise<Result> {
  const child = new Deno.Command(Deno.execPath(), {
    // Types are what `deno task check` looks at.
    args: ["test", "-A", "--no-check", ...(atATime > 1 ? ["--parallel"] : []), ...files],
    stdout: "piped",
    env: { NO_COLOR: "1", DENO_JOBS: String(atATime) },
  }).spawn();
  const deadline = setTimeout(() => child.kill("SIGINT"), isLong ? LONG_DEADLINE_MS : DEADLINE_MS);
  let output = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    output += chunk;
    await Deno.stdout.write(new TextEncoder().encode(chunk));
  }
  clearTimeout(deadline);
  const { success } = await child.status;
  const counts = countsIn(output);
  // A file that does not even load is a failure that the counts may not show.
  if (!success && counts.failed === 0) counts.failed = 1;
  return { ...counts, ...testsIn(output) };
}

/** The counts of a suite that ended, or was interrupted: what was pending then has failed. */
function countsIn(output: string): Counts {
  const summary = [...output.matchAll(/\| (\d+) passed.*?\| (\d+) failed/g)].at(-1);
  if (summary) return { passed: Number(summary[1]), failed: Number(summary[2]) };
  const [ran = "", pending = ""] = output.split("The following tests were pending:");
  const results = [...ran.matchAll(/^\S+ => (?:(?! \.\.\. ).)+ \.\.\. (ok|FAILED) \(/gm)];
  const passed = results.filter(([, result]) => result === "ok").length;
  return { passed, failed: results.length - passed + pending.trim().split("\n").length };
}

/** How long the tests of each file took, and which were skipped. */
function testsIn(output: string): Pick<Result, "seconds" | "skipped"> {
  const seconds = new Map<string, number>();
  const skipped: string[] = [];
  let running = "";
  // Steps are indented, or named after their test: their time is its time.
  const test =
    /^(?:\.\/(\S+) => )?(\S.*?) \.\.\..*(ok|FAILED|ignored)[^()]*(?:\(due.*\) )?\((.+)\)$/;
  for (const line of output.split("\n")) {
    running = line.match(/^running \d+ tests? from \.\/(\S+)$/)?.[1] ?? running;
    const [, file = running, name = "", result, time = ""] = line.match(test) ?? [];
    if (result === "ignored") skipped.push(`${file}: ${name}`);
    if (!result || line.split(" ... ").length > 2) continue;
    const [, minutes = 0, whole = 0] = time.match(/^(?:(\d+)m)?(?:(\d+)s)?$/) ?? [];
    const ms = Number(time.match(/^(\d+)ms$/)?.[1] ?? 0);
    const spent = Number(minutes) * 60 + Number(whole) + ms / 1000;
    seconds.set(file, (seconds.get(file) ?? 0) + spent);
  }
  return { seconds, skipped };
}

await ensureChromium();
if (isLong) Deno.env.set(LONG, "yes");
const files = (await testFiles("tests")).filter((path) =>
  wanted.length === 0
    ? isLong || !path.includes("_long_test.")
    : wanted.some((part) => path.includes(part))
);
if (files.length > 1) {
  await buildApp();
  Deno.env.set(BUILT, "yes");
}
await using chromium = await serveChromium();
Deno.env.set(SHARED_CHROMIUM, chromium.address);

const known = z.record(z.string(), z.number()).parse(
  JSON.parse(await Deno.readTextFile(DURATIONS)),
);
const expected = (file: string) => known[file] ?? Infinity;
const longestFirst = files.toSorted((a, b) => expected(b) - expected(a));
const isAlone = (file: string) => /_(realtime|long)_test\./.test(file);
const total: Counts = { passed: 0, failed: 0 };
const seconds = new Map<string, number>();
const skipped: string[] = [];
for (
  const { files, atATime } of [
    { files: longestFirst.filter((file) => !isAlone(file)), atATime: AT_A_TIME },
    { files: longestFirst.filter(isAlone), atATime: 1 },
  ]
) {
  if (files.length === 0) continue;
  const result = await run(files, atATime);
  total.passed += result.passed;
  total.failed += result.failed;
  for (const [file, each] of result.seconds) seconds.set(file, each);
  skipped.push(...result.skipped);
}

if (isLong && wanted.length === 0) {
  const args = ["run", "-A", "tests/soak/run.ts", "--minutes", String(SOAK_MINUTES)];
  const { success } = await new Deno.Command(Deno.execPath(), { args }).spawn().status;
  total[success ? "passed" : "failed"]++;
}

const slowest = [...seconds].sort(([, a], [, b]) => b - a);
console.log("Slowest files:");
for (const [file, each] of slowest.slice(0, SLOWEST)) {
  console.log(`  ${each.toFixed(1)} s  ${file}`);
}
if (measure) {
  const rounded = slowest.map(([file, each]) => [file, Math.round(each * 10) / 10]);
  await Deno.writeTextFile(DURATIONS, JSON.stringify(Object.fromEntries(rounded), null, 2) + "\n");
}
for (const name of skipped) console.log(`Skipped: ${name}`);
if (Deno.env.has("CI")) total.failed += skipped.length;
console.log(`${total.passed} passed, ${total.failed} failed`);
Deno.exitCode = total.failed === 0 ? 0 : 1;
