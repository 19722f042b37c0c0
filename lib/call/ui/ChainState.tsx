/** What a room's recording does now: alerts, lanes, numbers and the running step. */
import { continuityOf, doubledMs, spanOf } from "../../recording/coverage.ts";
import { strategyWords } from "../../recording/model.ts";
import type { Alert, RoomView } from "../../recording/views.ts";
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
  const untilMs = chain.stopRequestedAtMs ?? nowMs;
  const uncoveredMs = chain.gaps.reduce((sum, gap) => sum + (gap.toMs ?? untilMs) - gap.fromMs, 0);
  return (
    <div class="stack chain-state">
      <Alerts alerts={view.alerts} nowMs={nowMs} />
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
        {least !== null && (
          <Fact name="Shortest overlap">{least > 0 ? secondsText(least) : "none"}</Fact>
        )}
        {overlaps.length > 0 && (
          <Fact name="Recorded twice">{secondsText(doubledMs(parts.map(spanOf), nowMs))}</Fact>
        )}
        <Fact name="Uncovered">{uncoveredMs > 0 ? secondsText(uncoveredMs) : "0 s"}</Fact>
        <Fact name="Continuity">{shareText(continuityOf(first, untilMs, chain.gaps))}</Fact>
        <Fact name="Hands over">{strategyWords[chain.strategy]}</Fact>
        {view.nextHandoverAtMs !== null && chain.state === "recording" && (
          <Fact name="Next handover">{`in ${clockText(view.nextHandoverAtMs - nowMs)}`}</Fact>
        )}
      </dl>
      <Procedure view={view} nowMs={nowMs} />
    </div>
  );
}

/** An alert that is over stays in sight for this long. */
const FRESH_MS = 5 * 60_000;

/** What the host has to know at once, and what went wrong before. */
function Alerts({ alerts, nowMs }: { alerts: Alert[]; nowMs: number }) {
  const isOld = ({ toMs }: Alert) => toMs !== null && toMs < nowMs - FRESH_MS;
  const old = alerts.filter(isOld);
  return (
    <>
      {alerts.filter((alert) => !isOld(alert)).map((alert) => (
        <p
          key={alert.id}
          class={`notice ${alert.toMs === null ? "error" : "warning"}`}
          role="alert"
        >
          {timeText(alert.fromMs)} {alert.text}
        </p>
      ))}
      {old.length > 0 && (
        <details>
          <summary>{old.length === 1 ? "1 earlier alert" : `${old.length} earlier alerts`}</summary>
          <ul>
            {old.map((alert) => <li key={alert.id}>{timeText(alert.fromMs)} {alert.text}</li>)}
          </ul>
        </details>
      )}
    </>
  );
}

function timeText(ms: number): string {
  return `${new Date(ms).toLocaleTimeString()}:`;
}

function secondsText(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** Per cent; `100 %` only when nothing is missing. */
function shareText(share: number): string {
  return share >= 1 ? "100 %" : `${Math.floor(share * 10_000) / 100} %`;
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
