import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { alignFiles } from "../../alignment/align.ts";
import { ApiError, changeSeam } from "../../api/client.ts";
import type { Film, SeamChange } from "../../recording/views.ts";
import type { GaplessVideo } from "../gapless_video.ts";
import { isComparable, type Join, joinsOf, needsComparing, nudged, requestOf } from "../seams.ts";

/** How long before a seam it is played from. */
const LEAD_SECONDS = 2;

interface SeamsProps {
  film: Signal<Film>;
  /** The player, to hear and see a seam with. */
  player: () => GaplessVideo | null;
}

/** The seams of a film for admins: how well each is known, comparing, nudging, playing it. */
export default function Seams({ film, player }: SeamsProps) {
  /** The seam being compared and how far that is, or null. */
  const comparing = useSignal<{ afterSeq: number; share: number } | null>(null);
  /** What the last comparison or change of a seam said, by seam. */
  const notes = useSignal<Record<number, string>>({});
  const running = useRef<AbortController | null>(null);
  const joins = joinsOf(film.value);

  const note = (afterSeq: number, text: string) =>
    notes.value = { ...notes.value, [afterSeq]: text };
  const change = async (afterSeq: number, seamChange: SeamChange, done: string) => {
    try {
      film.value = await changeSeam(film.value.chainId, afterSeq, seamChange);
      note(afterSeq, done);
      showWhenPaused(player(), () => film.value);
    } catch (error) {
      const words = error instanceof ApiError ? `${error.message}. ${error.remedy}` : String(error);
      note(afterSeq, words);
    }
  };

  const compare = async (wanted: (join: Join) => boolean) => {
    if (running.current) return;
    const over = new AbortController();
    running.current = over;
    try {
      for (const { seam: { afterSeq } } of joins) {
        // Places move while seams are found: each is looked at as it is now.
        const join = joinsOf(film.value).find(({ seam }) => seam.afterSeq === afterSeq);
        if (!join || !wanted(join)) continue;
        comparing.value = { afterSeq, share: 0 };
        const found = await alignFiles(requestOf(join), {
          onProgress: (share) => comparing.value = { afterSeq, share },
          signal: over.signal,
        });
        rememberTried(film.value.chainId, afterSeq);
        if (found.kind === "none") {
          note(afterSeq, `${found.text}.`);
          continue;
        }
        const { deltaMs, confidence, basis } = found;
        await change(afterSeq, { deltaMs, confidence, basis }, `Found by its ${basis}.`);
      }
    } catch (error) {
      if (!over.signal.aborted) throw error;
    } finally {
      running.current = null;
      comparing.value = null;
    }
  };

  useEffect(() => {
    const { chainId } = film.value;
    void compare((join) =>
      needsComparing(film.value, join) && !wasTried(chainId, join.seam.afterSeq)
    );
    return () => running.current?.abort();
  }, []);

  const play = ({ later }: Join) => {
    const video = player();
    if (!video) return;
    show(video, film.value);
    const segment = video.timeline?.segments.find((s) => s.archiveId === later.archiveId);
    video.currentTime = Math.max(0, (segment?.fromSeconds ?? later.placeSeconds) - LEAD_SECONDS);
    // Refused where the browser wants a tap: the stage says so.
    video.play().catch(() => {});
  };

  if (joins.length === 0) return null;
  const busy = comparing.value;
  return (
    <section class="stack" aria-labelledby="seams">
      <div class="toolbar spread">
        <h2 id="seams">Seams</h2>
        {busy
          ? (
            <button type="button" class="button small" onClick={() => running.current?.abort()}>
              Stop comparing
            </button>
          )
          : (
            <button
              type="button"
              class="button small"
              disabled={!joins.some((join) => isComparable(film.value, join))}
              onClick={() => compare((join) => isComparable(film.value, join))}
            >
              Align
            </button>
          )}
      </div>
      <table class="table">
        <caption class="visually-hidden">How each part joins the next</caption>
        <thead>
          <tr>
            <th scope="col">Seam</th>
            <th scope="col">Offset</th>
            <th scope="col">Known from</th>
            <th scope="col">Nudge</th>
            <th scope="col">Watch</th>
          </tr>
        </thead>
        <tbody>
          {joins.map((join) => (
            <tr key={join.seam.afterSeq}>
              <th scope="row">{nameOf(join)}</th>
              <td data-label="Offset" class="number">{seconds(join.seam.offsetMs)}</td>
              <td data-label="Known from">
                {knowledgeOf(join)}
                {busy?.afterSeq === join.seam.afterSeq
                  ? (
                    <progress
                      class="player-comparing"
                      aria-label={`Comparing ${nameOf(join)}`}
                      value={busy.share}
                    />
                  )
                  : null}
                <div class="muted" role="status">{notes.value[join.seam.afterSeq]}</div>
              </td>
              <td data-label="Nudge">
                <Nudge
                  join={join}
                  onNudge={(nudgeMs) => change(join.seam.afterSeq, { nudgeMs }, "Nudged.")}
                />
              </td>
              <td data-label="Watch">
                <button
                  type="button"
                  class="button small"
                  aria-label={`Watch ${nameOf(join)}`}
                  onClick={() => play(join)}
                >
                  Watch
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Nudge({ join, onNudge }: { join: Join; onNudge(nudgeMs: number): void }) {
  const button = (steps: number, text: string, words: string) => {
    const nudgeMs = nudged(join.seam, steps);
    return (
      <button
        type="button"
        class="button small"
        aria-label={`Move part ${join.later.seq + 1} 10 ms ${words}`}
        disabled={nudgeMs === null}
        onClick={() => nudgeMs !== null && onNudge(nudgeMs)}
      >
        {text}
      </button>
    );
  };
  return (
    <div class="toolbar">
      {button(-1, "−10 ms", "earlier")}
      <span class="number">{`${join.seam.nudgeMs ?? 0} ms`}</span>
      {button(1, "+10 ms", "later")}
    </div>
  );
}

function nameOf({ earlier, later }: Join): string {
  return `Part ${earlier.seq + 1} to ${later.seq + 1}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3)} s`;
}

function knowledgeOf({ seam }: Join): string {
  const known = `${seam.source}, to ${Math.round(seam.uncertaintyMs)} ms`;
  return seam.confidence === undefined
    ? known
    : `${known}, ${Math.round(seam.confidence * 100)} % sure`;
}

/** Has the player lay out the film anew: what it has buffered lies where it lay before. */
function show(video: GaplessVideo, film: Film): void {
  if (video.film === film) return;
  const { currentTime } = video;
  video.film = null;
  video.film = film;
  video.currentTime = currentTime;
}

/** Nobody's playing is broken off for a seam that has moved. */
function showWhenPaused(video: GaplessVideo | null, newest: () => Film): void {
  if (!video) return;
  if (video.paused) show(video, newest());
  else video.addEventListener("pause", () => show(video, newest()), { once: true });
}

/** Seams that had no answer are not compared again by themselves, as long as this tab lives. */
function rememberTried(chainId: string, afterSeq: number): void {
  sessionStorage.setItem(triedKey(chainId, afterSeq), "1");
}

function wasTried(chainId: string, afterSeq: number): boolean {
  return sessionStorage.getItem(triedKey(chainId, afterSeq)) !== null;
}

function triedKey(chainId: string, afterSeq: number): string {
  return `gapless-compared:${chainId}:${afterSeq}`;
}
