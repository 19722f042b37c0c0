import { type Strategy, strategySchema, strategyWords } from "../lib/recording/model.ts";

/** Chooses how a room's recordings hand over from one archive to the next. */
export function StrategyField({ strategy }: { strategy: Strategy }) {
  return (
    <div class="field">
      <label for="strategy">Hands over</label>
      <select id="strategy" name="strategy">
        {strategySchema.options.map((option) => (
          <option key={option} value={option} selected={option === strategy}>
            {strategyWords[option]}
          </option>
        ))}
      </select>
    </div>
  );
}
