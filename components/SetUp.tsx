import { Page } from "./Page.tsx";

/** What each variable is for, and where its value comes from. */
const MEANING: Record<string, string> = {
  API_KEY: "The project's API key (or APPLICATION_ID together with PRIVATE_KEY).",
  API_SECRET: "The project's secret, from the same page of the account.",
  ADMIN_PASSWORD: "What you sign in with to host and to record. At least 8 characters.",
};

/** Shown instead of every page where this is deployed without what it needs. */
export function SetUp({ variables }: { variables: readonly string[] }) {
  return (
    <Page title="Set up Gapless" narrow>
      <div class="card stack">
        <h1>Almost there</h1>
        <p>
          Gapless is deployed, but demo mode, which needs no credentials, works on one machine only.
          Set these environment variables and deploy again:
        </p>
        <dl class="stack">
          {variables.map((name) => (
            <div key={name} class="stack tight">
              <dt>
                <code>{name}</code>
              </dt>
              <dd class="muted">{MEANING[name] ?? "See .env.example."}</dd>
            </div>
          ))}
        </dl>
      </div>
    </Page>
  );
}
