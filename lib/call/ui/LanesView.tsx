/** The live picture of a recording: both lanes over the last minutes. */
import type { Lane } from "../../recording/model.ts";
import type { RoomView } from "../../recording/views.ts";
import { drawLanes, type Stretch } from "../lanes_picture.ts";

const WIDTH = 1000;
const ROW = 34;
const TOPS: Record<Lane, number> = { primary: 3, secondary: ROW + 3 };

/** Two rows, a bar for every part, overlaps and gaps across both; the right edge is now. */
export function LanesView({ view, nowMs }: { view: RoomView; nowMs: number }) {
  const picture = drawLanes(view, nowMs);
  const running = (lane: Lane) => picture.bars.some((bar) => bar.lane === lane && bar.running);
  const across = (kind: string) => (where: Stretch) => (
    <rect
      key={`${kind}${where.from}`}
      class={kind}
      x={where.from * WIDTH}
      width={Math.max(2, (where.to - where.from) * WIDTH)}
      y={0}
      height={ROW * 2}
    />
  );
  return (
    <div class="lanes">
      <div class="lanes-names">
        <LaneName lane="primary" running={running("primary")} />
        <LaneName lane="secondary" running={running("secondary")} />
      </div>
      <svg viewBox={`0 0 ${WIDTH} ${ROW * 2}`} preserveAspectRatio="none" aria-hidden="true">
        {picture.overlaps.map(across("lanes-overlap"))}
        <line class="lanes-divider" x1={0} x2={WIDTH} y1={ROW} y2={ROW} />
        {picture.bars.map((bar) => (
          <rect
            key={bar.seq}
            class={bar.running ? "lanes-bar running" : "lanes-bar"}
            x={bar.from * WIDTH}
            width={Math.max(2, (bar.to - bar.from) * WIDTH)}
            y={TOPS[bar.lane]}
            height={ROW - 6}
            rx={3}
          />
        ))}
        {picture.gaps.map(across("lanes-gap"))}
      </svg>
      <p class="lanes-axis muted">
        <span>{spanWords(picture.spanMs)} ago</span>
        <span>now</span>
      </p>
    </div>
  );
}

function LaneName({ lane, running }: { lane: Lane; running: boolean }) {
  return (
    <span class={running ? "lanes-name running" : "lanes-name"}>
      {lane === "primary" ? "Primary" : "Secondary"}
      <span class="visually-hidden">{running ? ": an archive runs" : ": idle"}</span>
    </span>
  );
}

function spanWords(spanMs: number): string {
  return spanMs < 60_000 ? `${spanMs / 1000} s` : `${spanMs / 60_000} min`;
}
