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
} from "mediabunny";
import { joined, parameterSets } from "./avc.ts";
import type { Container } from "./container.ts";
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
export interface FilmFileJob {
  plan: CutPlan;
  container: Container;
  /** See {@linkcode Choice}. */
  inBand: boolean;
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
    const lanes = await openLanes(job, shelf, output);
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

async function openLanes(job: FilmFileJob, shelf: Shelf, output: Output): Promise<Lane[]> {
  const lanes: Lane[] = [];
  const { video: [firstPictures], audio: [firstSounds] } = job.plan;
  if (firstPictures) {
    const { track, done } = await shelf.video(firstPictures);
    done();
    const codec = codecOf(track.format.codec, ["vp8", "vp9", "avc"]);
    const source = new EncodedVideoPacketSource(codec);
    output.addVideoTrack(source);
    const decoderConfig = job.inBand
      ? { ...track.decoderConfig, codec: track.decoderConfig.codec.replace(/^avc1/, "avc3") }
      : track.decoderConfig;
    lanes.push(laneOf(pictures(job, shelf), source, { decoderConfig }));
  }
  if (firstSounds) {
    const { track, done } = await shelf.audio(firstSounds);
    done();
    const codec = codecOf(track.format.codec, ["opus", "aac"]);
    const source = new EncodedAudioPacketSource(codec);
    output.addAudioTrack(source);
    const packets = sounds(job.plan.audio, shelf, { ...track.format, codec });
    lanes.push(laneOf(packets, source, { decoderConfig: track.decoderConfig }));
  }
  return lanes;
}

function laneOf<Meta>(
  packets: AsyncGenerator<EncodedPacket, void, void>,
  source: { add(packet: EncodedPacket, meta: Meta): Promise<void>; close(): void },
  meta: Meta,
): Lane {
  return {
    reachedSeconds: -Infinity,
    async step() {
      const { value: packet } = await packets.next();
      if (!packet) {
        source.close();
        return false;
      }
      this.reachedSeconds = packet.timestamp;
      await source.add(packet, meta);
      return true;
    },
  };
}

async function* pictures(
  { plan, inBand }: FilmFileJob,
  shelf: Shelf,
): AsyncGenerator<EncodedPacket, void, void> {
  for (const stretch of plan.video) {
    const { track, done } = await shelf.video(stretch);
    const { placeSeconds, fromSeconds, toSeconds } = stretch;
    const { description } = track.format;
    const sets = inBand && description ? parameterSets(description) : null;
    const cut = new PictureCut<EncodedPacket>(fromSeconds, toSeconds);
    for await (const packet of track.packets(fromSeconds - placeSeconds)) {
      const placed = packet.clone({ timestamp: placeSeconds + packet.timestamp });
      for (const { picture, time } of cut.push(placed)) {
        const prepared = sets && picture.type === "key"
          ? picture.clone({ data: joined([sets, picture.data]) })
          : picture;
        yield prepared.clone(time);
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
): AsyncGenerator<EncodedPacket, void, void> {
  const silence = silentPacket(format);
  const lane = new SoundLane(silence?.seconds ?? null);
  for (const stretch of stretches) {
    const { track, done } = await shelf.audio(stretch);
    const { placeSeconds, fromSeconds, toSeconds } = stretch;
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
        yield new EncodedPacket(silence.data, "key", at, silence.seconds);
      }
      yield packet.clone({ timestamp: place.timestamp });
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

function codecOf<Codec extends string>(codec: string, known: readonly Codec[]): Codec {
  const found = known.find((name) => name === codec);
  if (!found) throw new Error(`Cannot write "${codec}" into a film's file`);
  return found;
}
