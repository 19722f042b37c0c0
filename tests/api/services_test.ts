import assert from "node:assert/strict";
import { archiveJson } from "../../lib/api/archive_json.ts";
import { mediaLocation } from "../../lib/api/archives.ts";
import { explain, RequestError } from "../../lib/api/problem.ts";
import { announcement } from "../../lib/announce.ts";
import { AuthError } from "../../lib/auth/mod.ts";
import { readConfig } from "../../lib/config.ts";
import { ChainError } from "../../lib/handover/mod.ts";
import { type PlatformArchive, PlatformError } from "../../lib/platform/platform.ts";
import { openServices } from "../../lib/services.ts";
import { StoreError } from "../../lib/store/mod.ts";
import { openTempDir } from "../support/test_services.ts";

Deno.test("openServices() keeps its password and data from one start to the next", async () => {
  await using dir = await openTempDir();
  const config = readConfig({ DATA_DIR: dir.path, PORT: "1" });
  const start = async () => {
    const { auth, madePassword, platform, close } = await openServices(config);
    const request = new Request("http://localhost/");
    assert.ok((await auth.signIn(request, madePassword ?? "", "a")).ok);
    await close();
    await close();
    return [madePassword, platform.apiKey];
  };
  assert.deepEqual(await start(), await start());
});

Deno.test("announcement() says where everything is, and no secret of the real platform", () => {
  const own = announcement(readConfig({ PORT: "8080" }), "abcd-efgh").join("\n");
  for (const word of ["demo mode", "http://127.0.0.1:8080/host", "/participant", "/player"]) {
    assert.ok(own.includes(word), word);
  }
  assert.match(own, /Password\s+abcd-efgh/);
  const real = announcement(
    readConfig({ API_KEY: "123", API_SECRET: "hush", ADMIN_PASSWORD: "hush-hush" }),
    null,
  ).join("\n");
  assert.match(real, /project 123/);
  assert.doesNotMatch(real, /hush/);
  assert.match(real, /SIGNATURE_SECRET is not set/);
  assert.deepEqual(announcement(readConfig({ DENO_DEPLOYMENT_ID: "d" }), null), [
    "Gapless cannot run yet: set API_KEY, API_SECRET, ADMIN_PASSWORD",
  ]);
});

const archive: PlatformArchive = {
  id: "a",
  sessionId: "s",
  name: "Talk",
  status: "available",
  reason: "",
  createdAtMs: 0,
  durationSeconds: 1,
  sizeBytes: 1,
  hasAudio: true,
  hasVideo: true,
  outputMode: "composed",
  resolution: null,
  url: "https://files.example/a.mp4?signed",
};

Deno.test("archiveJson() names a file of the emulator by the origin it is asked from", () => {
  const own = "http://127.0.0.1:8000";
  const describe = (url: string, emulatorOrigin: string | null) =>
    archiveJson(
      { ...archive, url },
      { platform: { apiKey: "123" }, emulatorOrigin: () => emulatorOrigin },
      new Request("http://gapless.test/archives", { headers: { "x-forwarded-proto": "https" } }),
    ).url;
  assert.equal(
    describe(`${own}/emulator/media/a?s=1`, own),
    "https://gapless.test/emulator/media/a?s=1",
  );
  const remote = "https://files.example/a%2Fb.mp4?X-Amz-Signature=a+b";
  for (const origin of [own, null]) assert.equal(describe(remote, origin), remote);
});

Deno.test("mediaLocation() is the platform's address, or a path on the emulator's own origin", () => {
  assert.equal(mediaLocation(archive, null), archive.url);
  assert.equal(mediaLocation(archive, "http://127.0.0.1:8000"), archive.url);
  assert.equal(mediaLocation(archive, "https://files.example"), "/a.mp4?signed");
});

const withoutMedia: [PlatformArchive["status"], number, RegExp][] = [
  ["started", 409, /still being recorded/],
  ["paused", 409, /still being recorded/],
  ["stopped", 409, /being made/],
  ["uploaded", 409, /own storage/],
  ["expired", 410, /72 hours/],
  ["deleted", 410, /deleted/],
  ["failed", 410, /failed/],
];
for (const [status, code, words] of withoutMedia) {
  Deno.test(`mediaLocation() says why an archive that is ${status} has no media`, () => {
    const locate = () => mediaLocation({ ...archive, status, url: null }, null);
    assert.throws(locate, (error) => error instanceof RequestError && error.status === code);
    assert.throws(locate, words);
  });
}

Deno.test("every typed error has a status of its own kind", () => {
  const cases: [Error, number][] = [
    [new AuthError("signed-out", "x"), 401],
    [new AuthError("cross-site", "x"), 403],
    [new ChainError("not-found", "x"), 404],
    [new ChainError("conflict", "x"), 409],
    [new ChainError("nobody-in-call", "x"), 409],
    [new ChainError("platform", "x"), 502],
    [new StoreError("not-found", "x"), 404],
    [new StoreError("conflict", "x"), 409],
    [new StoreError("invalid", "x"), 400],
    [new StoreError("broken", "x"), 500],
    [new PlatformError("unauthorized", "a", "x"), 502],
    [new PlatformError("not-found", "a", "x"), 404],
    [new PlatformError("conflict", "a", "x"), 409],
    [new PlatformError("rate-limited", "a", "x"), 503],
    [new PlatformError("unavailable", "a", "x"), 503],
    [new PlatformError("timeout", "a", "x"), 504],
    [new PlatformError("unexpected", "a", "x"), 502],
  ];
  for (const [error, status] of cases) assert.equal(explain(error).status, status, error.name);
});

Deno.test("an unknown error says nothing of its inside", () => {
  const { status, detail } = explain(new Error("password is hush"));
  assert.equal(status, 500);
  assert.doesNotMatch(detail, /hush/);
});
