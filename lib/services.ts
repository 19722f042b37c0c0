/** The composition root: opens everything the app runs on, from one config, and closes it again. */
import { join } from "node:path";
import { createTellAlert } from "./alert_webhook.ts";
import { createApi } from "./api/mod.ts";
import { log } from "./log.ts";
import { type Auth, createAuth } from "./auth/mod.ts";
import { keptPassword } from "./auth/password.ts";
import type { Config } from "./config.ts";
import type { Chains } from "./handover/chains.ts";
import { createChains, openRoom } from "./handover/mod.ts";
import {
  createEmulator,
  type Emulator,
  EMULATOR_API_PATH,
  EMULATOR_CLIENT,
} from "./emulator/mod.ts";
import { createOpenTokPlatform } from "./platform/opentok.ts";
import { type Platform, PlatformError } from "./platform/platform.ts";
import type { Room } from "./recording/model.ts";
import { openStore, type Store } from "./store/mod.ts";

/** Everything the app runs on. */
export interface Services {
  readonly config: Config;
  readonly store: Store;
  readonly platform: Platform;
  readonly chains: Chains;
  readonly auth: Auth;
  /** Answers `/api/*`, `/healthz` and the sample's endpoints; never throws. */
  readonly api: (request: Request) => Promise<Response>;
  /** The emulator, where it is the platform. */
  readonly emulator: Emulator | null;
  /** Origin of the emulator's addresses, or null where it is not the platform. */
  readonly emulatorOrigin: () => string | null;
  /** The password that was made because none was set, for its owner to read; else null. */
  readonly madePassword: string | null;
  /** Opens a room; its two sessions are made the first time. */
  openRoom(name: string, title?: string): Promise<Room>;
  /** Hands back what runs, closes everything; takes 5 s at most. Safe to call twice. */
  close(): Promise<void>;
}

/** What tests put in another's place. */
export interface Overrides {
  store?: Store;
  /** Where this server is reached, if not at the configured port of this machine. */
  origin?: () => string;
}

/** How often a process of one's own looks after its rooms; deployed, cron does. */
const SWEEP_MS = 5_000;
const CLOSE_MS = 4_500;
/** How long a recording waits for a process of this machine that was killed, ms. */
const LOCAL_LEASE_MS = 5_000;

/**
 * Opens everything. Does not throw where a deployment lacks its variables: then the platform refuses
 * every call, and pages and API say what to set.
 *
 * @example
 * ```ts
 * const services = await openServices(readConfig(Deno.env.toObject()));
 * const view = await services.chains.view("main");
 * await services.close();
 * ```
 */
export async function openServices(config: Config, overrides: Overrides = {}): Promise<Services> {
  // The database holds the key that signs cookies: for the owner's eyes only.
  if (!config.deployment) await Deno.mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const store = overrides.store ??
    await openStore(config.deployment ? undefined : join(config.dataDir, "gapless.sqlite"));
  const origin = overrides.origin ?? (() => ownOrigin(config));
  const isEmulator = config.platform.kind === "emulator";
  // Ours alone, so it need not outlive the process.
  const signatureSecret = config.signatureSecret ?? (isEmulator ? crypto.randomUUID() : null);
  const emulator = isEmulator
    ? await createEmulator({
      records: store.emulator,
      dataDir: config.dataDir,
      origin,
      callback: {
        url: () => `${origin()}/api/callbacks/archive`,
        ...(signatureSecret !== null && { signatureSecret }),
      },
    })
    : null;
  const platform = openPlatform(config, emulator, origin);
  const mainSessions = config.sessions ?? undefined;
  const chains = createChains({
    store,
    platform,
    settings: {
      joinTimeoutMs: config.joinTimeoutMs,
      overlapInterimMs: config.overlapPrimaryMs,
      overlapNextMs: config.overlapSecondaryMs,
      rotateAfterMinutes: config.rotateAfterMinutes,
    },
    // The processes of one machine have one clock.
    ...(!config.deployment && { leaseMs: LOCAL_LEASE_MS }),
    tellAlert: createTellAlert(config.alertWebhookUrl),
  });
  const madePassword = isEmulator && config.adminPassword === null
    ? await keptPassword(config.dataDir)
    : null;
  const auth = await createAuth({
    values: store.values,
    password: config.adminPassword ?? madePassword,
    access: config.access,
    now: Date.now,
  });
  const closing = new AbortController();
  const open = (name: string, title?: string) =>
    openRoom({ store, platform, mainSessions }, name, title);
  const emulatorOrigin = () => emulator ? origin() : null;
  const api = createApi({
    config,
    store,
    platform,
    chains,
    auth,
    openRoom: open,
    emulatorOrigin,
    client: emulator ? EMULATOR_CLIENT : {},
    signatureSecret,
    closing: closing.signal,
  });
  const stopSweeping = config.deployment ? () => Promise.resolve() : sweepRegularly(chains);

  async function closeAll(): Promise<void> {
    closing.abort();
    // A sweep waits for the procedures that it resumed: they have to be told as well.
    await Promise.all([chains.close(), stopSweeping()]);
    await emulator?.close();
    store.close();
  }
  let closed: Promise<void> | null = null;
  return {
    config,
    store,
    platform,
    chains,
    auth,
    api,
    emulator,
    emulatorOrigin,
    madePassword,
    openRoom: open,
    close: () => closed ??= within(CLOSE_MS, closeAll()),
  };
}

/** Where this process is reached on its own machine. */
export function ownOrigin(config: Config): string {
  const anyAddress = ["0.0.0.0", "::", "[::]", "localhost"].includes(config.host);
  return `http://${anyAddress ? "127.0.0.1" : config.host}:${config.port}`;
}

function openPlatform(
  config: Config,
  emulator: Emulator | null,
  origin: () => string,
): Platform {
  if (emulator) {
    const { apiKey, apiSecret } = emulator;
    return createOpenTokPlatform({ apiKey, apiSecret, apiUrl: `${origin()}${EMULATOR_API_PATH}` });
  }
  if (config.platform.kind !== "opentok") return refusingPlatform();
  const { credentials, apiUrl } = config.platform;
  const [apiKey, apiSecret] = credentials.kind === "secret"
    ? [credentials.apiKey, credentials.apiSecret]
    : [credentials.applicationId, credentials.privateKey];
  return createOpenTokPlatform({ apiKey, apiSecret, ...(apiUrl !== null && { apiUrl }) });
}

/** The platform of a deployment without credentials. */
function refusingPlatform(): Platform {
  const refuse = (action: string): never => {
    throw new PlatformError("unauthorized", action, `Cannot ${action}: no credentials are set`);
  };
  return {
    apiKey: "",
    createSession: async () => await refuse("create a session"),
    createToken: () => refuse("create a token"),
    startArchive: async () => await refuse("start an archive"),
    stopArchive: async () => await refuse("stop an archive"),
    getArchive: async () => await refuse("read an archive"),
    listArchives: async () => await refuse("list archives"),
    deleteArchive: async () => await refuse("delete an archive"),
    signal: async () => await refuse("signal a session"),
    listStreams: async () => await refuse("list streams"),
  };
}

/** Sweeps until the returned function is called; it answers when a running sweep has ended. */
function sweepRegularly(chains: Chains): () => Promise<void> {
  let running: Promise<void> | null = null;
  const timer = setInterval(() => {
    running ??= chains.sweep()
      .catch((error) => log("error", "sweep failed", { error: String(error) }))
      .finally(() => running = null);
  }, SWEEP_MS);
  // Looking after rooms is no reason for a process to stay.
  Deno.unrefTimer(timer);
  return async () => {
    clearInterval(timer);
    await running;
  };
}

async function within(limitMs: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      log("warning", "closing takes too long, leaving");
      resolve();
    }, limitMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
