/** Puts a film's parts into one file: the same encoded packets at the film's times, cut at the seams. */
import {
  EncodedAudioPacketSource,
  EncodedPacket,
  EncodedVideoPacketSource,
  Mp4OutputFormat,
  Output,
  StreamTarget,
  type StreamTargetChunk,
  WebMOutputFormat,
} from "../mediabunny.ts";
import { joined, parameterSets } from "./avc.ts";
import type { Choice } from "./container.ts";
import type { PartReader } from "./part_reader.ts";
import { PictureCut } from "./picture_cut.ts";
import type { CutPlan, Stretch } from "./plan.ts";
import { silentPacket, type SoundFormat } from "./silence.ts";
import { SoundLane } from "./sound_lane.ts";

/** Where the file goes. */
export interface Sink {
  /** Writes `data` at `position`; earlier bytes may be written again. Rejects when the disk is full. */
  write(data: Uint8Array<ArrayBuffer>, position: number): Promise<void>;
}

/** What the file is made of. */
export interface FilmFileJob extends
  Pick<
    Choice & { kind: "possible" },
    "container" | "videoCodec" | "soundFormat" | "inBand"
  > {
  plan: CutPlan;
  title: string;
  recordedAtMs: number;
}

/** What {@linkcode writeFilm} needs of the world. */
export interface FilmFileWorld {
  openPart(archiveId: string): Promise<PartReader>;
  sink: Sink;
  /** Called for every packet: film time that is in the file, and the file's size so far. */
  onProgress(filmSeconds: number, bytes: number): void;
  signal: AbortSignal;
}

/** The file is written in pieces of this size. */
const PIECE_BYTES = 2 ** 20;
/** Sound is sought a little before where it is wanted. */
const SOUND_LEAD_SECONDS = 0.5;

/** Writes the whole film. Returns the file's size in bytes. Rejects with what opening, reading or writing threw. */
export async function writeFilm(job: FilmFileJob, world: FilmFileWorld): Promise<number> {
  let bytes = 0;
  const target = new StreamTarget(
    new WritableStream<StreamTargetChunk>({
      async write({ data, position }) {
        await world.sink.write(data, position);
        bytes = Math.max(bytes, position + data.length);
      },
    }),
    { chunked: true, chunkSize: PIECE_BYTES },
  );
  const output = new Output({
    format: job.container.extension === "webm"
      ? new WebMOutputFormat()
      : new Mp4OutputFormat({ fastStart: false }),
    target,
  });
  output.setMetadataTags({ title: job.title, date: new Date(job.recordedAtMs) });
  const shelf = new Shelf(world.openPart);
  try {
    const lanes = lanesOf(job, shelf, output);
    await output.start();
    const open = new Set(lanes);
    while (open.size > 0) {
      world.signal.throwIfAborted();
      // Never far ahead of one another: what is written belongs together.
      const lane = [...open].reduce((a, b) => b.reachedSeconds < a.reachedSeconds ? b : a);
      if (!await lane.step()) open.delete(lane);
      const filmSeconds = Math.min(...[...open].map((lane) => lane.reachedSeconds));
      if (Number.isFinite(filmSeconds)) world.onProgress(filmSeconds, bytes);
    }
    await output.finalize();
    return bytes;
  } finally {
    shelf.close();
    if (output.state !== "finalized") await output.cancel().catch(() => {});
  }
}

interface Lane {
  /** Film time of the last packet. */
  reachedSeconds: number;
  /** Adds one packet; false if there is none left. */
  step(): Promise<boolean>;
}

function lanesOf(job: FilmFileJob, shelf: Shelf, output: Output): Lane[] {
  const lanes: Lane[] = [];
  if (job.videoCodec) {
    const source = new EncodedVideoPacketSource(job.videoCodec);
    output.addVideoTrack(source);
    lanes.push(laneOf(pictures(job, shelf), source));
  }
  if (job.soundFormat) {
    const source = new EncodedAudioPacketSource(job.soundFormat.codec);
    output.addAudioTrack(source);
    lanes.push(laneOf(sounds(job.plan.audio, shelf, job.soundFormat), source));
  }
  return lanes;
}

/** A packet at its place, and how its part's decoder is set up: the file takes note of the first. */
interface Placed<Config> {
  packet: EncodedPacket;
  decoderConfig: Config;
}

function laneOf<Config>(
  packets: AsyncGenerator<Placed<Config>, void, void>,
  source: {
    add(packet: EncodedPacket, meta: { decoderConfig: Config }): Promise<void>;
    close(): void;
  },
): Lane {
  return {
    reachedSeconds: -Infinity,
    async step() {
      const { value: placed } = await packets.next();
      if (!placed) {
        source.close();
        return false;
      }
      this.reachedSeconds = placed.packet.timestamp;
      await source.add(placed.packet, { decoderConfig: placed.decoderConfig });
      return true;
    },
  };
}

async function* pictures(
  { plan, inBand }: FilmFileJob,
  shelf: Shelf,
): AsyncGenerator<Placed<VideoDecoderConfig>, void, void> {
  for (const stretch of plan.video) {
    const { track, done } = await shelf.video(stretch);
    const { placeSeconds, fromSeconds, toSeconds } = stretch;
    const { description } = track.format;
    const sets = inBand && description ? parameterSets(description) : null;
    const decoderConfig = sets
      ? { ...track.decoderConfig, codec: track.decoderConfig.codec.replace(/^avc1/, "avc3") }
      : track.decoderConfig;
    const cut = new PictureCut<EncodedPacket>(fromSeconds, toSeconds);
    for await (const packet of track.packets(fromSeconds - placeSeconds)) {
      const placed = packet.clone({ timestamp: placeSeconds + packet.timestamp });
      for (const { picture, time } of cut.push(placed)) {
        const prepared = sets && picture.type === "key"
          ? picture.clone({ data: joined([sets, picture.data]) })
          : picture;
        yield { packet: prepared.clone(time), decoderConfig };
      }
      if (cut.done) break;
    }
    done();
  }
}

async function* sounds(
  stretches: Stretch[],
  shelf: Shelf,
  format: SoundFormat,
): AsyncGenerator<Placed<AudioDecoderConfig>, void, void> {
  const silence = silentPacket(format);
  const lane = new SoundLane(silence?.seconds ?? null);
  for (const stretch of stretches) {
    const { track, done } = await shelf.audio(stretch);
    const { placeSeconds, fromSeconds, toSeconds } = stretch;
    const { decoderConfig } = track;
    lane.enterPart();
    for await (
      const packet of track.packets(fromSeconds - placeSeconds - SOUND_LEAD_SECONDS)
    ) {
      const { duration } = packet;
      const timestamp = placeSeconds + packet.timestamp;
      if (timestamp < fromSeconds - duration) continue;
      // The packet in which the change lies belongs to the part that has most of it.
      if (timestamp + duration / 2 >= toSeconds) break;
      const place = lane.place({ timestamp, duration });
      if (!place) continue;
      for (let i = 0; silence && i < place.silentPackets; i++) {
        const at = place.silenceFromSeconds + i * silence.seconds;
        const packet = new EncodedPacket(silence.data, "key", at, silence.seconds);
        yield { packet, decoderConfig };
      }
      yield { packet: packet.clone({ timestamp: place.timestamp }), decoderConfig };
    }
    done();
  }
}

/** Opened parts: the two tracks share one reader, and nothing stays open that neither reads. */
class Shelf {
  readonly #open = new Map<string, { part: Promise<PartReader>; users: number }>();

  constructor(readonly openPart: (archiveId: string) => Promise<PartReader>) {}

  async video(stretch: Stretch) {
    const { part, done } = await this.#take(stretch.archiveId);
    if (!part.video) throw new Error(`Part ${stretch.seq + 1} has lost its pictures`);
    return { track: part.video, done };
  }

  async audio(stretch: Stretch) {
    const { part, done } = await this.#take(stretch.archiveId);
    if (!part.audio) throw new Error(`Part ${stretch.seq + 1} has lost its sound`);
    return { track: part.audio, done };
  }

  /** Closes whatever is open. */
  close(): void {
    for (const { part } of this.#open.values()) part.then((part) => part.close(), () => {});
    this.#open.clear();
  }

  async #take(archiveId: string): Promise<{ part: PartReader; done(): void }> {
    const entry = this.#open.get(archiveId) ?? { part: this.openPart(archiveId), users: 0 };
    this.#open.set(archiveId, entry);
    entry.users++;
    const part = await entry.part;
    const done = () => {
      if (--entry.users > 0) return;
      this.#open.delete(archiveId);
      part.close();
    };
    return { part, done };
  }
}
