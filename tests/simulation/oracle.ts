/** Knows what is true of the simulated world, and compares it with the promise and with the record. */
import { filmOf } from "../../lib/recording/film.ts";
import type { Chain } from "../../lib/recording/model.ts";
import type { Store } from "../../lib/store/mod.ts";
import type { SimClock } from "./clock.ts";
import type { SimPlatform, TrueArchive } from "./sim_platform.ts";
import { ROOM } from "./storm.ts";

/** An archive that dies is known to be dead after this at the latest (a sweep and its delays). */
const NOTICED_MS = 60_000;
/** A look at an archive is at most this old when what follows from it is asked for. */
const LOOK_AGE_MS = 1_500;
/** How far the record may be from the truth. */
const RECORD_TOLERANCE_MS = 1_000;

/** Judges one storm. */
export class Oracle {
  readonly violations: string[] = [];
  #store: Store | null = null;
  #sessions: string[] = [];
  #stopPressedMs: number[] = [];
  #calmSinceMs = Infinity;
  #frozenUntilMs = 0;
  /** Archives that belong to no chain. */
  orphans = 0;
  /** How long another archive must have recorded when one is stopped. */
  leastOverlapMs = 0;

  constructor(
    readonly clock: SimClock,
    readonly platform: SimPlatform,
    readonly note: (line: string) => void,
  ) {}

  watch(sessions: { primary: string; secondary: string }, store: Store): void {
    this.#sessions = [sessions.primary, sessions.secondary];
    this.#store = store;
  }

  violate(text: string): void {
    this.note(`VIOLATION ${text}`);
    this.violations.push(text);
  }

  frozenUntil(untilMs: number): void {
    this.#frozenUntilMs = Math.max(this.#frozenUntilMs, untilMs);
  }

  stopPressed(): void {
    this.#stopPressedMs.push(this.clock.nowMs);
  }

  calm(): void {
    this.#calmSinceMs = this.clock.nowMs;
  }

  /** A stop of ours must leave something that records, unless somebody pressed Stop. */
  stopTakesEffect(archive: TrueArchive, askedAtMs: number): void {
    const { nowMs } = this.clock;
    const others = this.#sessions.flatMap((session) => this.platform.running(session))
      .filter((other) => other !== archive && other.startMs <= nowMs);
    this.note(
      `${archive.id} is stopped; ${others.map((o) => o.id).join(", ") || "nothing"} records`,
    );
    const recentStop = this.#stopPressedBefore(nowMs);
    const owned = others.some((other) => other.startMs <= nowMs - this.leastOverlapMs);
    if (owned) return;
    if (others.length > 0 && !recentStop) {
      this.violate(`${archive.id} was stopped too early: ${others.map((o) => o.id)} just started`);
    }
    if (others.length > 0) return;
    // What died after the last look could not be known, and a frozen process looks no more.
    const knowableMs = Math.min(askedAtMs, this.#frozenUntilMs > askedAtMs - 60_000 ? 0 : Infinity);
    const recentDeath = this.platform.archives.some((other) =>
      other.endedBy === "world" && other.endMs !== null && other.endMs > knowableMs - LOOK_AGE_MS
    );
    if (!recentStop && !recentDeath) {
      this.violate(`${archive.id} was stopped while nothing else recorded`);
    }
  }

  /** Once faults have ceased: one clean state, and only what has to run runs. */
  async restsCleanly(when: string): Promise<void> {
    const { state } = await this.#need().recordings.get(ROOM);
    const running = this.#sessions.flatMap((session) => this.platform.running(session));
    const names = running.map((archive) => archive.id).join(", ");
    if (state?.procedure && !/^overlapping|joining|leaving|st/.test(state.procedure.step)) {
      this.violate(`${when}: still at ${state.procedure.step}`);
    }
    const expected = state?.chain ? 1 : 0;
    const handingOver = state?.procedure?.kind === "handover";
    if (!handingOver && running.length !== expected) {
      this.violate(`${when}: ${expected} archives should run, and these do: ${names || "none"}`);
    }
    if (when === "after Stop" && state?.chain) {
      this.violate(
        `${when}: the chain is ${state.chain.state} (${JSON.stringify(state.procedure)})`,
      );
    }
  }

  /** After all is over: the record against the truth. */
  async verdict(processesDied: boolean): Promise<void> {
    const store = this.#need();
    const { items: chains } = await store.chains.list({ limit: 100 });
    const owned = new Set<string>();
    for (const chain of chains) {
      const parts = await store.parts.list(chain.id);
      for (const part of parts) {
        if (owned.has(part.archiveId)) this.violate(`${part.archiveId} is in two chains`);
        owned.add(part.archiveId);
        const archive = this.platform.archives.find((a) => a.id === part.archiveId);
        if (!archive) this.violate(`${part.archiveId} never existed`);
        else if (archive.options.name !== chain.name) {
          this.violate(`${archive.id} has another name`);
        } else if (archive.options.resolution !== chain.options.resolution) {
          this.violate(`${archive.id} was made with other options`);
        }
        if (part.endedAtMs === null) this.violate(`${part.archiveId} ended, its part did not`);
      }
      if (chain.stoppedAtMs === null) this.violate(`Chain ${chain.id} is left ${chain.state}`);
      else this.#checkGaps(chain, parts.map((part) => part.archiveId));
      const film = filmOf(chain, parts, { nowMs: this.clock.nowMs });
      const places = film.parts.map((part) => part.placeSeconds);
      if (places.some((place, i) => place < (places[i - 1] ?? 0))) {
        this.violate(`The film of ${chain.id} is not monotonic: ${places.join(" ")}`);
      }
    }
    for (const archive of this.platform.archives) {
      if (owned.has(archive.id) || archive.endMs === null) continue;
      this.orphans++;
      // One that died before anybody could look for it is an orphan too.
      const forced = archive.late || archive.endedBy === "world" || processesDied ||
        this.#stopPressedBefore(archive.endMs);
      if (!forced) this.violate(`${archive.id} belongs to no chain`);
      this.note(`${archive.id} is an orphan`);
    }
  }

  /** Every uncovered moment is in the record, and every gap of the record was one. */
  #checkGaps(chain: Chain, archiveIds: string[]): void {
    const spans = archiveIds
      .map((id) => this.platform.archives.find((a) => a.id === id))
      .filter((a) => a !== undefined)
      .map((a) => ({ archive: a, fromMs: a.startMs, toMs: a.endMs ?? Infinity }))
      .sort((a, b) => a.fromMs - b.fromMs);
    const first = spans[0];
    if (!first) return;
    const holes: { fromMs: number; toMs: number; after: TrueArchive }[] = [];
    let last = first;
    for (const span of spans) {
      if (span.fromMs > last.toMs) {
        holes.push({ fromMs: last.toMs, toMs: span.fromMs, after: last.archive });
      }
      if (span.toMs > last.toMs) last = span;
    }
    const skew = this.platform.faults.createdAtSkewMs;
    const show = JSON.stringify({
      holes: holes.map((h) => [h.fromMs, h.toMs]),
      gaps: chain.gaps,
      skew,
    });
    for (const hole of holes) {
      if (hole.after.endedBy !== "world") this.#ours(chain, hole);
      if (this.#calmSinceMs < hole.fromMs && hole.toMs - hole.fromMs > NOTICED_MS) {
        this.violate(`Nothing recorded for ${hole.toMs - hole.fromMs} ms in calm weather`);
      }
      const recorded = chain.gaps.some((gap) =>
        Math.abs(gap.fromMs - hole.fromMs) <= RECORD_TOLERANCE_MS &&
        Math.abs((gap.toMs ?? Infinity) - hole.toMs) <= RECORD_TOLERANCE_MS
      );
      if (!recorded && hole.toMs - hole.fromMs > RECORD_TOLERANCE_MS) {
        this.violate(`A gap is not in the record of ${chain.id}: ${show}`);
      }
    }
    for (const gap of chain.gaps) {
      const toMs = gap.toMs ?? Infinity;
      const real = holes.some((h) => Math.abs(h.fromMs - gap.fromMs) <= RECORD_TOLERANCE_MS);
      const atTheEnd = gap.fromMs >= last.toMs - RECORD_TOLERANCE_MS;
      if (!real && !atTheEnd && toMs - gap.fromMs > RECORD_TOLERANCE_MS) {
        this.violate(`The record of ${chain.id} has a gap that was none: ${show}`);
      }
    }
  }

  #ours(chain: Chain, hole: { fromMs: number; toMs: number; after: TrueArchive }): void {
    const death = this.platform.archives.some((other) =>
      other.endedBy === "world" && other.endMs !== null &&
      other.endMs <= hole.fromMs + 1 && other.endMs > hole.fromMs - NOTICED_MS
    );
    if (!death && !this.#stopPressedBefore(hole.fromMs)) {
      this.violate(
        `Chain ${chain.id}: a gap of ours, ${hole.toMs - hole.fromMs} ms after ${hole.after.id}`,
      );
    }
  }

  /** Whether an end may be the work of somebody who pressed Stop (which is tried for long). */
  #stopPressedBefore(atMs: number): boolean {
    return this.#stopPressedMs.some((at) => at <= atMs && at > atMs - 120_000);
  }

  #need(): Store {
    if (!this.#store) throw new Error("Ask the oracle: it watches nothing yet");
    return this.#store;
  }
}
