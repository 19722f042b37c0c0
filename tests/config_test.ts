import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { ConfigError, readConfig, variableNames } from "../lib/config.ts";

const PEM = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey
  .export({ type: "pkcs8", format: "pem" }).toString();

function problemsOf(env: Record<string, string>): Map<string, string> {
  try {
    readConfig(env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return new Map(error.problems.map((p) => [p.variable, p.problem]));
  }
  return new Map();
}

Deno.test("readConfig() chooses the emulator, open to all, without credentials", () => {
  const config = readConfig({});
  assert.deepEqual(config.platform, { kind: "emulator" });
  assert.equal(config.access, "open");
  assert.equal(config.port, 8000);
  assert.equal(config.dataDir, ".data");
  assert.equal(config.rotateAfterMinutes, 110);
  assert.equal(config.adminPassword, null);
});

Deno.test("readConfig() chooses OpenTok, by link only, with a key and secret", () => {
  const config = readConfig({ API_KEY: "123", API_SECRET: "s", ADMIN_PASSWORD: "12345678" });
  assert.deepEqual(config.platform, {
    kind: "opentok",
    credentials: { kind: "secret", apiKey: "123", apiSecret: "s" },
    apiUrl: null,
  });
  assert.equal(config.access, "links");
});

Deno.test("readConfig() takes a private key whose line breaks are written as \\n", () => {
  const config = readConfig({
    APPLICATION_ID: "1b4f0e98-51b2-4d2c-9b3a-6f0b6f6f2a11",
    PRIVATE_KEY: PEM.replaceAll("\n", "\\n"),
    ADMIN_PASSWORD: "12345678",
  });
  assert.ok(config.platform.kind === "opentok");
  assert.ok(config.platform.credentials.kind === "application");
  assert.equal(config.platform.credentials.privateKey.trim(), PEM.trim());
});

Deno.test("readConfig() takes the origin of PUBLIC_URL, and refuses what is no web address", () => {
  assert.equal(readConfig({}).publicUrl, null);
  const { publicUrl } = readConfig({ PUBLIC_URL: "https://video.example.com/" });
  assert.equal(publicUrl, "https://video.example.com");
  assert.ok(problemsOf({ PUBLIC_URL: "video.example.com" }).has("PUBLIC_URL"));
});

Deno.test("readConfig() reads the sample's delays as seconds", () => {
  const config = readConfig({
    SESSION_JOIN_DELAY: "5",
    SESSION_STOP_DELAY_PRIMARY: "1.5",
    SESSION_STOP_DELAY_SECONDARY: "0",
    PLAYER_OFFSET_PRIMARY: "-0.25",
  });
  assert.equal(config.joinTimeoutMs, 5000);
  assert.equal(config.overlapPrimaryMs, 1500);
  assert.equal(config.overlapSecondaryMs, 0);
  assert.deepEqual(config.playerOffsetSeconds, { primary: -0.25, secondary: 0 });
});

Deno.test("readConfig() counts an empty variable as absent", () => {
  assert.deepEqual(
    readConfig(Object.fromEntries(variableNames.map((n) => [n, " "]))),
    readConfig({}),
  );
});

Deno.test("readConfig() names every problem at once, with an example and without the value", () => {
  try {
    readConfig({
      PORT: "80x",
      ACCESS: "all",
      ROTATE_AFTER_MINUTES: "999",
      API_SECRET: "hush-hush",
    });
    assert.fail("expected a ConfigError");
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    const named = error.problems.map((p) => p.variable).sort();
    assert.deepEqual(named, ["ACCESS", "API_KEY", "PORT", "ROTATE_AFTER_MINUTES"]);
    assert.match(error.message, /PORT: must be a plain number \(for example 8000\)/);
    assert.doesNotMatch(error.message, /hush-hush/);
  }
});

const wrong: [string, Record<string, string>, string][] = [
  ["half a key pair", { API_KEY: "1", ADMIN_PASSWORD: "12345678" }, "API_SECRET"],
  ["half an application", { PRIVATE_KEY: PEM, ADMIN_PASSWORD: "12345678" }, "APPLICATION_ID"],
  ["half a pair of sessions", { SESSION_ID_PRIMARY: "1_a" }, "SESSION_ID_SECONDARY"],
  ["credentials without a password", { API_KEY: "1", API_SECRET: "s" }, "ADMIN_PASSWORD"],
  ["a short password", { ADMIN_PASSWORD: "short" }, "ADMIN_PASSWORD"],
  ["an address that is none", { OPENTOK_API_URL: "example" }, "OPENTOK_API_URL"],
  ["a key that is none", { APPLICATION_ID: "x", PRIVATE_KEY: "y" }, "PRIVATE_KEY"],
  ["a platform's sessions without one", {
    SESSION_ID_PRIMARY: "1_a",
    SESSION_ID_SECONDARY: "2_b",
  }, "API_KEY"],
  ["a negative delay", { SESSION_JOIN_DELAY: "-1" }, "SESSION_JOIN_DELAY"],
];
for (const [what, env, variable] of wrong) {
  Deno.test(`readConfig() refuses ${what}`, () => {
    assert.ok(problemsOf(env).has(variable), [...problemsOf(env).keys()].join(", "));
  });
}

Deno.test("readConfig() says what a deployment lacks instead of using the emulator", () => {
  const config = readConfig({ DENO_DEPLOYMENT_ID: "d1" });
  assert.deepEqual(config.platform, {
    kind: "missing",
    variables: ["API_KEY", "API_SECRET", "ADMIN_PASSWORD"],
  });
  assert.equal(config.access, "links");
  assert.equal(config.host, "0.0.0.0");
  assert.deepEqual(config.deployment, { id: "d1", production: true });
});

Deno.test("readConfig() knows a preview from the production timeline", () => {
  const config = readConfig({ DENO_DEPLOYMENT_ID: "d1", DENO_TIMELINE: "git-branch/x" });
  assert.equal(config.deployment?.production, false);
});

Deno.test("readConfig() answers a frozen object", () => {
  const config = readConfig({});
  assert.throws(() => Object.assign(config, { port: 1 }), TypeError);
  assert.throws(() => Object.assign(config.playerOffsetSeconds, { primary: 1 }), TypeError);
});

Deno.test(".env.example names every variable, and nothing else", async () => {
  const example = await Deno.readTextFile(new URL("../.env.example", import.meta.url));
  const named = [...example.matchAll(/^(?:# )?([A-Z][A-Z_]+)=/gm)].map(([, name]) => name);
  assert.deepEqual(named, variableNames);
});

Deno.test(".env.example is a usable environment that changes nothing", async () => {
  const example = await Deno.readTextFile(new URL("../.env.example", import.meta.url));
  const env = Object.fromEntries(
    [...example.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
  );
  assert.deepEqual(readConfig(env), readConfig({}));
});
