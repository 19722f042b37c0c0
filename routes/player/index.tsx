import { page } from "fresh";
import { ChainBadge } from "../../components/Badges.tsx";
import { formatDuration, formatSeconds, formatShare } from "../../components/format.ts";
import { Moment } from "../../components/Moment.tsx";
import { Page } from "../../components/Page.tsx";
import { define } from "../../lib/define.ts";
import { filmOfChain } from "../../lib/films.ts";
import { requireBrowse, seeOther } from "../../lib/guards.ts";
import type { Film } from "../../lib/recording/views.ts";

const PAGE_SIZE = 20;
const MAX_NAME_LENGTH = 200;

interface PlayerData {
  /** The name asked for, or "". */
  name: string;
  /** Whether a chain of that name is among `films`. */
  found: boolean;
  films: Film[];
  cursor: string | null;
}

export const handler = define.handlers({
  async GET(ctx) {
    requireBrowse(ctx);
    const { services } = ctx.state;
    const name = (ctx.url.searchParams.get("name") ?? "").trim().slice(0, MAX_NAME_LENGTH);
    const cursor = ctx.url.searchParams.get("cursor");
    const named = name === ""
      ? null
      : await services.store.chains.list({ name, cursor, limit: PAGE_SIZE });
    const [only, ...more] = named?.items ?? [];
    if (only && more.length === 0 && cursor === null) {
      return seeOther(`/player/${encodeURIComponent(only.id)}`);
    }
    const found = only !== undefined;
    const list = found && named
      ? named
      : await services.store.chains.list({ cursor: name === "" ? cursor : null, limit: PAGE_SIZE });
    const films = await Promise.all(list.items.map((chain) => filmOfChain(services, chain)));
    return page<PlayerData>({ name, found, films, cursor: list.cursor }, {
      status: name !== "" && !found ? 404 : 200,
    });
  },
});

/** Finds a recording by its name, and lists all of them. */
export default define.page<typeof handler>(function Player({ data, req }) {
  const { name, found, films, cursor } = data;
  return (
    <Page title="Player">
      <div class="stack tight">
        <h1>Player</h1>
        <p class="lead">Every recording plays as one film, however many archives it is made of.</p>
      </div>
      <form method="get" action="/player" class="card toolbar end" role="search">
        <div class="field">
          <label for="name">Archive name</label>
          <input
            id="name"
            name="name"
            required
            maxlength={MAX_NAME_LENGTH}
            autocomplete="off"
            value={name}
          />
        </div>
        <button type="submit" class="button primary">Get archive</button>
      </form>
      {name !== "" && !found
        ? (
          <p class="notice warning" role="status">
            {`There is no recording named “${name}”. `}
            {films.length > 0 ? "Names count to the letter; these are there:" : null}
          </p>
        )
        : null}
      {name !== "" && found
        ? (
          <p class="notice info" role="status">
            {`Several recordings are named “${name}”. `}
            <a href="/player">Show all recordings</a>
          </p>
        )
        : null}
      {films.length > 0
        ? <FilmTable films={films} request={req} />
        : name === ""
        ? (
          <div class="empty">
            <h2>Nothing recorded yet</h2>
            <p>Start a recording on the host page; it can be watched here when it is stopped.</p>
            <a class="button primary" href="/host">Go to the host page</a>
          </div>
        )
        : null}
      {cursor
        ? (
          <p>
            <a
              href={`/player?${new URLSearchParams(found ? { name, cursor } : { cursor })}`}
            >
              Older recordings →
            </a>
          </p>
        )
        : null}
    </Page>
  );
});

function FilmTable({ films, request }: { films: Film[]; request: Request }) {
  return (
    <table class="table">
      <caption class="visually-hidden">Recordings</caption>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Room</th>
          <th scope="col">Recorded</th>
          <th scope="col">Length</th>
          <th scope="col">Parts</th>
          <th scope="col">Continuity</th>
          <th scope="col">Recorded twice</th>
          <th scope="col">State</th>
        </tr>
      </thead>
      <tbody>
        {films.map((film) => (
          <tr key={film.chainId}>
            <th scope="row">
              <a href={`/player/${encodeURIComponent(film.chainId)}`}>{film.name}</a>
            </th>
            <td data-label="Room">{film.room}</td>
            <td data-label="Recorded">
              <Moment ms={film.createdAtMs} request={request} />
            </td>
            <td data-label="Length" class="number">{formatDuration(film.durationSeconds)}</td>
            <td data-label="Parts" class="number">{film.parts.length}</td>
            <td data-label="Continuity" class="number">{formatShare(film.continuity)}</td>
            <td data-label="Recorded twice" class="number">{formatSeconds(film.overlapSeconds)}</td>
            <td data-label="State">
              <ChainBadge state={film.state} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
