#!/usr/bin/env bash
# Chromium: MediaStreamTrackProcessor's `maxBufferSize` and the frames of a camera.
#
# One would guess: a processor made with maxBufferSize 30 keeps up to 30 frames while nobody reads, so
# a reader that pauses for half a second loses nothing of a camera of 30 frames a second.
# What happens: of the frames of the pause only one or two are delivered, with 1 as with 30: a camera's
# frames come from a small pool, and what does not fit is dropped without a sign but a hole in the
# timestamps. For a track of a canvas the same option works as expected.
# Consequence: copy a camera's frames at once, in a thread that does nothing slow.
#
# Seen 2026-11-27 with Chromium 156.0.8078.108 (Debian), playwright-core 1.65.1, fake camera.
# Exits 0 while this is so, 1 once it has changed, 2 where it cannot be tried.
set -euo pipefail
chromium=${CHROMIUM_PATH:-$(command -v chromium || command -v google-chrome || true)}
[ -n "$chromium" ] || { echo "Set CHROMIUM_PATH to a Chromium"; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund playwright-core@1.65.1 >/dev/null
"$chromium" --version
cat >try.cjs <<'JS'
const http = require("node:http");
const { chromium } = require("playwright-core");

const PAUSE_MS = 500;

(async () => {
  // Cameras need a secure context: localhost is one.
  const server = http.createServer((_, response) => {
    response.setHeader("content-type", "text/html");
    response.end("<!doctype html><title>x</title>");
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const browser = await chromium.launch({
    executablePath: process.argv[2],
    args: ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream=fps=30"],
  });
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const count = (source, maxBufferSize) => page.evaluate(async ([source, maxBufferSize, pauseMs]) => {
    const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    let track;
    let timer;
    if (source === "camera") {
      const media = await navigator.mediaDevices.getUserMedia({ video: true });
      track = media.getVideoTracks()[0];
    } else {
      const canvas = document.createElement("canvas");
      const context = canvas.getContext("2d");
      let n = 0;
      timer = setInterval(() => context.fillRect(n++ % 100, 0, 1, 1), 33);
      track = canvas.captureStream(30).getVideoTracks()[0];
    }
    const reader = new MediaStreamTrackProcessor({ track, maxBufferSize }).readable.getReader();
    const read = async () => {
      const { value } = await reader.read();
      const { timestamp } = value;
      value.close();
      return timestamp / 1000;
    };
    for (let i = 0; i < 10; i++) await read();
    const beforeMs = await read();
    await sleep(pauseMs);
    // Frames that were kept come at once; the first that has to be waited for ends them.
    const kept = [];
    for (;;) {
      const askedMs = performance.now();
      const atMs = await read();
      if (performance.now() - askedMs > 8 || atMs - beforeMs > pauseMs + 20) break;
      kept.push(atMs);
    }
    reader.cancel();
    clearInterval(timer);
    track.stop();
    return kept.length;
  }, [source, maxBufferSize, PAUSE_MS]);
  const results = {};
  for (const source of ["camera", "canvas"]) {
    for (const size of [1, 30]) {
      results[`${source} ${size}`] = await count(source, size);
      console.log(`${source}, maxBufferSize ${size}: ${results[`${source} ${size}`]} frames kept of a pause of ${PAUSE_MS} ms`);
    }
  }
  await browser.close();
  server.close();
  const isSo = results["camera 30"] <= 4 && results["canvas 30"] > 8;
  console.log(isSo ? "As described." : "This has changed.");
  process.exit(isSo ? 0 : 1);
})();
JS
node try.cjs "$chromium"
