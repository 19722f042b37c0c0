import { type Strategy, strategySchema } from "../lib/recording/model.ts";

/** What a room does that nobody chose for. */
export const DEFAULT_STRATEGY: Strategy = "dual-session";

const WORDS: Record<Strategy, string> = {
  "dual-session": "over the second session",
  "simultaneous": "on the call’s own session",
};

/** How a room's recordings hand over, in a few words. */
export function strategyWords(strategy: Strategy): string {
  return WORDS[strategy];
}

/** The strategy that a form with a {@link StrategyField} was sent with. */
export function readStrategy(form: FormData): Strategy {
  return strategySchema.catch(DEFAULT_STRATEGY).parse(form.get("strategy"));
}

/** Chooses how a room's recordings hand over from one archive to the next. */
export function StrategyField({ strategy }: { strategy: Strategy }) {
  return (
    <div class="field">
      <label for="strategy">Hands over</label>
      <select id="strategy" name="strategy">
        {strategySchema.options.map((option) => (
          <option key={option} value={option} selected={option === strategy}>
            {WORDS[option]}
          </option>
        ))}
      </select>
    </div>
  );
}
