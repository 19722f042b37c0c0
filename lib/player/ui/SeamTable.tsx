import type { ComponentChildren } from "preact";
import type { Film, Seam } from "../../recording/views.ts";
import { type Join, joinsOf } from "../seams.ts";

/** A column of controls, for those who may use them. */
export interface SeamColumn {
  name: string;
  cell(join: Join): ComponentChildren;
}

/** How each part of a film joins the next: offset, where that is known from, how surely. */
export function SeamTable({ film, columns = [], noteOf = () => null }: {
  film: Film;
  columns?: readonly SeamColumn[];
  /** What there is to say about a seam now. */
  noteOf?(join: Join): ComponentChildren;
}) {
  return (
    <table class="table">
      <caption class="visually-hidden">
        How each part joins the next. The offset is the moment of the later part at which the
        earlier one ends.
      </caption>
      <thead>
        <tr>
          <th scope="col">Seam</th>
          <th scope="col">Offset</th>
          <th scope="col">Known from</th>
          <th scope="col">Confidence</th>
          {columns.map(({ name }) => <th key={name} scope="col">{name}</th>)}
        </tr>
      </thead>
      <tbody>
        {joinsOf(film).map((join) => (
          <tr key={join.seam.afterSeq}>
            <th scope="row" class="number">{nameOf(join)}</th>
            <td data-label="Offset" class="number">{offsetOf(join.seam)}</td>
            <td data-label="Known from">
              <div>
                {sourceOf(join.seam)}
                {noteOf(join)}
              </div>
            </td>
            <td data-label="Confidence" class="number">{confidenceOf(join.seam)}</td>
            {columns.map(({ name, cell }) => <td key={name} data-label={name}>{cell(join)}</td>)}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A seam's name, by its parts. */
export function nameOf({ earlier, later }: Join): string {
  return `Part ${earlier.seq + 1} to ${later.seq + 1}`;
}

function offsetOf({ offsetMs }: Seam) {
  const seconds = (Math.abs(offsetMs) / 1000).toFixed(3);
  return offsetMs < 0 ? <span class="badge bad">{`${seconds} s missing`}</span> : `${seconds} s`;
}

const SOURCES: Record<Seam["source"], string> = {
  content: "Sound and picture of both",
  file: "Clocks in the files",
  events: "Clients that saw it start",
  platform: "The platform's times",
  request: "When it was asked for",
};

function sourceOf({ source, uncertaintyMs, nudgeMs = 0 }: Seam): string {
  const known = `${SOURCES[source]}, to ${Math.round(uncertaintyMs)} ms`;
  return nudgeMs === 0 ? known : `${known}; nudged by ${signed(nudgeMs)} ms`;
}

/** A number with its sign, as it is written. */
export function signed(value: number): string {
  return value < 0 ? `−${-value}` : value > 0 ? `+${value}` : "0";
}

function confidenceOf({ confidence }: Seam): string {
  return confidence === undefined ? "–" : `${Math.round(confidence * 100)} %`;
}
