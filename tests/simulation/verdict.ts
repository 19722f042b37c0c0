/** After a storm: the record, the film and the truth must tell the same story. */
import { filmOf } from "../../lib/recording/film.ts";
import type { Chain, Part } from "../../lib/recording/model.ts";
import { orphansAmong } from "../../lib/orphans.ts";
import type { Platform } from "../../lib/platform/platform.ts";
import type { Store } from "../../lib/store/mod.ts";
import type { TrueArchive } from "./cloud.ts";
import { common, lengthMs, type Stretch, union, without } from "./spans.ts";
import type { Storm } from "./storm.ts";
import { ARCHIVE, NAME } from "./world.ts";

/** How far the record may be from the truth. */
const RECORD_TOLERANCE_MS = 1_000;
/** An archive that died is replaced this soon after the app was told, if nothing goes wrong. */
const TOLD_MS = 9_000;
/** The same if nobody told: a sweep and its calls. */
const UNTOLD_MS = 31_000;
/** A client that has just come, or must join in a hurry, is in both sessions after this. */
const JOIN_MS = 6_500;
/** A start may have made an archive unseen for this long. */
const SUSPECTED_MS = 10 * 60_000;
/** A file that was read tells its start this exactly. */
const FILE_TOLERANCE_MS = 25;

/** A part and the archive that it stands for. */
interface Told {
  part: Part;
  archive: TrueArchive;
}

/** Judges what a storm has left behind. */
export class Verdict {
  readonly #owned = new Set<string>();

  constructor(readonly world: Storm, readonly store: Store, readonly platform: Platform) {}

  async judge(): Promise<void> {
    const { items: chains } = await this.store.chains.list({ limit: 100 });
    for (const chain of chains) {
      const parts = await this.store.parts.list(chain.id);
      const told = parts.flatMap((part) => this.#match(chain, part));
      this.#checkEnd(chain);
      this.#checkGaps(chain, told);
      this.#checkCoverage(chain, told);
      this.#checkFilm(chain, told);
    }
    await this.#checkOrphans();
    const unsettled = await this.store.parts.unsettled();
    if (unsettled.items.length > 0) this.#violate("Parts are left unsettled");
  }

  #violate(text: string): void {
    this.world.oracle.violate(text);
  }

  /** A part must stand for one archive that exists, is no other's, and was made as was asked. */
  #match(chain: Chain, part: Part): Told[] {
    const { cloud, sessions } = this.world;
    const archive = cloud.archives.find((a) => a.id === part.archiveId);
    if (!archive) {
      this.#violate(`${part.archiveId} never existed`);
      return [];
    }
    if (this.#owned.has(archive.id)) this.#violate(`${archive.id} is in two chains`);
    this.#owned.add(archive.id);
    const { name, hasAudio, hasVideo, outputMode, resolution } = archive.options;
    const made = JSON.stringify({ hasAudio, hasVideo, outputMode, resolution });
    if (name !== NAME || chain.name !== NAME) this.#violate(`${archive.id} has another name`);
    if (made !== JSON.stringify(ARCHIVE)) this.#violate(`${archive.id} has other options: ${made}`);
    const lane = archive.sessionId === sessions.primary ? "primary" : "secondary";
    if (part.lane !== lane) this.#violate(`${archive.id} is said to be on ${part.lane}`);
    if (part.endedAtMs === null) this.#violate(`${archive.id} ended, its part did not`);
    return [{ part, archive }];
  }

  #checkEnd(chain: Chain): void {
    if (chain.stoppedAtMs === null) this.#violate(`Chain ${chain.id} is left ${chain.state}`);
  }

  /** Every archive is a part, or listed as an orphan because nobody could know of it in time. */
  async #checkOrphans(): Promise<void> {
    const { cloud, oracle, clock } = this.world;
    // Once no start can claim it any more.
    const now = () => clock.nowMs + SUSPECTED_MS;
    const { archives } = cloud.list(undefined, 1_000);
    const listed = await orphansAmong(
      { store: this.store, platform: this.platform, now },
      archives,
    );
    for (const archive of cloud.archives) {
      const isListed = listed.some((orphan) => orphan.archive.id === archive.id);
      if (this.#owned.has(archive.id) === isListed) {
        this.#violate(`${archive.id} is ${isListed ? "a part and" : "no part and no"} orphan`);
      }
      if (!isListed) continue;
      const endMs = archive.endMs ?? Infinity;
      // It died before anybody could look, or no chain could take it in, or all looks failed.
      const wanted = common([...oracle.promised.values()], [{
        fromMs: archive.startMs,
        toMs: endMs,
      }]);
      const wantedMs = lengthMs(without(wanted, oracle.unfair));
      const forced = oracle.isStray(archive) || wantedMs < UNTOLD_MS;
      oracle.count(forced ? "orphans forced" : "orphans ours");
      if (!forced) this.#violate(`${archive.id} belongs to no chain`);
    }
  }

  /** Every moment without an archive is in the record, and every gap of the record was one. */
  #checkGaps(chain: Chain, told: Told[]): void {
    const spans = told.map(({ archive }) => spanOf(archive));
    const covered = union(spans);
    const [first, last] = [covered[0], covered.at(-1)];
    if (!first || !last) return;
    const promise = this.world.oracle.promised.get(chain.id);
    const untilMs = Math.max(last.toMs, promise?.toMs ?? 0);
    const holes = without([{ fromMs: first.fromMs, toMs: untilMs }], covered);
    // A file that could never be read leaves what the platform says, in whole seconds.
    const coarse = told.some(({ part }) => part.startSource !== "file");
    const toleranceMs = coarse ? this.#coarseMs : RECORD_TOLERANCE_MS;
    const near = (a: number, b: number) => Math.abs(a - b) <= toleranceMs;
    const show = () => JSON.stringify({ holes, gaps: chain.gaps });
    // An archive that recorded nothing may lie between two gaps.
    const gaps = union(chain.gaps.map(({ fromMs, toMs }) => ({ fromMs, toMs: toMs ?? untilMs })));
    for (const hole of holes) {
      // What ends with Stop is counted from rounded times.
      const leastMs = toleranceMs * (hole.toMs === untilMs ? 6 : 1);
      const recorded = gaps.some((gap) =>
        near(gap.fromMs, hole.fromMs) &&
        Math.abs(gap.toMs - gap.fromMs - (hole.toMs - hole.fromMs)) <= leastMs
      );
      if (!recorded && hole.toMs - hole.fromMs > leastMs) {
        this.#violate(`A gap is not in the record of ${chain.id}: ${show()}`);
      }
    }
    for (const gap of gaps) {
      const real = holes.some((hole) => near(hole.fromMs, gap.fromMs));
      const atTheEnd = gap.fromMs >= last.toMs - toleranceMs;
      if (!real && !atTheEnd && gap.toMs - gap.fromMs > toleranceMs) {
        this.#violate(`The record of ${chain.id} has a gap that was none: ${show()}`);
      }
    }
  }

  /** How exactly the platform alone tells times. */
  get #coarseMs(): number {
    return 2_100 + Math.abs(this.world.cloud.createdAtSkewMs);
  }

  /** While it was promised and somebody published, it was recorded, or the platform is to blame. */
  #checkCoverage(chain: Chain, told: Told[]): void {
    const { oracle, sessions } = this.world;
    const spans = union(told.map(({ archive }) => spanOf(archive)));
    // What it took in that had been running before it began was not promised.
    const promise = oracle.promised.get(chain.id);
    if (!promise || spans.length === 0) return;
    const promised = [promise];
    const published = this.world.clients.all.flatMap((client) => client.primary);
    const holes = without(common(promised, published), spans);
    for (const hole of holes) this.#judgeHole(chain, told, hole);

    const on = (session: string) =>
      told.filter(({ archive }) => archive.sessionId === session).map((t) => spanOf(t.archive));
    for (const client of this.world.clients.all) {
      if (!client.isPrompt) continue;
      const recorded = [
        ...on(sessions.primary),
        ...common(on(sessions.secondary), client.secondary),
      ];
      const joining = [
        ...client.primary,
        ...holes.map((hole) => ({ fromMs: hole.toMs, toMs: hole.toMs })),
      ].map((s) => ({ fromMs: s.fromMs, toMs: s.fromMs + JOIN_MS }));
      const left = without(common(promised, client.primary), [...recorded, ...holes, ...joining]);
      for (const hole of left) {
        // What records on secondary beside it, or bridges the time, does not see everybody.
        const died = told.map(({ archive }) => archive.endedBy === "world" ? archive.endMs : null)
          .find((ms) => {
            const between = ms === null ? [] : [{ fromMs: ms, toMs: hole.fromMs }];
            return ms !== null && ms <= hole.fromMs &&
              common(between, on(sessions.primary)).length === 0;
          });
        if (died) this.#judgeHole(chain, told, { fromMs: died, toMs: hole.toMs });
        else {
          oracle.count("gaps ours");
          this.#violate(`Client ${client.id} was not recorded: ${JSON.stringify(hole)}`);
        }
      }
    }
  }

  /** A hole begins with a death (the oracle sees stops of ours); it must not last longer than needed. */
  #judgeHole(chain: Chain, told: Told[], hole: Stretch): void {
    const { oracle } = this.world;
    const ends = told.map(({ archive }) => archive)
      .filter((archive) => (archive.endMs ?? Infinity) <= hole.fromMs);
    const last = ends.toSorted((a, b) => (b.endMs ?? 0) - (a.endMs ?? 0))[0];
    const toldAtMs = last?.toldAtMs ?? Infinity;
    const soon = { fromMs: toldAtMs, toMs: Math.max(toldAtMs, hole.fromMs) + TOLD_MS };
    // A read that failed is repeated by the next sweep.
    const heard = toldAtMs < hole.fromMs + UNTOLD_MS && common([soon], oracle.unfair).length === 0;
    const dueMs = heard ? soon.toMs : hole.fromMs + UNTOLD_MS;
    const lateMs = lengthMs(without([{ fromMs: dueMs, toMs: hole.toMs }], oracle.unfair));
    const text = `${hole.toMs - hole.fromMs} ms after ${last?.id ?? "its start"}`;
    if (lateMs > 0) {
      oracle.count("gaps ours");
      return this.#violate(`Chain ${chain.id}: a gap of ours, ${text}, late by ${lateMs} ms`);
    }
    oracle.count("gaps forced");
    this.world.note(`a forced gap: ${text}`);
  }

  /** The film goes forward only, and shows no moment twice. */
  #checkFilm(chain: Chain, told: Told[]): void {
    const { clock } = this.world;
    const film = filmOf(chain, told.map(({ part }) => part), { nowMs: clock.nowMs });
    const shown = film.parts.flatMap((part) => {
      const found = told.find((t) => t.part.seq === part.seq);
      return found ? [{ ...part, ...found }] : [];
    });
    for (const [i, later] of shown.entries()) {
      const earlier = shown[i - 1];
      if (!earlier) continue;
      const stepMs = (later.placeSeconds - earlier.placeSeconds) * 1000;
      if (stepMs < 0) this.#violate(`The film of ${chain.id} goes back at part ${later.seq}`);
      const jumpMs = later.archive.startMs - (earlier.archive.startMs + stepMs);
      const exact = [earlier, later].every(({ part }) => part.startSource === "file");
      if (Math.abs(jumpMs) > (exact ? FILE_TOLERANCE_MS : this.#coarseMs)) {
        this.#violate(
          `The film of ${chain.id} ${jumpMs < 0 ? "shows a moment twice" : "leaves a moment out"}` +
            ` at part ${later.seq}: ${jumpMs} ms`,
        );
      }
    }
  }
}

function spanOf(archive: TrueArchive): Stretch {
  return { fromMs: archive.startMs, toMs: archive.endMs ?? Infinity };
}
