import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Film } from "../../recording/views.ts";

/** The button that offers the whole film as one file. What it opens is loaded when it is pressed. */
export function ExportFilm({ film }: { film: Film }) {
  /** False in the server's page, whose button nobody hears yet. */
  const alive = useSignal(false);
  const open = useSignal(false);
  const loaded = useSignal<{ Panel: typeof import("./ExportPanel.tsx").default } | null>(null);
  const failed = useSignal(false);
  useEffect(() => {
    alive.value = true;
  }, []);
  const over = film.state === "stopped" || film.state === "failed";
  const hasFile = film.parts.some((part) => part.status === "available");
  if (film.options.outputMode === "individual" || !hasFile) return null;

  const load = () => {
    open.value = true;
    failed.value = false;
    import("./ExportPanel.tsx").then(
      (module) => loaded.value = { Panel: module.default },
      () => failed.value = true,
    );
  };
  const close = () => open.value = false;
  return (
    <div class="player-export stack">
      <div class="toolbar">
        <button
          type="button"
          class="button"
          aria-expanded={open.value}
          disabled={!over || !alive.value}
          onClick={() => open.value ? close() : load()}
        >
          Export film
        </button>
        {over ? null : <span class="muted">Possible once the recording has ended.</span>}
      </div>
      {!open.value
        ? null
        : loaded.value
        ? <loaded.value.Panel film={film} onClose={close} />
        : failed.value
        ? (
          <div class="notice error toolbar spread" role="alert">
            <span>The export could not be loaded. Check the connection.</span>
            <button type="button" class="button small" onClick={load}>Try again</button>
          </div>
        )
        : <p role="status">Loading</p>}
    </div>
  );
}
