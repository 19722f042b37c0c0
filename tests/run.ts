/**
 * Runs every test: `deno task test`. Provisions the browser, runs most files in parallel, those with a
 * browser by themselves, then one by one those whose name says that deadlines or losses of real time are
 * looked at. It closes with one line of true counts. Arguments narrow the files, as substrings of their
 * paths.
 */
import { buildApp, BUILT } from "./support/app.ts";
import { ensureChromium } from "./support/chromium.ts";

const CORES = navigator.hardwareConcurrency;

interface Counts {
  passed: number;
  failed: number;
}

async function testFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) files.push(...await testFiles(path));
    else if (/_test\.tsx?$/.test(entry.name)) files.push(path);
  }
  return files.sort();
}

/** A suite that takes longer hangs: its tests that are not done are named and counted as failed. */
const SUITE_DEADLINE_MS = 20 * 60_000;

/** Runs so many files at a time, showing what they print, and reads the counts from the last line. */
async function run(files: string[], atATime: number): Promise<Counts> {
  if (files.length === 0) return { passed: 0, failed: 0 };
  const child = new Deno.Command(Deno.execPath(), {
    // Types are what `deno task check` looks at.
    args: ["test", "-A", "--no-check", ...(atATime > 1 ? ["--parallel"] : []), ...files],
    stdout: "piped",
    env: { NO_COLOR: "1", DENO_JOBS: String(atATime) },
  }).spawn();
  const deadline = setTimeout(() => child.kill("SIGINT"), SUITE_DEADLINE_MS);
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
  return counts;
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

await ensureChromium();
const wanted = Deno.args;
const files = (await testFiles("tests")).filter((path) =>
  wanted.length === 0 || wanted.some((part) => path.includes(part))
);
if (files.length > 1) {
  await buildApp();
  Deno.env.set(BUILT, "yes");
}
const suites = [
  { files: files.filter((path) => !/_(browser|realtime)_test\./.test(path)), atATime: CORES },
  { files: files.filter((path) => path.includes("_browser_test.")), atATime: CORES },
  { files: files.filter((path) => path.includes("_realtime_test.")), atATime: 1 },
];
const total: Counts = { passed: 0, failed: 0 };
for (const suite of suites) {
  const { passed, failed } = await run(suite.files, suite.atATime);
  total.passed += passed;
  total.failed += failed;
}
console.log(`${total.passed} passed, ${total.failed} failed`);
Deno.exit(total.failed === 0 ? 0 : 1);
