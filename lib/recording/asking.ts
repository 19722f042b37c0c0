/** Questions and signals that several steps need. */
import type { Draft } from "./draft.ts";

/** Counts the streams of both sessions. */
export function countStreams(draft: Draft): void {
  draft.issue({
    do: "count-streams",
    primary: draft.session("primary"),
    secondary: draft.session("secondary"),
  });
}

/** Tells the clients to join the secondary session, or to leave it. */
export function signal(draft: Draft, type: "join" | "leave"): void {
  draft.state.secondaryWanted = type === "join";
  draft.issue({ do: "signal", sessionId: draft.session("primary"), signal: type });
}
