/** The whole app as `Deno.serve` would run it: its headers, its doors, its refusals. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Builder } from "fresh/dev";
import { createApp } from "../../app.ts";
import { readConfig } from "../../lib/config.ts";
import { openServices } from "../../lib/services.ts";
import { openStore } from "../../lib/store/mod.ts";
import { PASSWORD } from "./server.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const applySnapshot = await new Builder({ root: ROOT }).build({ snapshot: "memory" });

interface AppUnderTest {
  ask(method: string, path: string, options?: {
    headers?: Record<string, string>;
    form?: Record<string, string>;
  }): Promise<{ status: number; headers: Headers; text: string }>;
}

async function withApp(
  test: (app: AppUnderTest) => Promise<void>,
  env: Record<string, string> = {},
  origin = "http://localhost:8000",
): Promise<void> {
  const dataDir = await Deno.makeTempDir();
  const config = readConfig({ ADMIN_PASSWORD: PASSWORD, DATA_DIR: dataDir, ...env });
  const services = await openServices(config, {
    store: await openStore(":memory:"),
    origin: () => origin,
  });
  const app = createApp(services);
  applySnapshot(app);
  const handler = app.handler();
  try {
    await test({
      async ask(method, path, { headers, form } = {}) {
        const body = form && new URLSearchParams(form);
        const response = await handler(new Request(origin + path, { method, headers, body }));
        return {
          status: response.status,
          headers: response.headers,
          text: await response.text(),
        };
      },
    });
  } finally {
    await services.close();
    await Deno.remove(dataDir, { recursive: true });
  }
}

const policyOf = (headers: Headers) => {
  const policy = headers.get("content-security-policy");
  assert.ok(policy, "there is a content security policy");
  return new Map(
    policy.split("; ").map((directive) => {
      const [name = "", ...sources] = directive.split(" ");
      return [name, sources];
    }),
  );
};

Deno.test("every answer carries the security headers, errors and machines' answers too", () =>
  withApp(async ({ ask }) => {
    const asked: [string, string, number][] = [
      ["GET", "/participant", 200],
      ["GET", "/sign-in", 200],
      ["GET", "/nothing-here", 404],
      ["GET", "/player/none", 404],
      ["GET", "/api/rooms", 200],
      ["GET", "/api/nothing", 404],
      ["GET", "/apiKey", 200],
      ["GET", "/healthz", 503],
      ["GET", "/styles.css", 200],
      ["GET", "/admin.html", 302],
    ];
    for (const [method, path, status] of asked) {
      const { headers, ...answer } = await ask(method, path);
      if (path !== "/admin.html") assert.equal(answer.status, status, path);
      assert.equal(headers.get("x-content-type-options"), "nosniff", path);
      assert.ok(headers.get("referrer-policy"), path);
      assert.match(headers.get("permissions-policy") ?? "", /camera=\(self\)/);
      const policy = policyOf(headers);
      assert.deepEqual(policy.get("default-src"), ["'self'"], path);
      assert.deepEqual(policy.get("object-src"), ["'none'"], path);
      assert.deepEqual(policy.get("frame-ancestors"), ["'none'"], path);
      const scripts = policy.get("script-src") ?? [];
      assert.ok(!scripts.includes("'unsafe-inline'"), path);
      assert.ok(!policy.has("upgrade-insecure-requests"), path);
      assert.equal(headers.get("strict-transport-security"), null);
    }
  }));

Deno.test("inline scripts run only by the nonce of their answer", () =>
  withApp(async ({ ask }) => {
    const nonces = new Set<string>();
    for (const path of ["/participant", "/participant", "/nothing-here"]) {
      const { headers, text } = await ask("GET", path);
      const nonce = (policyOf(headers).get("script-src") ?? [])
        .flatMap((source) => source.match(/^'nonce-(.+)'$/)?.[1] ?? [])[0];
      for (const [, attributes = ""] of text.matchAll(/<script([^>]*)>/g)) {
        if (/\ssrc=/.test(attributes)) continue;
        assert.ok(nonce && attributes.includes(`nonce="${nonce}"`), path + attributes);
      }
      if (nonce) nonces.add(nonce);
    }
    assert.ok(nonces.size >= 2);
  }));

Deno.test("only pages whose libraries need it allow styles without a nonce", async () => {
  const inline = async (ask: AppUnderTest["ask"], path: string) =>
    (policyOf((await ask("GET", path)).headers).get("style-src") ?? []).includes("'unsafe-inline'");
  await withApp(async ({ ask }) => {
    const calls = ["/", "/participant", "/host", "/rooms/main", "/rooms/main/host"];
    for (const path of ["/player/some-chain", ...calls]) {
      assert.equal(await inline(ask, path), true, path);
    }
    for (const path of ["/player", "/history", "/sign-in"]) {
      assert.equal(await inline(ask, path), false, path);
    }
  });
});

const REAL = { API_KEY: "1", API_SECRET: "s", OPENTOK_API_URL: "http://127.0.0.1:1" };

Deno.test("the real platform's addresses are allowed where it is the platform", async () => {
  await withApp(async ({ ask }) => {
    const policy = policyOf((await ask("GET", "/sign-in")).headers);
    assert.deepEqual(policy.get("connect-src"), ["'self'"]);
  });
  await withApp(async ({ ask }) => {
    const policy = policyOf((await ask("GET", "/sign-in")).headers);
    const sources = policy.get("connect-src") ?? [];
    for (const domain of ["opentok.com", "tokbox.com", "vonage.com"]) {
      assert.ok(sources.includes(`https://*.${domain}`), domain);
      assert.ok(sources.includes(`wss://*.${domain}`), domain);
    }
    for (const directive of ["connect-src", "media-src"]) {
      assert.ok(policy.get(directive)?.includes("http://127.0.0.1:1"), directive);
    }
  }, REAL);
});

Deno.test("https is kept https", () =>
  withApp(
    async ({ ask }) => {
      const { headers } = await ask("GET", "/sign-in");
      assert.ok(headers.get("strict-transport-security"));
      assert.ok(policyOf(headers).has("upgrade-insecure-requests"));
    },
    {},
    "https://gapless.example",
  ));

Deno.test("signing in by the form opens what is for admins, from the site's own pages only", () =>
  withApp(async ({ ask }) => {
    const form = { password: PASSWORD, next: "/host" };
    const foreign = await ask("POST", "/sign-in", {
      form,
      headers: { "sec-fetch-site": "cross-site" },
    });
    assert.equal(foreign.status, 403);
    assert.match(foreign.headers.get("content-type") ?? "", /^text\/html/);
    assert.equal(foreign.headers.get("set-cookie"), null);
    const own = await ask("POST", "/sign-in", {
      form,
      headers: { "sec-fetch-site": "same-origin" },
    });
    assert.equal(own.status, 303);
    assert.equal(own.headers.get("location"), "/host");
    const cookie = own.headers.get("set-cookie")?.split(";")[0] ?? "";
    const made = await ask("GET", "/api/links", { headers: { cookie } });
    assert.equal(made.status, 200);
  }));

Deno.test("an API refusal of another site is a problem, not a page", () =>
  withApp(async ({ ask }) => {
    for (const path of ["/api/archives", "/archives"]) {
      const answer = await ask("POST", path, { headers: { origin: "https://evil.example" } });
      assert.equal(answer.status, 403);
      assert.equal(answer.headers.get("content-type"), "application/problem+json");
    }
  }));

Deno.test("a deployment without credentials shows on every page which variables to set", () =>
  withApp(
    async ({ ask }) => {
      for (const path of ["/", "/host", "/history", "/player"]) {
        const { status, text } = await ask("GET", path);
        assert.equal(status, 503, path);
        for (const name of ["API_KEY", "API_SECRET", "ADMIN_PASSWORD"]) {
          assert.ok(text.includes(name), `${path}: ${name}`);
        }
      }
    },
    { DENO_DEPLOYMENT_ID: "d1", ADMIN_PASSWORD: "" },
  ));
