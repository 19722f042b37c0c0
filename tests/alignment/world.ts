/** Sounds and pictures whose truth is known, made from a seed. */
import type { Motion } from "../../lib/alignment/picture.ts";
import { mixDown, type Sound } from "../../lib/alignment/sound.ts";
import { Random } from "../simulation/random.ts";

/** A stream of numbers from 0 to 1. */
export type Chance = () => number;

/** The same numbers for the same seed. */
export function chanceOf(seed: number): Chance {
  const random = new Random(seed * 0x9e3779b1);
  return () => random.next();
}

/** A normally distributed number. */
export function normal(chance: Chance): number {
  return Math.sqrt(-2 * Math.log(1 - chance())) * Math.cos(2 * Math.PI * chance());
}

/** A sound of the world as a function of its time, which can be sampled at any rate. */
export type World = (seconds: number) => number;

/** The world's own rate; between its samples it is read smoothly. */
const WORLD_HZ = 24_000;

function worldOf(samples: Float32Array, periodic = false): World {
  return (seconds) => {
    const x = seconds * WORLD_HZ;
    const i = Math.floor(x);
    const at = (k: number) =>
      samples[periodic ? (k % samples.length + samples.length) % samples.length : k] ?? 0;
    const [y0, y1, y2, y3] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
    const f = x - i;
    const [c1, c2] = [(y2 - y0) / 2, y0 - 2.5 * y1 + 2 * y2 - y3 / 2];
    return ((((y3 - y0) / 2 + 1.5 * (y1 - y2)) * f + c2) * f + c1) * f + y1;
  };
}

/** Syllables: voiced with a gliding pitch and formants, unvoiced, and pauses between. */
export function speech(chance: Chance, seconds: number): World {
  const out = new Float32Array(seconds * WORLD_HZ);
  let at = 0;
  while (at < out.length) {
    const length = Math.floor((0.06 + 0.25 * chance()) * WORLD_HZ);
    const voiced = chance() < 0.7;
    const level = 0.05 + 0.2 * chance();
    let pitch = 90 + 130 * chance();
    const formants = [300 + 600 * chance(), 900 + 1600 * chance()].map((hz) => resonator(hz, 90));
    let phase = 0;
    for (let i = 0; i < length && at + i < out.length; i++) {
      pitch *= 1 + 0.00002 * normal(chance);
      phase += pitch / WORLD_HZ;
      const pulse = phase >= 1 ? 1 : 0;
      phase %= 1;
      const excitation = (voiced ? pulse * 3 : 0) + normal(chance) * (voiced ? 0.05 : 0.3);
      const sound = formants.reduce((sum, formant) => sum + formant(excitation), 0);
      out[at + i] = level * Math.sin(Math.PI * i / length) * sound;
    }
    at += length + (chance() < 0.4 ? Math.floor(0.3 * chance() * WORLD_HZ) : 0);
  }
  return worldOf(out);
}

function resonator(hz: number, widthHz: number): (x: number) => number {
  const r = Math.exp(-Math.PI * widthHz / WORLD_HZ);
  const a = 2 * r * Math.cos(2 * Math.PI * hz / WORLD_HZ);
  let [y1, y2] = [0, 0];
  return (x) => {
    const y = x * (1 - r) * 4 + a * y1 - r * r * y2;
    [y2, y1] = [y1, y];
    return y;
  };
}

/** Music from a machine: the same bar again and again, to the sample. */
export function loop(chance: Chance, barSeconds: number): World {
  const bar = new Float32Array(Math.round(barSeconds * WORLD_HZ));
  const steps = 8;
  for (let step = 0; step < steps; step++) {
    const from = Math.floor(step * bar.length / steps);
    const hz = 110 * 2 ** (Math.floor(chance() * 24) / 12);
    const drum = chance() < 0.6 ? 0.4 : 0;
    for (let i = 0; i < bar.length / steps; i++) {
      const fade = Math.exp(-i / (0.08 * WORLD_HZ));
      const tone = [1, 2, 3, 4].reduce(
        (sum, n) => sum + Math.sin(2 * Math.PI * n * hz * i / WORLD_HZ) / n,
        0,
      );
      bar[from + i] = 0.2 * fade * tone + drum * fade * fade * normal(chance);
    }
  }
  return worldOf(bar, true);
}

/** How a file took the world down. */
export interface Recording {
  fromSeconds: number;
  seconds: number;
  sampleRate?: number;
  gain?: number;
  /** Root mean square of noise that only this file has. */
  noise?: number;
  echo?: { delaySeconds: number; gain: number };
  /** Which of the world's channels it has, one or both mixed; all by default. */
  channels?: readonly number[];
}

/** What is heard on each channel: one world, or one a side. */
export type Stereo = readonly World[];

/** A file's sound, its channels mixed down; its media time 0 is `fromSeconds` of the world. */
export function record(stereo: Stereo, take: Recording, chance: Chance): Sound {
  const { sampleRate = 48_000, gain = 1, noise = 0, echo, channels } = take;
  const heard = stereo.filter((_, i) => channels?.includes(i) ?? true);
  const planes = heard.map((world) => {
    const plane = new Float32Array(Math.round(take.seconds * sampleRate));
    for (let i = 0; i < plane.length; i++) {
      const time = take.fromSeconds + i / sampleRate;
      const sound = world(time) + (echo ? echo.gain * world(time - echo.delaySeconds) : 0);
      plane[i] = gain * sound + (noise ? noise * normal(chance) : 0);
    }
    return plane;
  });
  return { samples: mixDown(planes), sampleRate, startSeconds: 0 };
}

/** Two sounds at once, the second as much louder as `gain` says. */
export function together(one: World, other: World, gain: number): World {
  return (seconds) => one(seconds) + gain * other(seconds);
}

/** A sound that pauses between two moments. */
export function hushed(world: World, fromSeconds: number, toSeconds: number): World {
  return (seconds) => seconds >= fromSeconds && seconds < toSeconds ? 0 : world(seconds);
}

/** A film of something bright that moves, as cells of brightness at any time. */
export type Scene = (seconds: number) => Float32Array;

/** Somebody who rests now and then and moves in between. */
export function movement(chance: Chance, seconds: number): Scene {
  const hz = 100;
  const path: [number, number][] = [];
  const aim = [4, 3], place = [4, 3];
  for (let i = 0; i < seconds * hz; i++) {
    if (chance() < 3 / hz) [aim[0], aim[1]] = [2 + 4 * chance(), 1.5 + 3 * chance()];
    for (const k of [0, 1]) place[k] = (place[k] ?? 0) + ((aim[k] ?? 0) - (place[k] ?? 0)) * 0.08;
    path.push([place[0] ?? 0, place[1] ?? 0]);
  }
  return (time) => {
    const [x, y] = path[Math.max(0, Math.round(time * hz))] ?? [0, 0];
    return Float32Array.from(
      { length: 48 },
      (_, cell) => 120 * Math.exp(-((cell % 8 - x) ** 2 + (Math.floor(cell / 8) - y) ** 2) / 2),
    );
  };
}

/** How a file took a scene. */
export interface Filming {
  fromSeconds: number;
  seconds: number;
  fps?: number;
  /** Brightness that each cell is wrong by. */
  noise?: number;
  /** Share of frames that were lost. */
  lost?: number;
  /** How much brighter and darker this file makes it than it is. */
  contrast?: number;
}

/** The frames of a file whose media time 0 is `fromSeconds` of the scene. */
export function film(scene: Scene, take: Filming, chance: Chance): Motion {
  const { fps = 30, noise = 0, lost = 0, contrast = 1 } = take;
  const motion: Motion = { seconds: [], cells: [] };
  // Cameras do not wait for files: the first frame comes somewhere within a frame's time.
  const phase = chance() / fps;
  for (let time = phase; time < take.seconds; time += 1 / fps) {
    if (chance() < lost) continue;
    motion.seconds.push(time);
    motion.cells.push(
      scene(take.fromSeconds + time).map((value) => contrast * value + noise * normal(chance)),
    );
  }
  return motion;
}
