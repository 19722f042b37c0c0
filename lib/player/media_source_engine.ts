/**
 * Plays a film as one media element: every part is appended whole at its true place, a later part
 * replacing the earlier one where they overlap. The {@link Feeder} does the appending; here is what
 * the element does: seeks, holes, errors.
 */
import type { Film } from "../recording/views.ts";
import { Buffers, isManaged, mediaSourceClass, rangesOf } from "./buffers.ts";
import { type Engine, type EngineEvents, MEDIA_EVENTS } from "./engine.ts";
import { Feeder, type FeederOwner } from "./feeder.ts";
import type { Trouble } from "./media_fetch.ts";
import { crossingOf, noticeAt, troubleNotice } from "./notices.ts";
import { isBuffered, isLost, jumpOver } from "./plan.ts";
import { landingOf, layOut, type PartFinding, type Timeline } from "./timeline.ts";

/** Decoding trouble is repaired by starting over this often before the part is given up. */
const REPAIRS_PER_PART = 1;

/** Plays `film` in `video` from `startSeconds` on. Only where {@link mediaSourceClass} is not null. */
export class MediaSourceEngine implements Engine, FeederOwner {
  readonly technique = "media-source";
  readonly visible: HTMLVideoElement;
  readonly #events: EngineEvents;
  readonly #findings = new Map<string, PartFinding>();
  readonly #repairs = new Map<string, number>();
  readonly #listening = new AbortController();
  readonly #feeder: Feeder;
  #film: Film;
  #timeline: Timeline;
  #objectUrl = "";
  /** Where playback stood when what follows was last fetched again: once is enough. */
  #refilledAt = -1;

  constructor(video: HTMLVideoElement, film: Film, startSeconds: number, events: EngineEvents) {
    this.visible = video;
    this.#film = film;
    this.#events = events;
    this.#timeline = layOut(film, this.#findings);
    const start = landingOf(this.#timeline, startSeconds);
    this.#feeder = new Feeder(this, start);
    const signal = this.#listening.signal;
    video.addEventListener("seeking", () => this.#onSeeking(), { signal });
    for (const name of ["timeupdate", "play", "ratechange"]) {
      video.addEventListener(name, () => this.#feeder.nudge(), { signal });
    }
    for (const name of ["waiting", "stalled", "loadedmetadata"]) {
      video.addEventListener(name, () => this.#onDry(), { signal });
    }
    // Captured before the element passes it on: an error that can be repaired is not shown.
    video.addEventListener("error", (event) => this.#onMediaError(event), {
      signal,
      capture: true,
    });
    for (const name of MEDIA_EVENTS) {
      video.addEventListener(name, () => events.media(name), { signal });
    }
    globalThis.addEventListener("online", () => this.retry(), { signal });
    this.#attach(start);
  }

  get media(): HTMLVideoElement {
    return this.visible;
  }
  get timeline(): Timeline {
    return this.#timeline;
  }

  update(film: Film): void {
    this.#film = film;
    this.#relayOut();
  }

  retry(): void {
    if (!this.#feeder.stuck) return;
    this.#events.notice({ kind: "none" });
    this.#feeder.resume();
  }

  close(): void {
    this.#listening.abort();
    this.#feeder.close();
    this.visible.removeAttribute("src");
    URL.revokeObjectURL(this.#objectUrl);
  }

  playheadSeconds(): number {
    return this.visible.currentTime;
  }

  learn(archiveId: string, finding: PartFinding): void {
    const known = this.#findings.get(archiveId);
    if (known?.kind === "media" && finding.kind === "media") return;
    this.#findings.set(archiveId, finding);
    this.#relayOut();
  }

  appended(): void {
    this.#onDry();
  }

  stuck(trouble: Trouble): void {
    this.#events.notice(troubleNotice(trouble, navigator.onLine));
  }

  surrender(reason: string): void {
    this.#events.surrender(reason);
  }

  #attach(startSeconds: number): void {
    const Source = mediaSourceClass();
    if (!Source) throw new Error("This browser has no MediaSource");
    const source = new Source();
    this.#feeder.buffers = null;
    source.addEventListener("sourceopen", () => {
      // It opens again whenever something is added after its end.
      if (!this.#listening.signal.aborted) this.#feeder.buffers = buffers;
    }, { once: true });
    const buffers = new Buffers(source);
    for (const name of ["startstreaming", "endstreaming"]) {
      source.addEventListener(name, () => this.#feeder.nudge());
    }
    URL.revokeObjectURL(this.#objectUrl);
    this.#objectUrl = URL.createObjectURL(source);
    // A managed source stays closed as long as the film might be sent to another screen.
    if (isManaged()) this.visible.disableRemotePlayback = true;
    this.visible.src = this.#objectUrl;
    if (startSeconds > 0) this.visible.currentTime = startSeconds;
  }

  #relayOut(): void {
    const before = this.#timeline;
    this.#timeline = layOut(this.#film, this.#findings);
    this.#feeder.revise(before, this.#timeline);
    this.#events.timeline(this.#timeline);
    this.#showNotice();
  }

  #onSeeking(): void {
    const wanted = this.visible.currentTime;
    const landing = landingOf(this.#timeline, wanted);
    if (landing > wanted) {
      this.#cross(wanted, landing);
      return;
    }
    if (!isBuffered(rangesOf(this.visible.buffered), wanted)) {
      this.#feeder.seek(wanted);
      this.retry();
    }
    this.#showNotice();
    this.#feeder.nudge();
  }

  /** Playback may have run dry: cross a hole if that is what it stands before, or fill it again. */
  #onDry(): void {
    if (this.visible.readyState >= this.visible.HAVE_FUTURE_DATA) return;
    const playhead = this.visible.currentTime;
    const ranges = rangesOf(this.visible.buffered);
    const rate = this.visible.playbackRate;
    const target = jumpOver(ranges, playhead, rate);
    const lostTo = target ?? this.#feeder.reachedSeconds;
    const mayRefill = !this.#feeder.stuck && this.#refilledAt !== playhead;
    if (this.#feeder.clearing) {
      // What is about to be thrown away says nothing about holes.
    } else if (mayRefill && isLost(this.#timeline, ranges, playhead, lostTo, rate)) {
      this.#refilledAt = playhead;
      this.#feeder.seek(playhead);
    } else if (target !== null) {
      this.#cross(playhead, target);
    }
    this.#showNotice();
    this.#feeder.nudge();
  }

  #cross(fromSeconds: number, toSeconds: number): void {
    const crossing = crossingOf(this.#timeline, fromSeconds, toSeconds);
    this.visible.currentTime = toSeconds;
    if (crossing) this.#events.crossed(crossing);
  }

  #showNotice(): void {
    if (!this.#feeder.stuck) {
      this.#events.notice(noticeAt(this.#timeline, this.visible.currentTime));
    }
  }

  #onMediaError(event: Event): void {
    const playhead = this.visible.currentTime;
    const segment = this.#timeline.segments.find((s) =>
      s.fromSeconds <= playhead && playhead < s.toSeconds
    );
    if (!segment || !this.visible.error) return;
    event.stopImmediatePropagation();
    const repairs = this.#repairs.get(segment.archiveId) ?? 0;
    this.#repairs.set(segment.archiveId, repairs + 1);
    const wasPaused = this.visible.paused;
    if (repairs >= REPAIRS_PER_PART) {
      this.learn(segment.archiveId, { kind: "unplayable", reason: "cannot be decoded" });
    }
    const start = landingOf(this.#timeline, playhead);
    this.#feeder.restart(start);
    this.#attach(start);
    if (!wasPaused) this.visible.play().catch(() => {});
  }
}
