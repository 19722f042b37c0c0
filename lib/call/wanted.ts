/** Whether a handover wants everybody on the second session: by the room's state and by signals. */
import { effect, type ReadonlySignal } from "@preact/signals";
import type { RoomView } from "../recording/views.ts";
import type { Lane } from "./lane.ts";

/** How long a signal to come beats a room view that says otherwise: views may be this old, ms. */
const SIGNAL_BEATS_VIEW_MS = 5_000;
/**
 * Whether the second session is wanted, by the room's state and by the newest signal in the call. To
 * come too early or to go too late costs nothing, but to go on the word of a signal that is late itself
 * costs a recording: so a signal to go is believed only where no view says otherwise.
 */
export function isSecondaryWanted(
  view: boolean | null,
  latest: { wanted: boolean; atMs: number } | null,
  nowMs: number,
): boolean {
  const told = latest !== null && (view === null || nowMs - latest.atMs < SIGNAL_BEATS_VIEW_MS);
  return view === true || (told && latest.wanted);
}

/** When {@link isSecondaryWanted} may answer differently without any news, ms from now; null if never. */
export function recheckInMs(latest: { atMs: number } | null, nowMs: number): number | null {
  const inMs = latest ? latest.atMs + SIGNAL_BEATS_VIEW_MS - nowMs : -1;
  return inMs > 0 ? inMs : null;
}

/** Tells `want` what holds now and after every change, until the lane closes. */
export function followWanted(
  lane: Lane,
  view: ReadonlySignal<RoomView | null>,
  want: (wanted: boolean) => void,
): void {
  const { session } = lane;
  let latest: { wanted: boolean; atMs: number } | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const weigh = (now: RoomView | null) => {
    const nowMs = Date.now();
    want(isSecondaryWanted(now?.secondaryWanted ?? null, latest, nowMs));
    clearTimeout(timer);
    const inMs = recheckInMs(latest, nowMs);
    if (inMs !== null) timer = setTimeout(() => weigh(view.value), inMs);
  };
  const heard = (wanted: boolean) => (event: { from: unknown }) => {
    // Anybody in the call can send a signal; only the server's own has no sender.
    if (event.from) return;
    latest = { wanted, atMs: Date.now() };
    weigh(view.value);
  };
  const join = heard(true);
  const leave = heard(false);
  session.on("signal:join", join);
  session.on("signal:leave", leave);
  const dispose = effect(() => weigh(view.value));
  lane.onClose(() => {
    dispose();
    clearTimeout(timer);
    session.off("signal:join", join);
    session.off("signal:leave", leave);
  });
}
