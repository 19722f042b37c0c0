#!/usr/bin/env bash
# Chromium without a GPU: a worker that draws a VideoFrame on a canvas, or copies it as RGB, waits for the
# page's main thread.
#
# One would guess: a dedicated worker that reads a camera's transferred stream of VideoFrames and draws them
# on an OffscreenCanvas needs nothing of the page, so that a page that is busy for 1.5 s costs no frame.
# What happens: started with --disable-gpu, `drawImage(frame)` in the worker does not return until the
# page's main thread is free again, and the camera's frames of that time are lost. So does `copyTo` with
# `format: "RGBX"`, although no canvas is in sight. A plain `copyTo` of the same frame, and
# `new VideoFrame(canvas)`, do not wait; with a GPU process, in software too, nothing waits.
# `willReadFrequently` makes no difference.
# Consequence: a recorder that must not miss a frame on machines without a GPU copies frames in the format
# that they have, and composes in that.
#
# Seen 2026-11-27 with Chromium 150.0.7871.100 (Debian), playwright-core 1.65.1, fake camera.
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

const BUSY_MS = 1500;
const WORKER = `
const context = new OffscreenCanvas(640, 480).getContext("2d", { alpha: false });
const steps = {
  draw: (frame) => context.drawImage(frame, 0, 0),
  rgb: (frame) => frame.copyTo(new Uint8Array(4 * 640 * 480), { format: "RGBX" }),
  copy: (frame) => frame.copyTo(new Uint8Array(frame.allocationSize())),
};
let frames = 0;
let longestMs = 0;
onmessage = async ({ data }) => {
  if (data === "end") return postMessage({ frames, longestMs: Math.round(longestMs) });
  const reader = data.readable.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const startMs = performance.now();
    await steps[data.step](value);
    longestMs = Math.max(longestMs, performance.now() - startMs);
    value.close();
    frames++;
  }
};`;

(async () => {
  const server = http.createServer((request, response) => {
    const isWorker = request.url === "/worker.js";
    response.setHeader("content-type", isWorker ? "text/javascript" : "text/html");
    response.end(isWorker ? WORKER : "<!doctype html><title>x</title>");
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const longest = {};
  for (const flags of [["--disable-gpu"], []]) {
    const browser = await chromium.launch({
      executablePath: process.argv[2],
      args: [
        "--no-sandbox",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream=fps=30",
        ...flags,
      ],
    });
    for (const step of ["draw", "rgb", "copy"]) {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${server.address().port}/`);
      const { frames, longestMs } = await page.evaluate(async ([step, busyMs]) => {
        const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
        const media = await navigator.mediaDevices.getUserMedia({ video: true });
        const [track] = media.getVideoTracks();
        const { readable } = new MediaStreamTrackProcessor({ track, maxBufferSize: 60 });
        const worker = new Worker("/worker.js");
        worker.postMessage({ step, readable }, [readable]);
        await sleep(1500);
        for (const untilMs = performance.now() + busyMs; performance.now() < untilMs;);
        await sleep(500);
        const answer = new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
        worker.postMessage("end");
        return await answer;
      }, [step, BUSY_MS]);
      longest[`${step} ${flags}`] = longestMs;
      console.log(`${flags[0] ?? "with a GPU process"}, ${step}: ${frames} frames, the longest took ${longestMs} ms`);
      await page.close();
    }
    await browser.close();
  }
  server.close();
  const waits = (step) => longest[`${step} --disable-gpu`] > BUSY_MS / 2;
  const isSo = waits("draw") && waits("rgb") && longest["copy --disable-gpu"] < BUSY_MS / 4;
  console.log(isSo ? "As described." : "This has changed.");
  process.exit(isSo ? 0 : 1);
})();
JS
node try.cjs "$chromium"
