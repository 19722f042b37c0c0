import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type ExportState, FilmExport } from "../../export/film_export.ts";
import { formatBytes, formatSpan, progressOf, warningsOf } from "../../export/words.ts";
import type { Film } from "../../recording/views.ts";
import { formatClock } from "../time_code.ts";

/** While the file is made, a newer film does not matter any more. */
const BUSY: ReadonlySet<ExportState["kind"]> = new Set(["writing", "cancelling", "done"]);

/** Exports a film as one file: what it will be, how far it is, how it ended. */
export default function ExportPanel({ film, onClose }: { film: Film; onClose(): void }) {
  const state = useSignal<ExportState | null>(null);
  const current = useRef<FilmExport | null>(null);

  useEffect(() => {
    if (state.value && BUSY.has(state.value.kind)) return;
    current.current?.close();
    const begun = new FilmExport(film, (next) => {
      if (current.current === begun) state.value = next;
    });
    current.current = begun;
    begun.look();
  }, [film]);
  useEffect(() => () => {
    current.current?.close();
    current.current = null;
  }, []);
  const writing = state.value?.kind === "writing";
  useEffect(() => {
    if (!writing) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    globalThis.addEventListener("beforeunload", ask);
    return () => globalThis.removeEventListener("beforeunload", ask);
  }, [writing]);

  const section = useRef<HTMLElement>(null);
  const kind = state.value?.kind;
  useEffect(() => {
    // The button that was pressed may be gone: whoever uses the keyboard goes on from here.
    if (document.activeElement === document.body) section.current?.focus({ preventScroll: true });
  }, [kind]);

  if (!state.value) return null;
  return (
    <section ref={section} class="card stack" aria-label="Export" tabIndex={-1}>
      <p class="visually-hidden" role="status">{spokenOf(state.value)}</p>
      <State state={state.value} actions={() => current.current} onClose={onClose} />
    </section>
  );
}

/** What is read out as it changes; alerts speak for themselves. */
function spokenOf(state: ExportState): string {
  switch (state.kind) {
    case "looking":
      return "Looking at the parts";
    case "ready":
      return state.wasCancelled ? "Cancelled; nothing was kept" : "Ready to save the film";
    case "writing": {
      const { share } = progressOf(state.survey.plan, state.filmSeconds, 0);
      // Every tenth, or it would never stop speaking.
      return `${Math.floor(share * 10) * 10} % exported`;
    }
    case "cancelling":
      return "Removing what was written";
    case "done":
      return "The film is one file now";
    case "impossible":
    case "failed":
      return "";
  }
}

interface StateProps<Kind extends ExportState["kind"] = ExportState["kind"]> {
  state: ExportState & { kind: Kind };
  actions(): FilmExport | null;
  onClose(): void;
}

function State(props: StateProps) {
  const { state, actions, onClose } = props;
  const close = <button type="button" class="button quiet" onClick={onClose}>Close</button>;
  switch (state.kind) {
    case "looking":
      return (
        <>
          <p>Looking at the parts, {state.parts} of {state.ofParts}</p>
          {state.stalled ? <Stalled actions={actions} /> : null}
          <div class="toolbar">{close}</div>
        </>
      );
    case "impossible":
      return (
        <>
          <p class="notice error" role="alert">
            {state.reason}. Download the parts one by one instead.
          </p>
          <div class="toolbar">{close}</div>
        </>
      );
    case "ready":
      return <Ready state={state} actions={actions} onClose={onClose} />;
    case "writing":
      return <Writing state={state} actions={actions} onClose={onClose} />;
    case "cancelling":
      return <p>Removing what was written</p>;
    case "done":
      return (
        <>
          <p class="notice success">
            {state.url
              ? `The film is put together (${formatBytes(state.bytes)}); the browser saves it now.`
              : `Saved as ${state.name} (${formatBytes(state.bytes)}).`}
          </p>
          <div class="toolbar">
            {state.url
              ? <a class="button" href={state.url} download={state.name}>Save it again</a>
              : null}
            {close}
          </div>
        </>
      );
    case "failed":
      return (
        <>
          <p class="notice error" role="alert">{state.text}.</p>
          <div class="toolbar">
            <button type="button" class="button" onClick={() => actions()?.look()}>
              Try again
            </button>
            {close}
          </div>
        </>
      );
  }
}

function Ready({ state, actions, onClose }: StateProps<"ready">) {
  const { survey, roomBytes } = state;
  const { container, plan, aboutBytes } = survey;
  const tight = roomBytes !== null && roomBytes < aboutBytes;
  const warnings = warningsOf(survey);
  return (
    <>
      <p>
        {state.wasCancelled ? "Cancelled; nothing was kept. " : null}
        One {container.extension === "webm" ? "WebM" : "MP4"} file of{" "}
        {formatClock(plan.durationSeconds)}
        {aboutBytes > 0 ? `, about ${formatBytes(aboutBytes)}` : null}: the parts as they were
        recorded, cut at the seams.
      </p>
      {warnings.length > 0
        ? (
          <ul class="notice warning player-export-warnings">
            {warnings.map((warning) => <li key={warning}>{warning}</li>)}
          </ul>
        )
        : null}
      {tight
        ? (
          <p class="notice error">
            This browser lets the page keep {formatBytes(roomBytes)}{" "}
            only. Make room on the disk, or use a browser that asks where to save (Chrome or Edge on
            a computer).
          </p>
        )
        : null}
      <div class="toolbar">
        <button type="button" class="button primary" onClick={() => void actions()?.save()}>
          Save film
        </button>
        <button type="button" class="button quiet" onClick={onClose}>Close</button>
      </div>
    </>
  );
}

function Writing({ state, actions }: StateProps<"writing">) {
  const { survey: { plan }, filmSeconds, bytes, sinceMs, stalled } = state;
  const { share, remainingSeconds } = progressOf(plan, filmSeconds, Date.now() - sinceMs);
  const percent = Math.floor(share * 100);
  return (
    <>
      <label class="stack tight">
        Exporting
        <progress class="player-export-bar" value={share} />
      </label>
      <p class="number">
        {percent} %, {formatClock(filmSeconds)} of {formatClock(plan.durationSeconds)},{" "}
        {formatBytes(bytes)}
        {remainingSeconds !== null && !stalled
          ? `, about ${formatSpan(remainingSeconds)} left`
          : null}
      </p>
      {stalled ? <Stalled actions={actions} /> : null}
      <div class="toolbar">
        <button type="button" class="button" onClick={() => actions()?.cancel()}>Cancel</button>
      </div>
    </>
  );
}

function Stalled({ actions }: Pick<StateProps, "actions">) {
  return (
    <div class="notice warning toolbar spread" role="alert">
      <span>The recording cannot be reached. This goes on by itself once it can.</span>
      <button type="button" class="button small" onClick={() => actions()?.retry()}>Try now</button>
    </div>
  );
}
