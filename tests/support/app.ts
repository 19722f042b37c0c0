/** The whole product as its users run it: built, served by its own process, on the loopback platform. */

/** A running server. */
export interface App {
  origin: string;
  /** The admin password it was given. */
  password: string;
  dataDir: string;
  /** Ends the process with `signal` and waits for it; answers how it ended. */
  stop(signal?: Deno.Signal): Promise<Deno.CommandStatus>;
  /** Starts it again on the same port and data. */
  restart(): Promise<void>;
  /** Starts another process on the same data, at a port of its own. */
  startBeside(): Promise<App>;
  /** Its process id. */
  pid(): number;
  /** Where its inspector answers, if it was started with one. */
  inspector: string;
}

/** Variable that says that the app has been built for this run of the tests. */
export const BUILT = "GAPLESS_TESTS_BUILT";

const PASSWORD = "correct horse battery";
const START_DEADLINE_MS = 60_000;

/** Builds the app, if this run of the tests has not, and serves it on a free port with a data folder of its own. */
export async function startApp(
  env: Record<string, string> = {},
  { inspect = false }: { inspect?: boolean } = {},
): Promise<App> {
  if (!Deno.env.has(BUILT)) await buildApp();
  const inspector = inspect ? `127.0.0.1:${freePort()}` : "";
  return await serve(await Deno.makeTempDir({ prefix: "gapless-" }), env, inspector);
}

async function serve(
  dataDir: string,
  env: Record<string, string>,
  inspector = "",
): Promise<App> {
  const port = freePort();
  const origin = `http://localhost:${port}`;
  const start = () =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", ...(inspector ? [`--inspect=${inspector}`] : []), "preview.ts"],
      env: { PORT: String(port), DATA_DIR: dataDir, ADMIN_PASSWORD: PASSWORD, ...env },
      stdout: Deno.env.has("VERBOSE") ? "inherit" : "null",
      stderr: "inherit",
    }).spawn();
  let child = start();
  await healthy(origin);
  return {
    origin,
    password: PASSWORD,
    dataDir,
    async stop(signal = "SIGINT") {
      child.kill(signal);
      return await child.status;
    },
    async restart() {
      child = start();
      await healthy(origin);
    },
    startBeside: () => serve(dataDir, env),
    pid: () => child.pid,
    inspector,
  };
}

/** Writes what {@link startApp} serves. */
export async function buildApp(): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "build"],
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`Cannot build the app:\n${new TextDecoder().decode(stderr)}`);
}

function freePort(): number {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  listener.close();
  return port;
}

async function healthy(origin: string): Promise<void> {
  const deadline = Date.now() + START_DEADLINE_MS;
  while (Date.now() < deadline) {
    const answer = await fetch(`${origin}/healthz`).catch(() => null);
    await answer?.body?.cancel();
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(
    `Cannot reach ${origin}/healthz within ${START_DEADLINE_MS / 1000} s of the start`,
  );
}
