/** Which kind of file can hold a film's parts as they are, or why none can: pure. */
import type { SoundFormat } from "./silence.ts";

/** How one part's pictures are encoded. */
export interface PictureFormat {
  /** Its family, such as `vp8` or `avc`. */
  codec: string;
  /** In full (RFC 6381), such as `avc1.42e01e`. */
  codecString: string;
  width: number;
  height: number;
  /** What a decoder must know beforehand: for H.264 its AVCDecoderConfigurationRecord. */
  description: Uint8Array | null;
}

/** How one part's sound is encoded. */
export interface SoundPartFormat {
  codec: string;
  sampleRate: number;
  channels: number;
  /** For AAC its AudioSpecificConfig. */
  description: Uint8Array | null;
}

/** A part that is to go into the file. */
export interface PartFormats {
  seq: number;
  video: PictureFormat | null;
  audio: SoundPartFormat | null;
}

/** A kind of file. */
export interface Container {
  extension: "webm" | "mp4";
  mimeType: "video/webm" | "video/mp4";
}
const WEBM: Container = { extension: "webm", mimeType: "video/webm" };
const MP4: Container = { extension: "mp4", mimeType: "video/mp4" };

/** Codecs of pictures that can be copied. */
export type VideoCodec = "vp8" | "vp9" | "avc";

/** What the parts can become. */
export type Choice =
  | {
    kind: "possible";
    container: Container;
    /** How all pictures are encoded; null if there are none. */
    videoCodec: VideoCodec | null;
    /** How the first sound is encoded; null if there is none. */
    soundFormat: SoundFormat | null;
    /** H.264 parts that begin differently: each key frame carries what its decoder must know. */
    inBand: boolean;
    /** True where the size of the picture changes from part to part. */
    sizeChanges: boolean;
  }
  /** `reason` is a whole sentence without its full stop. */
  | { kind: "impossible"; reason: string };

/** What each kind of file can hold, besides nothing. */
const HOLDS: { container: Container; video: VideoCodec[]; audio: SoundFormat["codec"][] }[] = [
  { container: WEBM, video: ["vp8", "vp9"], audio: ["opus"] },
  { container: MP4, video: ["avc"], audio: ["aac", "opus"] },
];

const NAMES: Record<string, string> = {
  vp8: "VP8",
  vp9: "VP9",
  avc: "H.264",
  hevc: "H.265",
  av1: "AV1",
  opus: "Opus",
  aac: "AAC",
};

/** Chooses the kind of file. Without encoding anew, all parts must be encoded alike. */
export function chooseContainer(parts: readonly PartFormats[]): Choice {
  const videos = parts.flatMap(({ seq, video }) => video ? [{ seq, ...video }] : []);
  const audios = parts.flatMap(({ seq, audio }) => audio ? [{ seq, ...audio }] : []);
  const [firstVideo, firstAudio] = [videos[0], audios[0]];
  if (!firstVideo && !firstAudio) return impossible("No part can be read");
  for (const [what, tracks] of [["pictures", videos], ["sound", audios]] as const) {
    const [first] = tracks;
    const other = tracks.find((track) => track.codec !== first?.codec);
    if (first && other) {
      return impossible(
        `Part ${first.seq + 1} has ${what} in ${nameOf(first.codec)} and part ${
          other.seq + 1
        } in ` +
          `${nameOf(other.codec)}: one file cannot hold both unless they are encoded anew`,
      );
    }
  }
  const fitting = HOLDS.flatMap(({ container, video, audio }) => {
    const videoCodec = video.find((codec) => codec === firstVideo?.codec) ?? null;
    const soundCodec = audio.find((codec) => codec === firstAudio?.codec) ?? null;
    const fits = (videoCodec || !firstVideo) && (soundCodec || !firstAudio);
    return fits ? [{ container, videoCodec, soundCodec }] : [];
  })[0];
  if (!fitting) {
    const codecs = [firstVideo, firstAudio].flatMap((track) => track ? [nameOf(track.codec)] : []);
    return impossible(`${codecs.join(" with ")} cannot be put into one file here`);
  }
  const vp9Profile = differing(videos, (v) => v.codec === "vp9" ? v.codecString.slice(0, 7) : "");
  if (vp9Profile) {
    return impossible(
      `Part ${vp9Profile.seq + 1} has pictures of another VP9 profile than the parts before it`,
    );
  }
  const aac = differing(
    audios,
    (a) => a.codec === "aac" ? `${a.sampleRate} ${a.channels} ${a.description?.join() ?? ""}` : "",
  );
  if (aac) {
    return impossible(
      `Part ${
        aac.seq + 1
      } has sound of another rate or with other channels than the parts before ` +
        "it: one file cannot hold both unless they are encoded anew",
    );
  }
  const unprepared = videos.find((v) => v.codec === "avc" && !v.description);
  if (unprepared) {
    return impossible(`Part ${unprepared.seq + 1} does not say how its pictures are decoded`);
  }
  const inBand = differing(videos, (v) => v.codec === "avc" ? v.description?.join() ?? "" : "");
  const lengths = differing(
    videos,
    (v) => v.codec === "avc" ? `${(v.description?.[4] ?? 0) & 3}` : "",
  );
  if (lengths) return impossible(`Part ${lengths.seq + 1} packs its pictures in another way`);
  const size = differing(videos, (v) => `${v.width}x${v.height}`);
  return {
    kind: "possible",
    container: fitting.container,
    videoCodec: fitting.videoCodec,
    soundFormat: firstAudio && fitting.soundCodec
      ? {
        codec: fitting.soundCodec,
        sampleRate: firstAudio.sampleRate,
        channels: firstAudio.channels,
      }
      : null,
    inBand: inBand !== null,
    sizeChanges: size !== null,
  };
}

/** The first track that is not like the first one. */
function differing<T>(tracks: readonly T[], aspect: (track: T) => string): T | null {
  const [first] = tracks;
  if (!first) return null;
  return tracks.find((track) => aspect(track) !== aspect(first)) ?? null;
}

function impossible(reason: string): Choice {
  return { kind: "impossible", reason };
}

function nameOf(codec: string): string {
  return NAMES[codec] ?? codec;
}

/** A name for the file on any disk, from the film's name. */
export function fileNameOf(filmName: string, { extension }: Container): string {
  // deno-lint-ignore no-control-regex -- exactly these are what no file name may contain
  const safe = filmName.replace(/[\u0000-\u001f\u007f<>:"/\\|?*]+/g, " ").replace(/\s+/g, " ")
    .replace(/^[ .]+|[ .]+$/g, "").slice(0, 100).trim();
  return `${safe || "Film"}.${extension}`;
}
