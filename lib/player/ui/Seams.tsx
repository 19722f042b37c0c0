import { type Signal, untracked, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { alignFiles } from "../../alignment/align.ts";
import { ApiError, changeSeam } from "../../api/client.ts";
import type { Film, SeamChange } from "../../recording/views.ts";
import type { GaplessVideo } from "../gapless_video.ts";
import {
  isComparable,
  isOver,
  type Join,
  joinsOf,
  needsComparing,
  NUDGE_STEP_MS,
  nudged,
  requestOf,
  withoutNudge,
} from "../seams.ts";
import { nameOf, SeamTable, signed } from "./SeamTable.tsx";
import { rememberTried, wasTried } from "./tried.ts";
import { layAnewWhenPaused, watchSeam } from "./watch_seam.ts";

interface SeamsProps {
  film: Signal<Film>;
  /** The player, to hear and see a seam with. */
  player: () => GaplessVideo | null;
}

/** The seams of a film for admins: comparing, nudging, and watching what that changes. */
export default function Seams({ film, player }: SeamsProps) {
  /** The seam being compared and how far that is, or null. */
  const comparing = useSignal<{ afterSeq: number; share: number } | null>(null);
  /** What the last comparison or change of a seam said, by seam. */
  const notes = useSignal<Record<number, string>>({});
  const running = useRef<AbortController | null>(null);
  /** Seams that this page has compared by itself, or not because it was tried before. */
  const looked = useRef(new Set<number>());
  /** Changes are sent one after the other: each builds on what the one before it made. */
  const changes = useRef(Promise.resolve());

  const note = (afterSeq: number, text: string) =>
    notes.value = { ...notes.value, [afterSeq]: text };
  const joinAfter = (afterSeq: number) =>
    joinsOf(film.value).find(({ seam }) => seam.afterSeq === afterSeq);

  const change = (
    afterSeq: number,
    make: (join: Join) => SeamChange | null,
    done: string,
  ): Promise<void> =>
    changes.current = changes.current.then(async () => {
      const join = joinAfter(afterSeq);
      const seamChange = join && make(join);
      if (!seamChange) return;
      try {
        film.value = await changeSeam(film.value.chainId, afterSeq, seamChange);
        note(afterSeq, done);
        const video = player();
        if (video) layAnewWhenPaused(video, () => film.value);
      } catch (error) {
        note(
          afterSeq,
          error instanceof ApiError ? `${error.message}. ${error.remedy}` : String(error),
        );
      }
    });

  const compare = async (wanted: (join: Join) => boolean) => {
    if (running.current) return;
    const over = new AbortController();
    running.current = over;
    try {
      for (const { seam: { afterSeq } } of joinsOf(film.value)) {
        // Places move while seams are found: each is looked at as it is now.
        const join = joinAfter(afterSeq);
        if (!join || !wanted(join)) continue;
        comparing.value = { afterSeq, share: 0 };
        note(afterSeq, "");
        const found = await alignFiles(requestOf(join), {
          onProgress: (share) => comparing.value = { afterSeq, share },
          signal: over.signal,
        });
        if (found.kind === "none") {
          note(afterSeq, `${found.text}.`);
          // A file that could not be read may be readable the next time.
          if (found.reason !== "unreadable") rememberTried(film.value.chainId, afterSeq);
          continue;
        }
        const { deltaMs, confidence, basis } = found;
        await change(afterSeq, () => ({ deltaMs, confidence, basis }), `Found by its ${basis}.`);
      }
    } catch (error) {
      if (!over.signal.aborted) throw error;
    } finally {
      running.current = null;
      comparing.value = null;
    }
  };

  // At the first visit, and when a part's file has come while the page is open.
  useSignalEffect(() => {
    const { chainId } = film.value;
    untracked(() =>
      void compare((join) => {
        const { afterSeq } = join.seam;
        if (looked.current.has(afterSeq) || !needsComparing(film.value, join)) return false;
        looked.current.add(afterSeq);
        return !wasTried(chainId, afterSeq);
      })
    );
  });
  useEffect(() => () => running.current?.abort(), []);

  const watch = (join: Join, shown: Film) => {
    const video = player();
    if (!video) return;
    watchSeam(video, shown, join, () => {
      if (shown !== film.value) layAnewWhenPaused(video, () => film.value);
    });
  };
  const busy = comparing.value;
  const columns = [
    {
      name: "Nudge",
      cell: (join: Join) => (
        <Nudge
          join={join}
          disabled={!isOver(film.value)}
          onNudge={(steps) =>
            change(join.seam.afterSeq, ({ seam }) => {
              const nudgeMs = nudged(seam, steps);
              return nudgeMs === null ? null : { nudgeMs };
            }, "Nudged.")}
        />
      ),
    },
    {
      name: "Watch",
      cell: (join: Join) => (
        <div class="toolbar tight">
          <button
            type="button"
            class="button small"
            aria-label={`Watch ${nameOf(join)}`}
            onClick={() => watch(join, film.value)}
          >
            Watch
          </button>
          {join.seam.nudgeMs
            ? (
              <button
                type="button"
                class="button small quiet"
                aria-label={`Watch ${nameOf(join)} without its nudge`}
                onClick={() => watch(join, withoutNudge(film.value, join))}
              >
                Without nudge
              </button>
            )
            : null}
        </div>
      ),
    },
  ];

  return (
    <>
      <div class="toolbar spread">
        <p class="muted">
          Watch plays three seconds around a seam. Align compares the sound and the picture of both
          parts to find where they join.
        </p>
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
              disabled={!joinsOf(film.value).some((join) => isComparable(film.value, join))}
              onClick={() => compare((join) => isComparable(film.value, join))}
            >
              Align
            </button>
          )}
      </div>
      <SeamTable
        film={film.value}
        columns={columns}
        noteOf={(join) => (
          <>
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
          </>
        )}
      />
    </>
  );
}

/** How many steps each button of a nudge goes. */
const NUDGE_STEPS = [-10, -1, 1, 10];

function Nudge({ join, disabled, onNudge }: {
  join: Join;
  disabled: boolean;
  onNudge(steps: number): void;
}) {
  const buttons = NUDGE_STEPS.map((steps) => (
    <button
      key={steps}
      type="button"
      class="button small"
      aria-label={`Move part ${join.later.seq + 1} ${Math.abs(steps) * NUDGE_STEP_MS} ms ${
        steps < 0 ? "earlier" : "later"
      }`}
      disabled={disabled || nudged(join.seam, steps) === null}
      onClick={() => onNudge(steps)}
    >
      {signed(steps * NUDGE_STEP_MS)}
    </button>
  ));
  return (
    <div class="toolbar tight">
      {buttons.slice(0, 2)}
      <span class="number">{`${signed(join.seam.nudgeMs ?? 0)} ms`}</span>
      {buttons.slice(2)}
    </div>
  );
}
