/** Turns what a recorder uploaded into a file that players can seek in. */
import {
  ALL_FORMATS,
  Conversion,
  FilePathSource,
  FilePathTarget,
  Input,
  Output,
  WebMOutputFormat,
} from "mediabunny";

/** The metadata tag (`comment`) that carries the wall clock of media time 0, in ms. */
export const EPOCH_TAG = "gapless-epoch-ms=";

/**
 * Copies every packet of `from`, which may end anywhere, into a new WebM at `to` with duration, cues
 * and the epoch tag. Nothing is re-encoded and no timestamp is moved; memory stays flat. Throws when
 * there is nothing to keep.
 */
export async function remux(from: string, to: string, epochMs: number): Promise<void> {
  using input = new Input({ source: new FilePathSource(from), formats: ALL_FORMATS });
  const output = new Output({ format: new WebMOutputFormat(), target: new FilePathTarget(to) });
  const conversion = await Conversion.init({
    input,
    output,
    // Without it the first packet would become time 0, and the epoch a lie.
    trim: { start: 0 },
    tags: { comment: `${EPOCH_TAG}${epochMs}` },
    showWarnings: false,
  });
  if (!conversion.isValid || conversion.discardedTracks.length > 0) {
    const why = conversion.discardedTracks.map((d) => d.reason).join(", ") || "it has no tracks";
    throw new Error(`Failed to remux "${from}": ${why}`);
  }
  await conversion.execute();
}

/** The length of a media file in seconds, to the end of its last packet. */
export async function lengthSeconds(path: string): Promise<number> {
  using input = new Input({ source: new FilePathSource(path), formats: ALL_FORMATS });
  return await input.computeDuration();
}
