/** A room's recording as browsers see it. */
import { updatedGaps } from "../recording/coverage.ts";
import type { Chain, Part } from "../recording/model.ts";
import type { RoomView } from "../recording/views.ts";
import { handOverDueAtMs } from "../recording/machine.ts";
import type { Procedure, RecordingSettings, RecordingState } from "../recording/state.ts";

/** What is told about a room; `state` null: it has never recorded. */
export function roomViewOf(
  room: string,
  state: RecordingState | null,
  parts: Part[],
  nowMs: number,
  settings: RecordingSettings,
): RoomView {
  const procedure = state?.procedure ?? null;
  return {
    room,
    nowMs,
    secondaryWanted: state?.secondaryWanted ?? false,
    chain: state?.chain ? asKnownNow(state.chain, parts) : null,
    parts,
    procedure: procedure && {
      kind: procedure.kind,
      step: procedure.step,
      startedAtMs: procedure.startedAtMs,
      stepStartedAtMs: procedure.stepStartedAtMs,
      stepEndsAtMs: stepEndsAtMs(procedure, settings),
      attempt: procedure.attempt,
    },
    nextHandoverAtMs: state && !procedure ? handOverDueAtMs(state, settings) : null,
    notice: procedure?.trouble ?? state?.notice ?? null,
    alerts: state?.alerts.filter((alert) => alert.chainId === state.chain?.id) ?? [],
  };
}

/** A chain with what the files of its ended parts have told meanwhile. */
function asKnownNow(chain: Chain, parts: Part[]): Chain {
  return { ...chain, gaps: updatedGaps(chain.gaps, parts, chain.stopRequestedAtMs ?? null) };
}

function stepEndsAtMs(procedure: Procedure, settings: RecordingSettings): number | null {
  const waits: Partial<Record<Procedure["step"], number>> = {
    "joining": settings.joinTimeoutMs,
    "overlapping-interim": settings.overlapInterimMs,
    "overlapping-next": settings.overlapNextMs,
  };
  const waitMs = waits[procedure.step];
  return waitMs === undefined ? null : procedure.stepStartedAtMs + waitMs;
}
