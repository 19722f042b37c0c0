/** What to record and how: the name and the options of the next chain. */
import { useEffect, useRef } from "preact/hooks";
import type { ArchiveOptions, Chain } from "../../recording/model.ts";

/** The form's content. `individual` archives are kept as separate files by the platform. */
export interface ArchiveChoice {
  name: string;
  hasAudio: boolean;
  hasVideo: boolean;
  outputMode: ArchiveOptions["outputMode"];
  resolution: NonNullable<ArchiveOptions["resolution"]>;
}

/** The choice as the API takes it: only a composed archive with a picture has a resolution. */
export function optionsOf(choice: ArchiveChoice): ArchiveOptions {
  const { hasAudio, hasVideo, outputMode, resolution } = choice;
  return outputMode === "composed" && hasVideo
    ? { hasAudio, hasVideo, outputMode, resolution }
    : { hasAudio, hasVideo, outputMode };
}

interface ArchiveFormProps {
  choice: ArchiveChoice;
  change(change: Partial<ArchiveChoice>): void;
  /** The chain that runs: its own name and options are shown, and nothing can be changed. */
  running: Chain | null;
  /** While the answer to a press is awaited. */
  locked: boolean;
  nameProblem: string | null;
}

/** Fields for {@link ArchiveChoice}. */
export function ArchiveForm(props: ArchiveFormProps) {
  const { choice, change, running, locked, nameProblem } = props;
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    // A name may have been typed before this page's program was there.
    if (input.current?.value) change({ name: input.current.value });
  }, []);
  return (
    <>
      <div class="field">
        <label for="archive-name">Archive name</label>
        <input
          id="archive-name"
          ref={input}
          type="text"
          maxLength={120}
          autocomplete="off"
          value={running?.name ?? choice.name}
          readOnly={locked || running !== null}
          aria-invalid={nameProblem !== null}
          aria-describedby={nameProblem ? "archive-problem" : undefined}
          onInput={(event) => change({ name: event.currentTarget.value })}
        />
        {nameProblem && <p class="error" id="archive-problem" role="alert">{nameProblem}</p>}
      </div>
      {running && <p class="muted">Records {optionWords(running.options)}</p>}
      <div class="call-options" hidden={running !== null}>
        <fieldset class="field" disabled={locked}>
          <legend>Record</legend>
          <div class="toolbar">
            <label class="call-check">
              <input
                type="checkbox"
                checked={choice.hasAudio}
                disabled={choice.hasAudio && !choice.hasVideo}
                onChange={(event) => change({ hasAudio: event.currentTarget.checked })}
              />
              Audio
            </label>
            <label class="call-check">
              <input
                type="checkbox"
                checked={choice.hasVideo}
                disabled={choice.hasVideo && !choice.hasAudio}
                onChange={(event) => change({ hasVideo: event.currentTarget.checked })}
              />
              Video
            </label>
          </div>
        </fieldset>
        {choice.outputMode === "composed" && choice.hasVideo && (
          <div class="field">
            <label for="archive-size">Resolution</label>
            <select
              id="archive-size"
              value={choice.resolution}
              disabled={locked}
              onChange={(event) => {
                const picked = SIZES.find((size) => size === event.currentTarget.value);
                if (picked) change({ resolution: picked });
              }}
            >
              {SIZES.map((size) => (
                <option key={size} value={size}>{size.replace("x", " × ")}</option>
              ))}
            </select>
          </div>
        )}
        <div class="field call-wide">
          <label for="archive-mode">Files</label>
          <select
            id="archive-mode"
            value={choice.outputMode}
            disabled={locked}
            onChange={(event) =>
              change({
                outputMode: event.currentTarget.value === "individual" ? "individual" : "composed",
              })}
          >
            <option value="composed">Composed: one picture</option>
            <option value="individual">Individual: one per person</option>
          </select>
        </div>
      </div>
    </>
  );
}

function optionWords(options: ArchiveOptions): string {
  const what = [options.hasAudio && "audio", options.hasVideo && "video"].filter(Boolean);
  const size = options.resolution?.replace("x", " × ");
  return [what.join(" and "), options.outputMode, size].filter(Boolean).join(", ");
}

const SIZES = ["640x480", "1280x720", "1920x1080"] as const;
