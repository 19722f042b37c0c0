/** What a recorded file of the emulator holds, and what it says about itself. */
import assert from "node:assert/strict";
import type { Browser } from "playwright-core";
import { readMediaFacts } from "../../lib/handover/media_facts.ts";
import type { CallSite } from "../call/call_site.ts";
import type { Colour } from "../support/frame_code.ts";
import type { MediaReport } from "../support/in_page.ts";

/** The facts that the server wrote into a file. */
export interface FileFacts {
  /** Wall clock of media time 0, ms since the Unix epoch. */
  epochMs: number;
  gaps: { fromMs: number; toMs: number }[];
  framesNotDelivered: number;
  framesDropped: number;
}

/** Reads the facts of an archive's file. */
export async function factsOf(site: CallSite, { id }: { id: string }): Promise<FileFacts> {
  const { url } = await site.platform.getArchive(id);
  const facts = await readMediaFacts(url ?? "");
  assert.ok(facts.epochMs !== null && facts.losses, "The file does not say how it was recorded");
  return { epochMs: facts.epochMs, gaps: facts.gaps, ...facts.losses };
}

/** The wall clock times at which a file shows a participant's camera, ms since the Unix epoch. */
export function timesShown(report: MediaReport, facts: FileFacts, colour: Colour): number[] {
  return report.frames.filter(({ numbers }) => typeof numbers[colour] === "number")
    .map(({ seconds }) => facts.epochMs + seconds * 1000);
}

/** Samples a second of {@link decodeAudio}. */
export const AUDIO_RATE = 8_000;

/** The audio of a file, mixed to one channel. */
export async function decodeAudio(browser: Browser, path: string): Promise<Float32Array> {
  const page = await browser.newPage();
  try {
    const base64 = await page.evaluate(async ([base64, rate]) => {
      const context = new OfflineAudioContext(1, 1, rate);
      const audio = await context.decodeAudioData(Uint8Array.fromBase64(base64).buffer);
      return new Uint8Array(audio.getChannelData(0).slice().buffer).toBase64();
    }, [(await Deno.readFile(path)).toBase64(), AUDIO_RATE] as const);
    return new Float32Array(Uint8Array.fromBase64(base64).buffer);
  } finally {
    await page.close();
  }
}

/** Windows in which a tone is looked for, samples. */
const WINDOW = 160;
/** Amplitude from which a tone is heard; the generated ones have 0.3. */
const HEARD = 0.03;

/** The share of a time, seconds, in which a steady tone is heard, 0 to 1. */
export function shareOfTone(
  samples: Float32Array,
  hz: number,
  fromSeconds = 0,
  toSeconds = Infinity,
): number {
  const first = Math.max(0, Math.ceil(fromSeconds * AUDIO_RATE / WINDOW));
  const last = Math.floor(Math.min(toSeconds * AUDIO_RATE, samples.length) / WINDOW);
  let heard = 0;
  for (let window = first; window < last; window++) {
    const level = amplitudeOf(hz, samples.subarray(window * WINDOW, (window + 1) * WINDOW));
    if (level > HEARD) heard++;
  }
  return heard / Math.max(1, last - first);
}

/** The amplitude of one frequency (Goertzel's algorithm). */
function amplitudeOf(hz: number, samples: Float32Array): number {
  const factor = 2 * Math.cos(2 * Math.PI * hz / AUDIO_RATE);
  let [previous, before] = [0, 0];
  for (const sample of samples) {
    [previous, before] = [sample + factor * previous - before, previous];
  }
  const power = previous ** 2 + before ** 2 - factor * previous * before;
  return 2 * Math.sqrt(Math.max(0, power)) / samples.length;
}

/** By how much `later` is behind `earlier` where both sound the same, ms; positions in samples. */
export function audioShiftMs(
  earlier: Float32Array,
  later: Float32Array,
  { at, laterAt, length, within }: { at: number; laterAt: number; length: number; within: number },
): number {
  let best = { shift: 0, score: -Infinity };
  for (let shift = -within; shift <= within; shift++) {
    let score = 0;
    for (let i = 0; i < length; i++) {
      score += (earlier[at + i] ?? 0) * (later[laterAt + shift + i] ?? 0);
    }
    if (score > best.score) best = { shift, score };
  }
  return best.shift * 1000 / AUDIO_RATE;
}

/** Reads a ZIP whose files are stored, not compressed (APPNOTE.TXT, 4.3.7 and 4.3.12). */
export function readZip(bytes: Uint8Array<ArrayBuffer>): Map<string, Uint8Array<ArrayBuffer>> {
  const view = new DataView(bytes.buffer);
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (let at = 0; at + 46 <= bytes.length; at++) {
    if (view.getUint32(at, true) !== 0x02014b50) continue;
    const size = view.getUint32(at + 20, true);
    const nameLength = view.getUint16(at + 28, true);
    const local = view.getUint32(at + 42, true);
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    const data = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    files.set(name, bytes.slice(data, data + size));
  }
  return files;
}
