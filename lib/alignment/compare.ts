/** Comparing two files where they should overlap: by sound, and by picture if that has no answer. */
import type { Input } from "../mediabunny.ts";
import { type Alignment, none } from "./alignment.ts";
import type { AlignRequest } from "./messages.ts";
import { alignPicture } from "./picture.ts";
import { type OnProgress, openFile, readMotion, readSound, type Stretch } from "./read.ts";
import { alignSound } from "./sound.ts";

/** More of an overlap than this adds nothing. */
const LONGEST_SECONDS = 20;

/** Where the later file begins in the earlier one. Files that cannot be read are no answer. */
export async function compareFiles(
  request: AlignRequest,
  onProgress: OnProgress,
): Promise<Alignment> {
  const inputs = [openFile(request.earlierUrl), openFile(request.laterUrl)] as const;
  try {
    const stretches = stretchesOf(request);
    if (!stretches) return none("too-short");
    const heard = await bySound(inputs, stretches, request, (share) => onProgress(share / 2));
    if (heard.kind === "found") return heard;
    const seen = await byPicture(
      inputs,
      stretches,
      request,
      (share) => onProgress((1 + share) / 2),
    );
    // What the sound had to say is the better reason: the picture was only a substitute.
    return seen?.kind === "found" ? seen : heard;
  } catch (error) {
    return none(
      "unreadable",
      `The files cannot be read here: ${error instanceof Error ? error.message : String(error)}`,
    );
  } finally {
    for (const input of inputs) input.dispose();
  }
}

type Both<T> = readonly [earlier: T, later: T];

/** All that can overlap if the expected place is wrong by as much as it may be. */
function stretchesOf(request: AlignRequest): Both<Stretch> | null {
  const { deltaSeconds, toleranceSeconds, earlierSeconds, laterSeconds } = request;
  const fromSeconds = Math.max(0, deltaSeconds - toleranceSeconds);
  const earlier = {
    fromSeconds,
    toSeconds: Math.min(earlierSeconds, deltaSeconds + toleranceSeconds + LONGEST_SECONDS),
  };
  const later = {
    fromSeconds: 0,
    toSeconds: Math.min(laterSeconds, earlierSeconds - fromSeconds, LONGEST_SECONDS),
  };
  return earlier.toSeconds > fromSeconds && later.toSeconds > 0 ? [earlier, later] : null;
}

async function bySound(
  inputs: Both<Input>,
  stretches: Both<Stretch>,
  request: AlignRequest,
  onProgress: OnProgress,
): Promise<Alignment> {
  const earlier = await inputs[0].getPrimaryAudioTrack();
  const later = await inputs[1].getPrimaryAudioTrack();
  if (!earlier || !later) return none("silence");
  const a = await readSound(earlier, stretches[0], (share) => onProgress(share / 2));
  const b = await readSound(later, stretches[1], (share) => onProgress((1 + share) / 2));
  return alignSound(a, b, request);
}

async function byPicture(
  inputs: Both<Input>,
  stretches: Both<Stretch>,
  request: AlignRequest,
  onProgress: OnProgress,
): Promise<Alignment | null> {
  const earlier = await inputs[0].getPrimaryVideoTrack();
  const later = await inputs[1].getPrimaryVideoTrack();
  if (!earlier || !later) return null;
  const a = await readMotion(earlier, stretches[0], (share) => onProgress(share / 2));
  const b = await readMotion(later, stretches[1], (share) => onProgress((1 + share) / 2));
  return alignPicture(a, b, request);
}
