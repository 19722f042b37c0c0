#!/usr/bin/env bash
# Chromium: MediaStreamTrackProcessor on a remote audio track that no media element plays.
#
# One would guess: a remote track (live, not muted) delivers its audio to whoever reads it, as a remote
# video track does; playing it is a matter of hearing it.
# What happens: no AudioData comes at all until a media element has the track, a muted one is enough.
# Remote video needs no element.
# Consequence: a recorder of a call plays every remote audio track in a muted element of its own.
#
# Seen 2026-11-27 with Chromium 156.0.8078.108 (Debian), playwright-core 1.65.1.
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

(async () => {
  const server = http.createServer((_, response) => {
    response.setHeader("content-type", "text/html");
    response.end("<!doctype html><title>x</title>");
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const browser = await chromium.launch({
    executablePath: process.argv[2],
    args: [
      "--no-sandbox",
      "--autoplay-policy=no-user-gesture-required",
      "--use-fake-ui-for-media-stream",
      "--use-fake-device-for-media-stream",
    ],
  });
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const counts = await page.evaluate(async () => {
    const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
    const [sender, receiver] = [new RTCPeerConnection(), new RTCPeerConnection()];
    const remote = { audio: null, video: null };
    sender.onicecandidate = ({ candidate }) => receiver.addIceCandidate(candidate);
    receiver.onicecandidate = ({ candidate }) => sender.addIceCandidate(candidate);
    receiver.ontrack = ({ track }) => remote[track.kind] = track;
    for (const track of media.getTracks()) sender.addTrack(track, media);
    await sender.setLocalDescription();
    await receiver.setRemoteDescription(sender.localDescription);
    await receiver.setLocalDescription();
    await sender.setRemoteDescription(receiver.localDescription);
    while (receiver.connectionState !== "connected") await sleep(50);
    await sleep(1000);
    const counts = { audio: 0, video: 0 };
    for (const kind of ["audio", "video"]) {
      const reader = new MediaStreamTrackProcessor({ track: remote[kind] }).readable.getReader();
      (async () => {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return;
          counts[kind]++;
          value.close();
        }
      })();
    }
    await sleep(2000);
    const unplayed = { ...counts, readyState: remote.audio.readyState, muted: remote.audio.muted };
    const element = new Audio();
    element.muted = true;
    element.srcObject = new MediaStream([remote.audio]);
    await element.play();
    counts.audio = counts.video = 0;
    await sleep(2000);
    return { unplayed, played: { ...counts } };
  });
  console.log("2 s without an element:", counts.unplayed);
  console.log("2 s with a muted <audio>:", counts.played);
  await browser.close();
  server.close();
  const isSo = counts.unplayed.audio === 0 && counts.unplayed.video > 20 && counts.played.audio > 100;
  console.log(isSo ? "As described." : "This has changed.");
  process.exit(isSo ? 0 : 1);
})();
JS
node try.cjs "$chromium"
