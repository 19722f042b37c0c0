/** What a room's recording does now: lanes, numbers, the running step, and notices. */
import type { RoomView } from "../../recording/views.ts";
import { clockText, handoverSteps, overlapsMs, stepWords } from "../lanes_picture.ts";
import { LanesView } from "./LanesView.tsx";

/** The state of a chain, live. */
export function ChainState({ view, nowMs }: { view: RoomView; nowMs: number }) {
  const { chain, parts } = view;
  if (!chain) return null;
  const first = parts[0]?.startedAtMs ?? chain.createdAtMs;
  const overlaps = overlapsMs(parts);
  const least = overlaps.length > 0 ? Math.min(...overlaps) : null;
  const running = parts.filter((part) => part.endedAtMs === null);
  const uncoveredMs = chain.gaps.reduce((sum, gap) => sum + (gap.toMs ?? nowMs) - gap.fromMs, 0);
  return (
    <div class="stack chain-state">
      <LanesView view={view} nowMs={nowMs} />
      <dl class="facts">
        <Fact name="Elapsed">{clockText((chain.stoppedAtMs ?? nowMs) - first)}</Fact>
        <Fact name="Runs now">
          {running.length === 0
            ? "nothing"
            : running.map((part) => `part ${part.seq + 1} (${part.lane})`).join(" and ")}
        </Fact>
        <Fact name="Handed over">
          {overlaps.length === 0
            ? "not yet"
            : `${overlaps.length} ${overlaps.length === 1 ? "seam" : "seams"}`}
        </Fact>
        {least !== null && <Fact name="Shortest overlap">{`${(least / 1000).toFixed(1)} s`}</Fact>}
        <Fact name="Uncovered">
          {uncoveredMs > 0 ? `${(uncoveredMs / 1000).toFixed(1)} s` : "0 s"}
        </Fact>
        {view.nextHandoverAtMs !== null && chain.state === "recording" && (
          <Fact name="Next handover">{`in ${clockText(view.nextHandoverAtMs - nowMs)}`}</Fact>
        )}
      </dl>
      <Procedure view={view} nowMs={nowMs} />
    </div>
  );
}

function Fact({ name, children }: { name: string; children: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Procedure({ view, nowMs }: { view: RoomView; nowMs: number }) {
  const { procedure } = view;
  if (!procedure) return null;
  const place = handoverSteps.indexOf(procedure.step);
  const total = procedure.stepEndsAtMs === null
    ? null
    : procedure.stepEndsAtMs - procedure.stepStartedAtMs;
  const words = stepWords[procedure.step];
  return (
    <div class="stack tight">
      <p>
        {place >= 0 && <span class="muted">{`Step ${place + 1} of ${handoverSteps.length}: `}
        </span>}
        {words}
        {procedure.attempt > 1 && <span class="muted">, attempt {procedure.attempt}</span>}
      </p>
      {total !== null && total > 0 && (
        <progress
          class="call-progress"
          aria-label={words}
          max={total}
          value={Math.min(total, Math.max(0, nowMs - procedure.stepStartedAtMs))}
        />
      )}
    </div>
  );
}
