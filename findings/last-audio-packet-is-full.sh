#!/usr/bin/env bash
# Chromium's AudioEncoder: the last Opus packet of audio whose length is no multiple of 20 ms.
#
# One would guess: the packets' durations add up to what was encoded, and decoding gives as many samples:
# the last packet says how much of it counts.
# What happens: the encoder fills its last packet up with silence and calls it 20 ms long. 1.005 s become
# packets of 1.02 s, and a decoder delivers 1.0135 s, silence at the end: it skips the codec's delay at
# the beginning and nothing at the end.
# Consequence: whoever joins recordings cuts the duration of the last packet to what was recorded, or a
# silence of up to 20 ms lies before the next one.
#
# Seen 2026-11-28 with Chromium 150.0.7871.100 (Debian), mediabunny 1.61.0, playwright-core 1.65.1.
# Exits 0 while this is so, 1 once it has changed, 2 where it cannot be tried.
set -euo pipefail
chromium=${CHROMIUM_PATH:-$(command -v chromium || command -v google-chrome || true)}
[ -n "$chromium" ] || { echo "Set CHROMIUM_PATH to a Chromium"; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund playwright-core@1.65.1 mediabunny@1.61.0 >/dev/null
"$chromium" --version
cat >try.cjs <<'JS'
const http = require("node:http");
const { readFileSync } = require("node:fs");
const { chromium } = require("playwright-core");

(async () => {
  const bundle = readFileSync("node_modules/mediabunny/dist/bundles/mediabunny.mjs");
  const server = http.createServer((request, response) => {
    const isBundle = request.url === "/mediabunny.mjs";
    response.setHeader("content-type", isBundle ? "text/javascript" : "text/html");
    response.end(isBundle ? bundle : "<!doctype html><title>x</title>");
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const browser = await chromium.launch({ executablePath: process.argv[2], args: ["--no-sandbox"] });
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const seen = await page.evaluate(async () => {
    const bunny = await import("/mediabunny.mjs");
    const rate = 48000;
    const frames = 1.005 * rate;
    const data = Float32Array.from(
      { length: frames },
      (_, i) => 0.5 * Math.sin(2 * Math.PI * 440 * i / rate),
    );
    const packets = [];
    const source = new bunny.AudioSampleSource({
      codec: "opus",
      bitrate: 96_000,
      onEncodedPacket: ({ timestamp, duration }) => packets.push({ timestamp, duration }),
    });
    const output = new bunny.Output({
      format: new bunny.WebMOutputFormat(),
      target: new bunny.BufferTarget(),
    });
    output.addAudioTrack(source);
    await output.start();
    const audio = { data, format: "f32", numberOfChannels: 1, sampleRate: rate, timestamp: 0 };
    await source.add(new bunny.AudioSample(audio));
    await output.finalize();
    const bytes = new Uint8Array(output.target.buffer);
    const input = new bunny.Input({
      source: new bunny.BufferSource(bytes),
      formats: bunny.ALL_FORMATS,
    });
    const track = await input.getPrimaryAudioTrack();
    const decoded = [];
    for await (const sample of new bunny.AudioSampleSink(track).samples()) {
      const plane = new Float32Array(sample.numberOfFrames);
      sample.copyTo(plane, { planeIndex: 0, format: "f32-planar" });
      decoded.push(...plane);
    }
    const loudest = (from, to) =>
      Math.max(...decoded.slice(from * rate, to * rate).map((each) => Math.abs(each)));
    return {
      encodedSeconds: frames / rate,
      packetSeconds: packets.reduce((sum, { duration }) => sum + duration, 0),
      decodedSeconds: decoded.length / rate,
      loudestAtItsEnd: loudest(0.985, 1.005),
      loudestAfterIt: loudest(1.008, 1.02),
    };
  });
  console.log(seen);
  await browser.close();
  server.close();
  const isSo = seen.packetSeconds > 1.015 && seen.decodedSeconds > 1.01 &&
    seen.loudestAtItsEnd > 0.3 && seen.loudestAfterIt < 0.05;
  console.log(isSo ? "As described." : "This has changed.");
  process.exit(isSo ? 0 : 1);
})();
JS
node try.cjs "$chromium"
