/** Looks at a film's parts before anything is written: what the file will be, and what it will lack. */
import type { Film } from "../recording/views.ts";
import { MediaFetchError, UnplayableFileError } from "../player/media_fetch.ts";
import { missingReason } from "../player/timeline.ts";
import { type Choice, chooseContainer, type PartFormats } from "./container.ts";
import type { PartReader } from "./part_reader.ts";
import { type CutPlan, type PartSpans, planCuts } from "./plan.ts";

/** What can be made of a film. */
export type Survey =
  | Choice & { kind: "possible" } & {
    plan: CutPlan;
    /** About how large the file will be, from the sizes of the parts; 0 where they are not known. */
    aboutBytes: number;
  }
  | Choice & { kind: "impossible" };

/** What {@linkcode survey} needs of the world. */
export interface SurveyWorld {
  openPart(archiveId: string): Promise<PartReader>;
  onLooked(parts: number, ofParts: number): void;
  signal: AbortSignal;
}

/**
 * Opens every part of a film once. A part that is gone or cannot be read becomes a hole; trouble that
 * may pass, such as no network, rejects with the `MediaFetchError`.
 */
export async function survey(film: Film, world: SurveyWorld): Promise<Survey> {
  const spans = new Map<string, PartSpans>();
  const formats: PartFormats[] = [];
  const wanted = film.parts.filter((part) => missingReason(part) === null);
  for (const [index, { seq, archiveId }] of wanted.entries()) {
    world.signal.throwIfAborted();
    world.onLooked(index, wanted.length);
    try {
      const part = await world.openPart(archiveId);
      const { video, audio } = part;
      part.close();
      spans.set(archiveId, {
        kind: "media",
        video: video && video.span,
        audio: audio && audio.span,
      });
      formats.push({ seq, video: video && video.format, audio: audio && audio.format });
    } catch (error) {
      spans.set(archiveId, { kind: "unplayable", reason: lossOf(error) });
    }
  }
  const plan = planCuts(film, spans);
  const used = new Set([...plan.video, ...plan.audio].map(({ seq }) => seq));
  const choice = chooseContainer(formats.filter(({ seq }) => used.has(seq)));
  return choice.kind === "impossible"
    ? choice
    : { ...choice, plan, aboutBytes: aboutBytes(film, plan) };
}

/** Why a part is a hole; throws what is no fault of the part. */
function lossOf(error: unknown): string {
  if (error instanceof UnplayableFileError) return error.message;
  if (error instanceof MediaFetchError && error.trouble === "gone") return "is no longer there";
  throw error;
}

/** Each part's bytes by the share of it that is used. */
function aboutBytes(film: Film, plan: CutPlan): number {
  const stretches = plan.video.length > 0 ? plan.video : plan.audio;
  return stretches.reduce((sum, { archiveId, fromSeconds, toSeconds }) => {
    const part = film.parts.find((part) => part.archiveId === archiveId);
    if (!part?.durationSeconds) return sum;
    const endSeconds = Math.min(toSeconds, part.placeSeconds + part.durationSeconds);
    const share = (endSeconds - fromSeconds) / part.durationSeconds;
    return sum + part.sizeBytes * Math.min(1, Math.max(0, share));
  }, 0);
}
