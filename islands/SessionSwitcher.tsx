import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { restartRecording, startRecording, stopRecording } from "../lib/api/client.ts";
import { type Problem, toProblem } from "../lib/call/errors.ts";
import { type RoomWatch, watchRoom } from "../lib/call/room_events.ts";
import { type ArchiveChoice, ArchiveForm, optionsOf } from "../lib/call/ui/ArchiveForm.tsx";
import { ChainState } from "../lib/call/ui/ChainState.tsx";

interface SessionSwitcherProps {
  room: string;
}

/** What was pressed and is not answered yet, in words. */
const BUSY = { start: "Starting…", restart: "Restarting…", stop: "Stopping…" } as const;

/** The host's controls of a room's recording, and what it does now. */
export default function SessionSwitcher({ room }: SessionSwitcherProps) {
  const watch = useSignal<RoomWatch | null>(null);
  const choice = useSignal<ArchiveChoice>({
    name: "",
    hasAudio: true,
    hasVideo: true,
    outputMode: "composed",
    resolution: "640x480",
  });
  const busy = useSignal<keyof typeof BUSY | null>(null);
  const problem = useSignal<Problem | null>(null);
  const nameProblem = useSignal<string | null>(null);
  /** The chain seen last: its film is offered when it has ended. */
  const last = useSignal<{ id: string; name: string } | null>(null);
  const nowMs = useSignal(0);

  useEffect(() => {
    const watched = watchRoom(room);
    watch.value = watched;
    const stop = watched.view.subscribe((view) => {
      if (view?.chain) last.value = { id: view.chain.id, name: view.chain.name };
    });
    const tick = () => nowMs.value = Date.now() + watched.clockAheadMs.value;
    tick();
    const timer = setInterval(tick, 250);
    return () => {
      clearInterval(timer);
      stop();
      watched.release();
    };
  }, []);

  const view = watch.value?.view.value ?? null;
  const link = watch.value?.link.value ?? "connecting";
  const state = view?.chain?.state;
  const runs = state === "starting" || state === "recording" || state === "stopping";
  const handingOver = view?.procedure?.kind === "handover" || view?.procedure?.kind === "replace";
  const away = (watch.value?.here.value ?? 0) === 0;
  const nobody = away && view?.streams === 0;

  const ask = async (verb: keyof typeof BUSY) => {
    // Stop is taken at any time; the server lets it end a handover that still runs.
    if (busy.value && (verb !== "stop" || busy.value === "stop")) return;
    const name = choice.value.name.trim();
    nameProblem.value = verb === "start" && name === "" ? "Give the archive a name" : null;
    if (nameProblem.value) return;
    busy.value = verb;
    problem.value = null;
    try {
      const answer = verb === "start"
        ? startRecording(room, { name, options: optionsOf(choice.value) })
        : verb === "restart"
        ? restartRecording(room)
        : stopRecording(room);
      watch.value?.offer(await answer);
    } catch (error) {
      problem.value = toProblem(error);
    } finally {
      if (busy.value === verb) busy.value = null;
    }
  };

  return (
    <section class="card stack switcher" aria-label="Archive">
      <div class="toolbar spread">
        <h2>Archive</h2>
        {view && <span class={`badge${runs ? " live" : ""}`}>{stateWords(state, handingOver)}
        </span>}
      </div>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (!runs && !nobody) ask("start");
        }}
      >
        <ArchiveForm
          choice={choice.value}
          running={runs ? view?.chain ?? null : null}
          change={(change) => {
            choice.value = { ...choice.value, ...change };
            nameProblem.value = null;
          }}
          locked={busy.value !== null}
          nameProblem={nameProblem.value}
        />
        <div class="switcher-buttons">
          <button
            type="submit"
            class="button danger primary"
            disabled={!view || runs || nobody || busy.value !== null}
          >
            Start archive
          </button>
          <button
            type="button"
            class="button"
            disabled={state !== "recording" || handingOver || busy.value !== null}
            onClick={() => ask("restart")}
          >
            Restart archive
          </button>
          <button
            type="button"
            class="button danger"
            disabled={!runs || state === "stopping" || busy.value === "stop"}
            onClick={() => ask("stop")}
          >
            Stop archive
          </button>
        </div>
        {view && !runs && away && (
          <p class="muted">
            {nobody
              ? "Nobody is in the call yet. Join, or wait for somebody, then start."
              : "You are not in the call yet. An archive needs somebody in it."}
          </p>
        )}
      </form>
      <p class="muted call-announce" role="status">{busy.value ? BUSY[busy.value] : ""}</p>
      {problem.value && (
        <p class="notice error" role="alert">{problem.value.text}. {problem.value.remedy}</p>
      )}
      {view?.notice && (
        <p
          class={`notice ${view.notice.level}`}
          role={view.notice.level === "error" ? "alert" : undefined}
        >
          {view.notice.text}
        </p>
      )}
      {(link === "lost" || link === "polling") && view && (
        <p class="notice warning">
          {link === "lost"
            ? "The server does not answer. What is shown may be old; it is asked again every few seconds."
            : "Live updates do not get through. The state is asked for every few seconds."}
        </p>
      )}
      {view && runs && <ChainState view={view} nowMs={nowMs.value} />}
      {!runs && last.value && (
        <p>
          <a class="button" href={`/player/${encodeURIComponent(last.value.id)}`}>
            Watch “{last.value.name}”
          </a>
        </p>
      )}
      {!view && (
        <p class="muted">
          {link === "lost"
            ? "The server does not answer. It is asked again every few seconds."
            : "Looking up the state of the room…"}
        </p>
      )}
    </section>
  );
}

function stateWords(state: string | undefined, handingOver: boolean): string {
  if (state === "starting") return "Starts";
  if (state === "stopping") return "Stops";
  if (state === "failed") return "Failed";
  if (state !== "recording") return "Idle";
  return handingOver ? "Hands over" : "Runs";
}
