#!/usr/bin/env bash
# @opentok/client: setProxyUrl() after the first initSession().
#
# One would guess: the call throws, as its other wrong arguments do, or the later connect() fails, so a
# page that must not reach the cloud finds out.
# What happens: nothing is thrown. An `exception` event with code 2021 comes (2022 for a second call in
# time), and connect() then sends its requests to the cloud's own hosts as if no proxy had been named.
# Consequence: listen with OT.on("exception") before anything else, and treat 2021 and 2022 as fatal.
#
# Seen 2026-11-27 with @opentok/client 2.35.2, Chromium 156.0.8078.108 (Debian), playwright-core 1.65.1.
# Exits 0 while this is so, 1 once it has changed, 2 where it cannot be tried. No request leaves this
# machine: the browser resolves no names.
set -euo pipefail
chromium=${CHROMIUM_PATH:-$(command -v chromium || command -v google-chrome || true)}
[ -n "$chromium" ] || { echo "Set CHROMIUM_PATH to a Chromium"; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund playwright-core@1.65.1 @opentok/client@2.35.2 >/dev/null
"$chromium" --version
cat >try.cjs <<'JS'
const fs = require("node:fs");
const http = require("node:http");
const { chromium } = require("playwright-core");

const sdk = fs.readFileSync("node_modules/@opentok/client/dist/js/opentok.min.js");

(async () => {
  const server = http.createServer((request, response) => {
    const isSdk = request.url === "/sdk.js";
    response.setHeader("content-type", isSdk ? "text/javascript; charset=utf-8" : "text/html");
    response.end(isSdk ? sdk : "<!doctype html><title>x</title><script src=/sdk.js></script>");
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  const browser = await chromium.launch({
    executablePath: process.argv[2],
    args: ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
  });
  const attempt = async (isLate) => {
    const page = await browser.newPage();
    const hosts = new Set();
    page.on("request", (request) => hosts.add(new URL(request.url()).host));
    await page.goto(origin);
    const { thrown, codes } = await page.evaluate(async ([proxyUrl, isLate]) => {
      const codes = [];
      OT.on("exception", ({ code }) => codes.push(code));
      // The SDK reads its project's key out of a session id.
      const sessionId = `1_${btoa("1~12345678~~0~x~~").replaceAll("=", "")}`;
      let thrown = null;
      const setProxy = () => {
        try {
          OT.setProxyUrl(proxyUrl);
        } catch (error) {
          thrown = String(error);
        }
      };
      if (!isLate) setProxy();
      const session = OT.initSession("12345678", sessionId);
      if (isLate) setProxy();
      session.connect("T1==x", () => {});
      await new Promise((resolve) => setTimeout(resolve, 3000));
      return { thrown, codes: [...new Set(codes)] };
    }, [`${origin}/proxy`, isLate]);
    const cloud = [...hosts].filter((host) => /opentok|tokbox/.test(host));
    console.log(`${isLate ? "late" : "in time"}: thrown ${thrown}, exception codes [${codes}], cloud hosts asked: [${cloud.join(", ")}]`);
    await page.close();
    return { thrown, codes, cloud };
  };
  const inTime = await attempt(false);
  const late = await attempt(true);
  await browser.close();
  server.close();
  const isSo = inTime.cloud.length === 0 && late.thrown === null && late.codes.includes(2021) &&
    late.cloud.length > 0;
  console.log(isSo ? "As described." : "This has changed.");
  process.exit(isSo ? 0 : 1);
})();
JS
node try.cjs "$chromium"
