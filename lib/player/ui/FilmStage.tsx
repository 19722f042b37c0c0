import { type Signal, useComputed, useSignal, useSignalEffect } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";
import type { Film } from "../../recording/views.ts";
import { type Chapter, chaptersOf } from "../chapters.ts";
import type { Crossing, Notice } from "../engine.ts";
import type { GaplessEvents, GaplessVideo } from "../gapless_video.ts";
import { offerMediaSession, STEP_SECONDS } from "../media_session.ts";
import { leftAt, rememberAt } from "../resume.ts";
import { parseTimeCode } from "../time_code.ts";
import type { Timeline } from "../timeline.ts";
import { Chapters } from "./Chapters.tsx";
import { CopyLink } from "./CopyLink.tsx";
import type {} from "./elements.ts";
import { Messages } from "./Messages.tsx";
import { SeekMarks } from "./SeekMarks.tsx";
import { SeekPreview } from "./SeekPreview.tsx";

/** How often the viewer's place is remembered while playing. */
const REMEMBER_EVERY_MS = 5_000;
/** How long a crossed gap is spoken of. */
const CROSSING_SHOWN_MS = 8_000;

/** The film, its controls, its chapters and what there is to say about it. */
export function FilmStage(props: {
  film: Signal<Film>;
  /** Where the element is put. */
  player: RefObject<GaplessVideo>;
  playAtOnce: boolean;
}) {
  const { film, player: ref } = props;
  const timeline = useSignal<Timeline | null>(null);
  const notice = useSignal<Notice>({ kind: "none" });
  const crossing = useSignal<Crossing | null>(null);
  const needsTap = useSignal(false);
  const resumedAt = useSignal<number | null>(null);
  const seconds = useSignal(0);
  const chapters = useComputed(() => chaptersOf(film.value, timeline.value));
  const current = useComputed(() =>
    chapters.value.findLast((c) => !c.missing && c.fromSeconds <= seconds.value + 0.01)?.seq ?? -1
  );

  const seek = (to: number) => {
    if (ref.current) ref.current.currentTime = to;
    resumedAt.value = null;
  };
  const play = () => {
    ref.current?.play().catch((error: unknown) => {
      needsTap.value = error instanceof DOMException && error.name === "NotAllowedError";
    });
  };

  useEffect(() => {
    const player = ref.current;
    if (!player) return;
    const over = new AbortController();
    const { signal } = over;
    const on = (name: string, handle: () => void) =>
      player.addEventListener(name, handle, { signal });
    const hear = <Name extends keyof GaplessEvents>(
      name: Name,
      take: (detail: GaplessEvents[Name]["detail"]) => void,
    ) =>
      player.addEventListener(name, (event) => {
        if (event instanceof CustomEvent) take(event.detail);
      }, { signal });

    hear("gapless-timeline", (detail) => timeline.value = detail);
    hear("gapless-notice", (detail) => notice.value = detail);
    let forget: ReturnType<typeof setTimeout> | undefined;
    hear("gapless-crossed", (detail) => {
      crossing.value = detail;
      clearTimeout(forget);
      forget = setTimeout(() => crossing.value = null, CROSSING_SHOWN_MS);
    });
    on("timeupdate", () => seconds.value = player.currentTime);
    on("seeking", () => seconds.value = player.currentTime);
    on("playing", () => needsTap.value = false);

    const { chainId, name, room } = film.value;
    const keep = () => rememberAt(localStorage, chainId, player.currentTime, player.duration);
    let keptAtMs = 0;
    on("timeupdate", () => {
      if (player.paused || Date.now() - keptAtMs < REMEMBER_EVERY_MS) return;
      keptAtMs = Date.now();
      keep();
    });
    for (const name of ["pause", "ended"]) on(name, keep);
    globalThis.addEventListener("pagehide", keep, { signal });

    const asked = parseTimeCode(new URLSearchParams(location.search).get("t") ?? "");
    const left = asked === null ? leftAt(localStorage, chainId) : null;
    resumedAt.value = left;
    const start = asked ?? left;
    if (start !== null) player.currentTime = start;
    player.film = film.value;
    const takeBack = offerMediaSession(
      player,
      name,
      room,
      () => chapters.value,
    );
    if (props.playAtOnce) play();
    return () => {
      over.abort();
      clearTimeout(forget);
      takeBack();
      player.film = null;
    };
  }, []);

  useSignalEffect(() => {
    const newer = film.value;
    const player = ref.current;
    if (player?.film && player.film !== newer) player.film = newer;
  });

  useEffect(() => ref.current ? markChapters(ref.current, chapters.value) : undefined, [
    chapters.value,
  ]);

  return (
    <section class="player" aria-label="Film">
      <media-controller>
        <gapless-video slot="media" ref={ref} />
        {film.value.options.hasVideo
          ? null
          : <span slot="centered-chrome" class="player-sound-only">Sound only</span>}
        {needsTap.value
          ? (
            <button
              slot="centered-chrome"
              type="button"
              class="button primary player-tap"
              onClick={play}
            >
              Tap to play
            </button>
          )
          : <media-loading-indicator slot="centered-chrome" />}
        <media-control-bar class="player-seek">
          <div class="player-bar">
            <media-time-range>
              <SeekPreview player={() => ref.current} />
            </media-time-range>
            {timeline.value ? <SeekMarks timeline={timeline.value} onSeek={seek} /> : null}
          </div>
        </media-control-bar>
        <media-control-bar class="player-buttons">
          <media-play-button />
          <media-seek-backward-button seekoffset={String(STEP_SECONDS)} />
          <media-seek-forward-button seekoffset={String(STEP_SECONDS)} />
          <media-mute-button />
          <media-volume-range />
          <media-time-display showduration />
          <span class="player-spring" />
          <media-playback-rate-button rates="0.5 1 1.25 1.5 2" />
          <media-pip-button />
          <media-fullscreen-button />
        </media-control-bar>
      </media-controller>
      <Messages
        notice={notice.value}
        crossing={crossing.value}
        needsTap={needsTap.value}
        resumedAt={resumedAt.value}
        onRetry={() => {
          ref.current?.retry();
          play();
        }}
        onFromStart={() => seek(0)}
        onDismiss={() => resumedAt.value = null}
      />
      <CopyLink seconds={seconds} />
      <Chapters
        chapters={chapters.value}
        current={current.value}
        onChoose={(chapter) => seek(chapter.fromSeconds)}
      />
    </section>
  );
}

/** Puts the parts on the seek bar: media-chrome reads them from a text track. */
function markChapters(player: GaplessVideo, chapters: readonly Chapter[]): void {
  const playable = chapters.filter((c) => !c.missing && c.toSeconds > c.fromSeconds);
  const track = Array.from(player.textTracks).find((t) => t.kind === "chapters") ??
    player.addTextTrack("chapters", "Parts", "en");
  track.mode = "hidden";
  for (const cue of Array.from(track.cues ?? [])) track.removeCue(cue);
  if (playable.length < 2) return;
  for (const c of playable) track.addCue(new VTTCue(c.fromSeconds, c.toSeconds, c.title));
  // media-chrome looks at the cues when the list of tracks changes.
  player.textTracks.dispatchEvent(new Event("change"));
}
