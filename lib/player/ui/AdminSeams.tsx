import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Film } from "../../recording/views.ts";
import type { GaplessVideo } from "../gapless_video.ts";
import { SeamTable } from "./SeamTable.tsx";

/** {@link Seams}, loaded only for whoever gets to see it; until then what everybody sees. */
export function AdminSeams(props: { film: Signal<Film>; player: () => GaplessVideo | null }) {
  const loaded = useSignal<{ Seams: typeof import("./Seams.tsx").default } | null>(null);
  useEffect(() => {
    // Without it the film plays all the same, and the seams are told.
    import("./Seams.tsx").then((module) => loaded.value = { Seams: module.default }, () => {});
  }, []);
  return loaded.value ? <loaded.value.Seams {...props} /> : <SeamTable film={props.film.value} />;
}
