/** The platform as a process calls it: over a network and a service that misbehave. */
import {
  type Platform,
  PlatformError,
  type PlatformErrorKind,
} from "../../lib/platform/platform.ts";
import type { Asking, Cloud } from "./cloud.ts";
import type { Fault, Faults } from "./faults.ts";
import type { SimClock } from "./clock.ts";

/** The adapter gives a call up after this. */
const DEADLINE_MS = 15_000;
/** Every time that lists are behind, at most. */
const LIST_LAG_MS = 4_000;

const CALL_FAULTS: readonly Fault[] = [
  "refused",
  "429",
  "5xx",
  "slow",
  "hung",
  "hung-took-effect",
  "late-effect",
  "answer-lost",
  "own-retry-409",
];

/** What a platform may answer to a call that it refuses. */
const REFUSALS: Record<string, readonly PlatformErrorKind[]> = {
  start: ["unauthorized", "not-found", "conflict", "conflict"],
  stop: ["unauthorized", "conflict"],
};

/** What a storm learns of calls. */
export interface CallWatch {
  note(line: string): void;
  /** A call went wrong between these moments. */
  wentWrong(fromMs: number, toMs: number, how: string, call?: string): void;
  /** A command of a process begins; answers whom to tell that it is over. */
  begins(process: string, command: string): () => void;
  /** Now is a moment at which an archive may end by itself. */
  mayDie(call: string): void;
}

/** Makes calls for one process. */
export class Calls {
  constructor(
    readonly cloud: Cloud,
    readonly clock: SimClock,
    readonly faults: Faults,
    readonly watch: CallWatch,
    readonly process: string,
    /** Lets an operation through, unless the process dies or freezes before or after it. */
    readonly pass: <T>(operation: () => Promise<T>) => Promise<T>,
  ) {}

  platform(): Platform {
    const { cloud } = this;
    return {
      apiKey: "sim",
      createToken: () => "token",
      createSession: () => this.#call("create", "", () => cloud.createSession()),
      startArchive: (sessionId, options) =>
        this.#call("start", sessionId, (asking) => cloud.start(sessionId, options, asking)),
      stopArchive: (id) => this.#call("stop", id, (asking) => cloud.stop(id, asking)),
      getArchive: (id) => this.#call("get", id, () => cloud.describe(cloud.find(id))),
      listArchives: ({ sessionId, count = 50 }) =>
        this.#call("list", sessionId ?? "", (_asking, name) => {
          const lags = this.faults.strike(name, ["list-lags"]) !== null;
          const lagMs = lags ? this.faults.random(`${name}.lag`).int(300, LIST_LAG_MS) : 0;
          if (lags) this.watch.wentWrong(this.clock.nowMs, this.clock.nowMs, "list-lags");
          return cloud.list(sessionId, count, this.clock.nowMs - lagMs);
        }),
      deleteArchive: (id) => this.#call("delete", id, () => {}),
      signal: (sessionId, { type }) =>
        this.#call("signal", type, () => cloud.onSignal(sessionId, type)),
      listStreams: (sessionId) =>
        this.#call("streams", sessionId, () => {
          const ids = [...cloud.publishing(sessionId)];
          return ids.map((id) => ({ id, name: id, videoType: "camera" }));
        }),
    };
  }

  #call<T>(
    what: string,
    about: string,
    effect: (asking: Asking, name: string) => T | Promise<T>,
  ): Promise<T> {
    // Decided here; a process that is frozen before it sends the call does not decide anew.
    const askedAtMs = this.clock.nowMs;
    return this.pass(async () => {
      const name = `${what}.${this.faults.number(what)}`;
      const sentAtMs = this.clock.nowMs;
      const over = this.watch.begins(this.process, `${what} ${about}`);
      const fault = this.faults.strike(name, CALL_FAULTS);
      const tell = (how: string) => {
        over();
        this.watch.note(
          `  ${this.process}: ${what} ${about} (${name}): ${how} after ` +
            `${this.clock.nowMs - sentAtMs} ms`,
        );
        if (fault) this.watch.wentWrong(sentAtMs, this.clock.nowMs, fault, what);
      };
      try {
        const result = await this.#answer(what, name, fault, (late) => {
          this.watch.mayDie(name);
          return effect({ by: this.process, askedAtMs, late }, name);
        });
        tell(fault ?? "done");
        return result;
      } catch (error) {
        tell(`${fault ?? ""} ${error instanceof PlatformError ? error.kind : error}`);
        throw error;
      }
    });
  }

  async #answer<T>(
    what: string,
    name: string,
    fault: Fault | null,
    effect: (late: boolean) => T | Promise<T>,
  ): Promise<T> {
    const { clock } = this;
    const random = this.faults.random(name);
    const fail = (kind: PlatformErrorKind, why: string): never => {
      throw new PlatformError(kind, what, `${what}: ${why}`);
    };
    const timeOut = async () => {
      await clock.sleep(DEADLINE_MS);
      return fail("timeout", "no answer in time");
    };
    await clock.sleep(random.int(20, 150));
    const answerMs = random.int(20, 150);
    switch (fault) {
      case "refused":
        return fail(random.pick(REFUSALS[what] ?? ["unauthorized"]), "the platform refuses");
      case "429":
        return fail("rate-limited", "too many requests");
      case "5xx":
        return fail("unavailable", "status 503");
      case "slow":
        await clock.sleep(random.int(1000, 8000));
        break;
      case "hung":
        return await timeOut();
      case "late-effect":
        clock.after(random.int(DEADLINE_MS, DEADLINE_MS + 10_000), () => void quietly(effect));
        return await timeOut();
    }
    const result = await effect(false);
    if (fault === "hung-took-effect") return await timeOut();
    await clock.sleep(answerMs);
    if (fault === "answer-lost") return fail("unavailable", "the answer was lost");
    // The client library sent it twice by itself, and passes on what was said to the second.
    if (fault === "own-retry-409" && (what === "start" || what === "stop")) {
      return fail("conflict", "the second try is refused");
    }
    return result;
  }
}

/** Lets a call take effect that nobody waits for any more; a refusal reaches nobody. */
async function quietly(effect: (late: boolean) => unknown): Promise<void> {
  try {
    await effect(true);
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
  }
}
