import assert from "node:assert/strict";
import {
  ATTEMPT_WINDOW_MS,
  type Auth,
  createAuth,
  type LinkScope,
  MAX_ATTEMPTS,
  mayBrowse,
  mayJoin,
  mayWatch,
  safeNext,
  SIGNED_IN_MS,
} from "../../lib/auth/mod.ts";
import { keptPassword, passwordFile } from "../../lib/auth/password.ts";
import { requireSameOrigin } from "../../lib/auth/same_origin.ts";
import { openStore } from "../../lib/store/mod.ts";
import { openTempDir } from "../support/test_services.ts";

const PASSWORD = "correct horse";
const URL_ = "http://localhost:8000/";

interface Door {
  auth: Auth;
  clock: { nowMs: number };
  /** The same after a restart, maybe with another password. */
  again(password: string): Promise<Auth>;
}

/** Opens the auth of an app where anyone may join, or who has a link. */
async function openAuth(access: "open" | "links" = "open"): Promise<Door & Disposable> {
  const store = await openStore(":memory:");
  const clock = { nowMs: Date.UTC(2026, 0, 1) };
  const again = (password: string) =>
    createAuth({ values: store.values, password, access, now: () => clock.nowMs });
  return { auth: await again(PASSWORD), clock, again, [Symbol.dispose]: () => store.close() };
}

/** Defines a test on an auth of its own. */
function test(
  name: string,
  run: (door: Door) => Promise<void>,
  access?: "open" | "links",
): void {
  Deno.test(name, async () => {
    using door = await openAuth(access);
    await run(door);
  });
}

const request = (cookie?: string, url = URL_) =>
  new Request(url, { headers: cookie ? { cookie: cookie.split(";")[0] ?? "" } : {} });

/** Makes a link that opens for a second, to the main room if nothing else is said. */
const createLink = (
  auth: Auth,
  scope: LinkScope = { kind: "room", room: "main" },
  expiresInMs = 1000,
) => auth.createLink({ label: "For the board", scope, expiresInMs });

async function signedIn(auth: Auth): Promise<string> {
  const result = await auth.signIn(request(), PASSWORD, "a");
  assert.ok(result.ok);
  return result.cookie;
}

test("signIn() makes an admin of who knows the password", async ({ auth }) => {
  const cookie = await signedIn(auth);
  assert.equal((await auth.identify(request(cookie))).role, "admin");
  assert.match(cookie, /; HttpOnly; SameSite=Lax$/);
  assert.match(cookie, /Max-Age=43200/);
});

test("signIn() marks the cookie Secure on https, behind a proxy too", async ({ auth }) => {
  const direct = await auth.signIn(request(undefined, "https://example.com/"), PASSWORD, "a");
  const proxied = new Request(URL_, { headers: { "x-forwarded-proto": "https" } });
  for (const result of [direct, await auth.signIn(proxied, PASSWORD, "a")]) {
    assert.ok(result.ok);
    assert.match(result.cookie, /; Secure$/);
  }
});

test("signIn() refuses a wrong password", async ({ auth }) => {
  const result = await auth.signIn(request(), "wrong", "a");
  assert.deepEqual(result, { ok: false, reason: "wrong-password", retryAfterSeconds: 0 });
});

test("signIn() refuses an address after too many tries, even all at once, until the window ends", async ({ auth, clock }) => {
  const tries = Array.from({ length: MAX_ATTEMPTS + 5 }, () => auth.signIn(request(), "no", "a"));
  const refused = (await Promise.all(tries)).filter((r) => !r.ok && r.reason === "too-many");
  assert.equal(refused.length, 5);
  const right = await auth.signIn(request(), PASSWORD, "a");
  assert.ok(!right.ok && right.reason === "too-many");
  assert.equal(right.retryAfterSeconds, ATTEMPT_WINDOW_MS / 1000);
  assert.ok((await auth.signIn(request(), PASSWORD, "b")).ok, "another address is not affected");
  clock.nowMs += ATTEMPT_WINDOW_MS + 1;
  assert.ok((await auth.signIn(request(), PASSWORD, "a")).ok);
});

test("signIn() lets who signed in before with this browser in while others guess from its address", async ({ auth, again, clock }) => {
  const before = await auth.signIn(request(), PASSWORD, "proxy");
  assert.ok(before.ok);
  const guess = (cookie?: string) => auth.signIn(request(cookie), "no", "proxy");
  for (let i = 0; i < 20; i++) await guess();
  const elsewhere = await auth.signIn(request(), PASSWORD, "proxy");
  assert.ok(!elsewhere.ok && elsewhere.reason === "too-many");
  const known = await auth.signIn(request(before.deviceCookie), PASSWORD, "proxy");
  assert.ok(known.ok);

  for (let i = 0; i < MAX_ATTEMPTS; i++) await guess(before.deviceCookie);
  const guessed = await auth.signIn(request(before.deviceCookie), PASSWORD, "proxy");
  assert.ok(!guessed.ok && guessed.reason === "too-many", "a known browser has its own limit");

  clock.nowMs += ATTEMPT_WINDOW_MS + 1;
  for (let i = 0; i < 20; i++) await guess();
  const forged = await guess("gapless_device=" + "a".repeat(40));
  assert.ok(!forged.ok && forged.reason === "too-many");
  const changed = await (await again("another password")).identify(request(before.deviceCookie));
  assert.notEqual(changed.role, "admin", "it opens nothing");
  assert.match(before.deviceCookie, /; HttpOnly; SameSite=Lax$/);
});

test("signIn() forgets the failures of who then gets it right", async ({ auth }) => {
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < MAX_ATTEMPTS - 1; i++) await auth.signIn(request(), "no", "a");
    assert.ok((await auth.signIn(request(), PASSWORD, "a")).ok);
  }
});

test("identify() ends a session when it expires", async ({ auth, clock }) => {
  const cookie = await signedIn(auth);
  clock.nowMs += SIGNED_IN_MS + 1000;
  assert.equal((await auth.identify(request(cookie))).role, "participant");
});

test("identify() ends every session when the password changes", async ({ auth, again }) => {
  const cookie = await signedIn(auth);
  const restarted = await again(PASSWORD);
  assert.equal((await restarted.identify(request(cookie))).role, "admin");
  const changed = await again("another password");
  assert.equal((await changed.identify(request(cookie))).role, "participant");
});

test("identify() takes a cookie that was tampered with for nobody's", async ({ auth }) => {
  const cookie = await signedIn(auth);
  const [head, , signature] = cookie.split(";")[0]?.split(".") ?? [];
  for (
    const bad of [
      // Not its last letter: two of the six bits there mean nothing, so another one may be the same.
      cookie.replace(
        signature ?? "",
        `${signature?.startsWith("A") ? "B" : "A"}${signature?.slice(1)}`,
      ),
      `${head}.${btoa(JSON.stringify({ fp: "0", exp: 9e9 }))}.${signature}`,
      "gapless_admin=eyJhbGciOiJub25lIn0.e30.",
      "gapless_admin",
      "=;;;",
    ]
  ) {
    assert.deepEqual(await auth.identify(request(bad)), { role: "nobody", scopes: [] });
  }
}, "links");

Deno.test("identify() lets anyone join and watch when access is open, and nobody when it is by link", async () => {
  using open = await openAuth("open");
  const anyone = await open.auth.identify(request());
  assert.equal(anyone.role, "participant");
  assert.ok(mayJoin(anyone, "main") && mayWatch(anyone, "c1") && mayBrowse(anyone));
  using closed = await openAuth("links");
  const nobody = await closed.auth.identify(request());
  assert.equal(nobody.role, "nobody");
  assert.ok(!mayJoin(nobody, "main") && !mayWatch(nobody, "c1") && !mayBrowse(nobody));
});

test("openLink() opens what the link is for, and nothing else", async ({ auth }) => {
  const { token } = await createLink(auth);
  const opened = await auth.openLink(request(), token);
  assert.ok(opened);
  assert.equal(opened.path, "/rooms/main");
  const identity = await auth.identify(request(opened.cookie));
  assert.equal(identity.role, "participant");
  assert.ok(mayJoin(identity, "main"));
  assert.ok(!mayJoin(identity, "other") && !mayWatch(identity, "main") && !mayBrowse(identity));
}, "links");

test("openLink() keeps the links opened before", async ({ auth }) => {
  const make = (chainId: string) => createLink(auth, { kind: "chain", chainId });
  const first = await auth.openLink(request(), (await make("c1")).token);
  const second = await auth.openLink(request(first?.cookie), (await make("c2")).token);
  const identity = await auth.identify(request(second?.cookie));
  assert.equal(identity.role, "viewer");
  assert.ok(mayWatch(identity, "c1") && mayWatch(identity, "c2") && !mayWatch(identity, "c3"));
}, "links");

test(
  "a link opens nothing once it has expired or was revoked, for who opened it before too",
  async ({ auth, clock }) => {
    const scope = { kind: "room", room: "main" } as const;
    const short = await createLink(auth, scope);
    const long = await createLink(auth, scope, 1_000_000);
    const shortOpened = await auth.openLink(request(), short.token);
    const longOpened = await auth.openLink(request(), long.token);
    clock.nowMs += 1001;
    assert.equal((await auth.identify(request(shortOpened?.cookie))).role, "nobody");
    assert.equal(await auth.openLink(request(), short.token), null);
    assert.equal((await auth.identify(request(longOpened?.cookie))).role, "participant");
    assert.ok(await auth.deleteLink(long.link.id));
    assert.equal((await auth.identify(request(longOpened?.cookie))).role, "nobody");
    assert.equal(await auth.openLink(request(), long.token), null);
    assert.equal(await auth.deleteLink(long.link.id), false);
  },
  "links",
);

test("links are stored without what opens them", async ({ auth }) => {
  const { token } = await createLink(auth);
  const { items } = await auth.listLinks({});
  assert.equal(items.length, 1);
  assert.ok(!JSON.stringify(items).includes(token));
  assert.equal(await auth.openLink(request(), items[0]?.id ?? ""), null);
}, "links");

const nexts: [string | null, string][] = [
  ["/host", "/host"],
  ["/history?page=2#x", "/history?page=2#x"],
  [null, "/"],
  ["", "/"],
  ["host", "/"],
  ["//evil.example", "/"],
  ["/\\evil.example", "/"],
  ["/\t/evil.example", "/"],
  ["https://evil.example/host", "/"],
  ["javascript:alert(1)", "/"],
];
for (const [next, expected] of nexts) {
  Deno.test(`safeNext() makes ${expected} of ${JSON.stringify(next)}`, () => {
    assert.equal(safeNext(next), expected);
  });
}

const sites: [string, HeadersInit, boolean][] = [
  ["the page's own", { "sec-fetch-site": "same-origin", origin: "http://localhost:8000" }, true],
  ["the address bar's", { "sec-fetch-site": "none" }, true],
  ["a program's", {}, true],
  ["an old browser's own", { origin: "http://localhost:8000" }, true],
  ["another site's", { "sec-fetch-site": "cross-site", origin: "http://localhost:8000" }, false],
  ["another port's", { "sec-fetch-site": "same-site" }, false],
  ["an old browser's from elsewhere", { origin: "http://evil.example" }, false],
  ["a sandboxed frame's", { origin: "null" }, false],
];
for (const [whose, headers, allowed] of sites) {
  Deno.test(`requireSameOrigin() ${allowed ? "takes" : "refuses"} ${whose} change`, () => {
    const check = (method: string) => () =>
      requireSameOrigin(new Request(URL_, { method, headers }));
    for (const method of ["POST", "DELETE", "PUT"]) {
      if (allowed) check(method)();
      else assert.throws(check(method), /another site/);
    }
    check("GET")();
  });
}

Deno.test("keptPassword() makes a password once, that only its owner may read", async () => {
  await using dir = await openTempDir();
  const first = await keptPassword(dir.path);
  assert.match(first, /^[a-z0-9]{4}(-[a-z0-9]{4}){3}$/);
  assert.equal(await keptPassword(dir.path), first);
  const { mode } = await Deno.stat(passwordFile(dir.path));
  if (mode !== null) assert.equal(mode & 0o777, 0o600);
});
