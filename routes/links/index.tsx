import { page } from "fresh";
import { LinkTable } from "../../components/LinkTable.tsx";
import { Page } from "../../components/Page.tsx";
import { type Link, linkScopeSchema, originOf } from "../../lib/auth/mod.ts";
import { define, type State } from "../../lib/define.ts";
import { readForm, textField } from "../../lib/forms.ts";
import { seeOther, signInFirst } from "../../lib/guards.ts";
import { MAIN_ROOM } from "../../lib/handover/mod.ts";

const PAGE_SIZE = 50;
const MAX_LABEL_LENGTH = 120;
const HOUR_MS = 60 * 60 * 1000;
/** How long a link may live, by the words for it. */
const LIVES = [
  { hours: 1, words: "an hour" },
  { hours: 24, words: "a day" },
  { hours: 7 * 24, words: "a week" },
  { hours: 30 * 24, words: "30 days" },
];

/** Something a link can open: `value` is a scope as the form sends it. */
interface Target {
  value: string;
  words: string;
}

interface LinksData {
  targets: Target[];
  /** The target that is chosen at first. */
  chosen: string;
  links: Link[];
  cursor: string | null;
  /** The address of the link just made; it is not shown again. */
  made: string | null;
}

async function readLinks(state: State, url: URL, made: string | null): Promise<LinksData> {
  const { store, auth } = state.services;
  const rooms = (await store.rooms.list({ limit: 100 })).items;
  const main = { name: MAIN_ROOM, title: "Main room" };
  const targets = (rooms.some(({ name }) => name === MAIN_ROOM) ? rooms : [main, ...rooms])
    .map(({ name, title }) => ({ value: `room ${name}`, words: `Join the call: ${title}` }));
  const chain = await store.chains.get(url.searchParams.get("chain") ?? "");
  if (chain) targets.unshift({ value: `chain ${chain.id}`, words: `Watch: ${chain.name}` });
  const { items, cursor } = await auth.listLinks({
    limit: PAGE_SIZE,
    cursor: url.searchParams.get("cursor"),
  });
  return { targets, chosen: targets[0]?.value ?? "", links: items, cursor, made };
}

/** The scope that a target's value stands for; null if it is none of ours. */
function scopeOf(value: string) {
  const [kind = "", id = ""] = value.split(" ", 2);
  const scope = linkScopeSchema.safeParse({ kind, room: id, chainId: id });
  return scope.success ? scope.data : null;
}

export const handler = define.handlers({
  async GET(ctx) {
    return signInFirst(ctx) ?? page<LinksData>(await readLinks(ctx.state, ctx.url, null));
  },

  /** Makes a link and shows its address, this once. */
  async POST(ctx) {
    const away = signInFirst(ctx, "/links");
    if (away) return away;
    const form = await readForm(ctx.req);
    const value = textField(form, "target");
    const life = LIVES.find(({ hours }) => String(hours) === textField(form, "hours"));
    const scope = scopeOf(value);
    const { targets } = await readLinks(ctx.state, ctx.url, null);
    const isKnown = targets.some((target) => target.value === value);
    // Only a form that is not ours, or out of date, sends what was not on offer.
    if (!life || !scope || !isKnown) return seeOther("/links");
    const { token } = await ctx.state.services.auth.createLink({
      label: textField(form, "label").trim().slice(0, MAX_LABEL_LENGTH),
      scope,
      expiresInMs: life.hours * HOUR_MS,
    });
    const made = `${originOf(ctx.req)}/open/${token}`;
    return page<LinksData>(await readLinks(ctx.state, ctx.url, made), {
      headers: { "cache-control": "no-store" },
    });
  },
});

/** An admin's links: what is given to people who may join one room or watch one recording. */
export default define.page<typeof handler>(function Links({ data, req, state, url }) {
  const isOpen = state.services.config.access === "open";
  return (
    <Page title="Links">
      <div class="stack tight">
        <h1>Links</h1>
        <p class="lead">
          A link lets its holder join one room or watch one recording, until it expires or is
          withdrawn.
        </p>
      </div>
      {isOpen
        ? (
          <p class="notice info">
            {"With "}
            <code>ACCESS=open</code>
            {" everybody who reaches this server may join and watch, with or without a link."}
          </p>
        )
        : null}
      {data.made
        ? (
          <div class="notice success stack tight" role="status">
            <div class="field">
              <label for="made">The link. Copy it now: it is not shown again.</label>
              <input id="made" readonly value={data.made} autofocus />
            </div>
          </div>
        )
        : null}
      <form method="post" action={url.pathname + url.search} class="card stack">
        <h2>New link</h2>
        <div class="toolbar end">
          <div class="field">
            <label for="target">What it opens</label>
            <select id="target" name="target">
              {data.targets.map(({ value, words }) => (
                <option key={value} value={value} selected={value === data.chosen}>{words}</option>
              ))}
            </select>
          </div>
          <div class="field">
            <label for="label">For whom</label>
            <input id="label" name="label" maxlength={MAX_LABEL_LENGTH} autocomplete="off" />
          </div>
          <div class="field">
            <label for="hours">Valid for</label>
            <select id="hours" name="hours">
              {LIVES.map(({ hours, words }) => (
                <option key={hours} value={hours} selected={hours === 24}>{words}</option>
              ))}
            </select>
          </div>
          <button type="submit" class="button primary">Create link</button>
        </div>
      </form>
      {data.links.length > 0 ? <LinkTable links={data.links} request={req} /> : (
        <div class="empty">
          <h2>No links</h2>
          <p>Links that are valid are listed here, to be withdrawn.</p>
        </div>
      )}
      {data.cursor
        ? <a href={`/links?${new URLSearchParams({ cursor: data.cursor })}`}>More links →</a>
        : null}
    </Page>
  );
});
