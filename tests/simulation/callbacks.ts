/** What the cloud and the browsers tell the app of archives: lost, late, doubled, out of order, forged. */
import type { TrueArchive } from "./cloud.ts";
import type { Storm } from "./storm.ts";

/** Delivers news of archives to whichever process answers. */
export class Callbacks {
  #held: (() => void) | null = null;

  constructor(readonly storm: Storm) {}

  /** Something became of this archive. */
  tell(archive: TrueArchive): void {
    const { faults, clock } = this.storm;
    const name = `callback.${faults.number("callback")}`;
    const random = faults.random(name);
    const arrive = () => {
      if (!this.deliver(archive.id)) return;
      if (archive.endMs !== null && archive.endMs <= clock.nowMs) archive.toldAtMs ??= clock.nowMs;
    };
    if (faults.strike(name, ["callback-lost"])) return;
    if (faults.strike(name, ["callback-reordered"])) {
      // It goes out after the next one has.
      this.#held ??= arrive;
      return;
    }
    const lateMs = faults.strike(name, ["callback-late"]) ? random.int(5_000, 30_000) : 0;
    clock.after(lateMs + random.int(50, 900), arrive);
    if (faults.strike(name, ["callback-doubled"])) {
      clock.after(lateMs + random.int(50, 5_000), arrive);
    }
    const held = this.#held;
    this.#held = null;
    if (held) clock.after(1_000, held);
  }

  /** Hands news to a process; false if none takes it. */
  deliver(archiveId: string): boolean {
    const process = this.storm.answering;
    process?.chains.hint(archiveId).catch((error) => process.trouble("callback", error));
    return process !== undefined;
  }
}
