/**
 * Environment -> one typed, frozen object. Every variable is described in `.env.example`; a test
 * keeps the two together.
 */
import { z } from "zod";
import { createPrivateKey } from "node:crypto";

/** How the app proves to the platform who it is. */
export type Credentials =
  | { kind: "secret"; apiKey: string; apiSecret: string }
  | { kind: "application"; applicationId: string; privateKey: string };

/** Which video platform this process uses. */
export type PlatformConfig =
  /** Demo mode, without credentials: the emulator on this machine. */
  | { kind: "emulator" }
  /** OpenTok / Vonage Video. `apiUrl` is null for the platform's own address. */
  | { kind: "opentok"; credentials: Credentials; apiUrl: string | null }
  /** Deployed without what it needs: every page says which variables to set. */
  | { kind: "missing"; variables: string[] };

/** Everything the environment decides. */
export interface Config {
  readonly port: number;
  readonly host: string;
  /** Origin of the address that people use, where it is not this server's own; or null. */
  readonly publicUrl: string | null;
  /** Directory of the key-value store and of the emulator's files. */
  readonly dataDir: string;
  readonly platform: Readonly<PlatformConfig>;
  /** null in demo mode: one is made at the first start (see `lib/auth/password.ts`). */
  readonly adminPassword: string | null;
  /** `open`: anyone joins and watches. `links`: only with a link that an admin made. */
  readonly access: "open" | "links";
  /** Sessions of the room `main`, if they are to be existing ones. */
  readonly sessions: Readonly<{ primary: string; secondary: string }> | null;
  /** Secret that signs the platform's callbacks; null accepts unsigned ones. */
  readonly signatureSecret: string | null;
  /** Where alerts about recordings are posted, or null. */
  readonly alertWebhookUrl: string | null;
  /** Recorded time after which a chain hands over by itself. */
  readonly rotateAfterMinutes: number;
  /** Longest wait for everyone to publish to the secondary session. */
  readonly joinTimeoutMs: number;
  /** How long the previous archive runs on after the interim one was confirmed. */
  readonly overlapPrimaryMs: number;
  /** How long the interim archive runs on after the next one was confirmed. */
  readonly overlapSecondaryMs: number;
  /** Seconds added to the seam when playback enters a part of that lane. */
  readonly playerOffsetSeconds: Readonly<{ primary: number; secondary: number }>;
  /** Deployed (Deno Deploy), or null where this runs on a machine of one's own. */
  readonly deployment: Readonly<{ id: string; production: boolean }> | null;
}

/** One variable that cannot be used as it is. */
export interface ConfigProblem {
  variable: string;
  problem: string;
  example: string;
}

/** The environment cannot be used; lists every problem at once, never a value that may be secret. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  constructor(readonly problems: ConfigProblem[]) {
    super(
      "Cannot start with this environment:\n" +
        problems.map((p) => `  ${p.variable}: ${p.problem} (for example ${p.example})`).join("\n"),
    );
  }
}

const number = (rule: (schema: z.ZodNumber) => z.ZodNumber) =>
  z.string().regex(/^-?\d+(\.\d+)?$/, "must be a plain number").transform(Number)
    .pipe(rule(z.number()));
const seconds = number((n) => n.min(0, "must not be negative").max(600, "must be at most 600"))
  .transform((value) => Math.round(value * 1000));
const text = z.string().max(8192, "is too long");

const privateKey = text.transform((value, context) => {
  // One-line settings fields hold a PEM's line breaks as the two characters "\n".
  const pem = value.replaceAll("\\n", "\n");
  try {
    const key = createPrivateKey(pem);
    // The SDK signs with RS256, and knows a key only by the first line of this form of PEM.
    if (key.asymmetricKeyType === "rsa") {
      return String(key.export({ type: "pkcs8", format: "pem" }));
    }
  } catch {
    // Said below.
  }
  context.addIssue("must be an RSA private key in PEM form");
  return z.NEVER;
});

/** Every variable: its schema, the value used without it, and one that is right. */
const variables = {
  PORT: {
    schema: number((n) => n.int("must be whole").min(0).max(65535, "must be at most 65535")),
    fallback: "8000",
    example: "8000",
  },
  HOST: { schema: text, fallback: "127.0.0.1", example: "0.0.0.0" },
  PUBLIC_URL: {
    schema: z.url({ protocol: /^https?$/, error: "must be an http or https address" })
      .transform((url) => new URL(url).origin),
    example: "https://video.example.com",
  },
  DATA_DIR: { schema: text, fallback: ".data", example: ".data" },
  ADMIN_PASSWORD: {
    schema: text.min(8, "must have at least 8 characters"),
    example: "a-long-passphrase",
  },
  ACCESS: { schema: z.enum(["open", "links"], 'must be "open" or "links"'), example: "links" },
  API_KEY: { schema: text, example: "45678901" },
  API_SECRET: { schema: text, example: "0123456789abcdef0123456789abcdef01234567" },
  APPLICATION_ID: {
    schema: z.guid("must be a UUID"),
    example: "1b4f0e98-51b2-4d2c-9b3a-6f0b6f6f2a11",
  },
  PRIVATE_KEY: { schema: privateKey, example: '"-----BEGIN PRIVATE KEY-----\\nMIIE…"' },
  OPENTOK_API_URL: {
    schema: z.url({ protocol: /^https?$/, error: "must be an http or https address" }),
    example: "https://api.opentok.com",
  },
  SIGNATURE_SECRET: {
    schema: text.min(16, "must have at least 16 characters"),
    example: "the-signature-secret-of-the-account",
  },
  SESSION_ID_PRIMARY: { schema: text, example: "1_MX40NTY3ODkwMX5-…" },
  SESSION_ID_SECONDARY: { schema: text, example: "2_MX40NTY3ODkwMX5-…" },
  ROTATE_AFTER_MINUTES: {
    schema: number((n) => n.min(0.1, "must be at least 0.1").max(235, "must be at most 235")),
    fallback: "110",
    example: "110",
  },
  SESSION_JOIN_DELAY: { schema: seconds, fallback: "5", example: "5" },
  SESSION_STOP_DELAY_PRIMARY: { schema: seconds, fallback: "2", example: "2" },
  SESSION_STOP_DELAY_SECONDARY: { schema: seconds, fallback: "2", example: "2" },
  ALERT_WEBHOOK_URL: {
    schema: z.url({ protocol: /^https?$/, error: "must be an http or https address" }),
    example: "https://hooks.example.com/gapless",
  },
  PLAYER_OFFSET_PRIMARY: {
    schema: number((n) => n.min(-60).max(60, "must be between -60 and 60")),
    fallback: "0",
    example: "0",
  },
  PLAYER_OFFSET_SECONDARY: {
    schema: number((n) => n.min(-60).max(60, "must be between -60 and 60")),
    fallback: "0",
    example: "0",
  },
  /** Set by Deno Deploy. */
  DENO_DEPLOYMENT_ID: { schema: text, example: "set by Deno Deploy" },
  /** Set by Deno Deploy; absent means production. */
  DENO_TIMELINE: { schema: text, example: "production" },
} satisfies Record<string, { schema: z.ZodType; example: string; fallback?: string }>;

type Name = keyof typeof variables;

/** The names of all variables that are read, in the order `.env.example` explains them. */
export const variableNames: readonly string[] = Object.keys(variables);

/**
 * Reads the environment. An empty variable counts as absent.
 *
 * @throws {ConfigError} with every problem found.
 *
 * @example
 * ```ts
 * const config = readConfig({ PORT: "8080" });
 * config.platform.kind; // "emulator": no credentials were given
 * ```
 */
export function readConfig(env: Record<string, string | undefined>): Config {
  const problems: ConfigProblem[] = [];
  const complain = (variable: Name, problem: string) => {
    problems.push({ variable, problem, example: variables[variable].example });
  };
  function read<N extends Name>(name: N): z.output<(typeof variables)[N]["schema"]> | null {
    const entry: { schema: z.ZodType; fallback?: string } = variables[name];
    const raw = env[name]?.trim() || entry.fallback;
    if (raw === undefined) return null;
    const result = variables[name].schema.safeParse(raw);
    if (result.success) return result.data as z.output<(typeof variables)[N]["schema"]>;
    complain(name, result.error.issues.map((issue) => issue.message).join(", "));
    return null;
  }
  const given = (name: Name) => Boolean(env[name]?.trim());
  /** Both or none: says which one is missing. */
  const pair = (first: Name, second: Name) => {
    if (given(first) && !given(second)) complain(second, `is missing, but ${first} is set`);
    if (given(second) && !given(first)) complain(first, `is missing, but ${second} is set`);
  };

  pair("API_KEY", "API_SECRET");
  pair("APPLICATION_ID", "PRIVATE_KEY");
  pair("SESSION_ID_PRIMARY", "SESSION_ID_SECONDARY");
  if (given("API_KEY") && given("APPLICATION_ID")) {
    complain("APPLICATION_ID", "must not be set together with API_KEY: keep one of the two");
  }

  const values = {
    port: read("PORT") ?? 0,
    host: read("HOST") ?? "",
    publicUrl: read("PUBLIC_URL"),
    dataDir: read("DATA_DIR") ?? "",
    apiKey: read("API_KEY"),
    apiSecret: read("API_SECRET"),
    applicationId: read("APPLICATION_ID"),
    privateKey: read("PRIVATE_KEY"),
    apiUrl: read("OPENTOK_API_URL"),
    adminPassword: read("ADMIN_PASSWORD"),
    access: read("ACCESS"),
    primary: read("SESSION_ID_PRIMARY"),
    secondary: read("SESSION_ID_SECONDARY"),
    signatureSecret: read("SIGNATURE_SECRET"),
    rotateAfterMinutes: read("ROTATE_AFTER_MINUTES") ?? 0,
    joinTimeoutMs: read("SESSION_JOIN_DELAY") ?? 0,
    overlapPrimaryMs: read("SESSION_STOP_DELAY_PRIMARY") ?? 0,
    overlapSecondaryMs: read("SESSION_STOP_DELAY_SECONDARY") ?? 0,
    alertWebhookUrl: read("ALERT_WEBHOOK_URL"),
    offsetPrimary: read("PLAYER_OFFSET_PRIMARY") ?? 0,
    offsetSecondary: read("PLAYER_OFFSET_SECONDARY") ?? 0,
    deploymentId: read("DENO_DEPLOYMENT_ID"),
    timeline: read("DENO_TIMELINE"),
  };

  let platform: PlatformConfig = { kind: "emulator" };
  if (values.apiKey !== null && values.apiSecret !== null) {
    const credentials = {
      kind: "secret",
      apiKey: values.apiKey,
      apiSecret: values.apiSecret,
    } as const;
    platform = { kind: "opentok", credentials, apiUrl: values.apiUrl };
  } else if (values.applicationId !== null && values.privateKey !== null) {
    const credentials = {
      kind: "application",
      applicationId: values.applicationId,
      privateKey: values.privateKey,
    } as const;
    platform = { kind: "opentok", credentials, apiUrl: values.apiUrl };
  }
  if (platform.kind === "emulator") {
    if (given("OPENTOK_API_URL") && !given("API_KEY") && !given("APPLICATION_ID")) {
      complain("API_KEY", "is missing, but OPENTOK_API_URL is set");
    }
    if (given("SESSION_ID_PRIMARY") && !given("API_KEY") && !given("APPLICATION_ID")) {
      complain("API_KEY", "is missing, but SESSION_ID_PRIMARY is set");
    }
  }
  if (values.deploymentId !== null) {
    const missing = [
      ...(platform.kind === "emulator" ? ["API_KEY", "API_SECRET"] : []),
      ...(values.adminPassword === null ? ["ADMIN_PASSWORD"] : []),
    ];
    if (missing.length > 0) platform = { kind: "missing", variables: missing };
  } else if (platform.kind === "opentok" && !given("ADMIN_PASSWORD")) {
    complain("ADMIN_PASSWORD", "is missing: with a real platform it protects the host page");
  }

  if (problems.length > 0) throw new ConfigError(problems);
  // Deployed, what reaches this process comes through the host's own network.
  const host = values.deploymentId !== null && !given("HOST") ? "0.0.0.0" : values.host;
  return deepFreeze({
    port: values.port,
    host,
    publicUrl: values.publicUrl,
    dataDir: values.dataDir,
    platform,
    adminPassword: values.adminPassword,
    access: values.access ?? (platform.kind === "emulator" ? "open" : "links"),
    sessions: values.primary !== null && values.secondary !== null
      ? { primary: values.primary, secondary: values.secondary }
      : null,
    signatureSecret: values.signatureSecret,
    alertWebhookUrl: values.alertWebhookUrl,
    rotateAfterMinutes: values.rotateAfterMinutes,
    joinTimeoutMs: values.joinTimeoutMs,
    overlapPrimaryMs: values.overlapPrimaryMs,
    overlapSecondaryMs: values.overlapSecondaryMs,
    playerOffsetSeconds: { primary: values.offsetPrimary, secondary: values.offsetSecondary },
    deployment: values.deploymentId === null
      ? null
      : { id: values.deploymentId, production: (values.timeline ?? "production") === "production" },
  });
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === "object" && inner !== null) deepFreeze(inner);
  }
  return Object.freeze(value);
}

/** Reads the environment of a process that cannot go on without it: says what is wrong and ends it. */
export function readConfigOrExit(env: Record<string, string | undefined>): Config {
  try {
    return readConfig(env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // deno-lint-ignore no-console -- a person who starts this has to read it, without a stack
    console.error(error.message);
    Deno.exit(1);
  }
}
