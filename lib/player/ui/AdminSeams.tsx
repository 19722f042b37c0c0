import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Film } from "../../recording/views.ts";
import type { GaplessVideo } from "../gapless_video.ts";

/** {@link Seams}, loaded only for whoever gets to see it. */
export function AdminSeams(props: { film: Signal<Film>; player: () => GaplessVideo | null }) {
  const loaded = useSignal<{ Seams: typeof import("./Seams.tsx").default } | null>(null);
  useEffect(() => {
    // Without it the film plays all the same; the server's own list of parts is on the page.
    import("./Seams.tsx").then((module) => loaded.value = { Seams: module.default }, () => {});
  }, []);
  return loaded.value ? <loaded.value.Seams {...props} /> : null;
}
