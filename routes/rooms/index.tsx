import { page } from "fresh";
import { Page } from "../../components/Page.tsx";
import { Moment } from "../../components/Moment.tsx";
import { StrategyField } from "../../components/StrategyField.tsx";
import { define } from "../../lib/define.ts";
import { readForm, textField } from "../../lib/forms.ts";
import { requireBrowse, seeOther, signInFirst } from "../../lib/guards.ts";
import {
  DEFAULT_STRATEGY,
  type Room,
  roomSchema,
  type Strategy,
  strategySchema,
  strategyWords,
} from "../../lib/recording/model.ts";
import type { State } from "../../lib/define.ts";

/** One page of rooms holds as many as the store gives at once. */
const PAGE_SIZE = 100;

interface RoomsData {
  rooms: Room[];
  cursor: string | null;
  /** The form as it was sent, and what was wrong with it. */
  form: { name: string; title: string; strategy: Strategy; error: string | null };
}

async function readRooms(state: State, cursor: string | null, form: RoomsData["form"]) {
  const { items, cursor: next } = await state.services.store.rooms.list({
    limit: PAGE_SIZE,
    cursor,
  });
  return { rooms: items, cursor: next, form } satisfies RoomsData;
}

export const handler = define.handlers({
  async GET(ctx) {
    requireBrowse(ctx);
    const form = { name: "", title: "", strategy: DEFAULT_STRATEGY, error: null };
    return page<RoomsData>(await readRooms(ctx.state, ctx.url.searchParams.get("cursor"), form));
  },

  /** Makes a room. */
  async POST(ctx) {
    const away = signInFirst(ctx, "/rooms");
    if (away) return away;
    const sent = await readForm(ctx.req);
    const title = textField(sent, "title").trim();
    const name = textField(sent, "name").trim();
    const strategy = strategySchema.catch(DEFAULT_STRATEGY).parse(sent.get("strategy"));
    const parsed = roomSchema.pick({ name: true, title: true }).safeParse({ name, title });
    const refuse = async (status: number, error: string) => {
      const form = { name, title, strategy, error };
      return page<RoomsData>(await readRooms(ctx.state, null, form), { status });
    };
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      return refuse(
        400,
        issue?.path[0] === "title"
          ? "Give the room a title of 1 to 120 characters."
          : `${issue?.message}.`,
      );
    }
    const { store, openRoom } = ctx.state.services;
    if (await store.rooms.get(name)) return refuse(409, `There is a room "${name}" already.`);
    await openRoom(name, title);
    if (strategy !== DEFAULT_STRATEGY) await store.rooms.update(name, { strategy });
    return seeOther("/rooms");
  },
});

/** All rooms; an admin makes, renames and deletes them. */
export default define.page<typeof handler>(function Rooms({ data, req, state }) {
  const isAdmin = state.identity.role === "admin";
  const { form } = data;
  return (
    <Page title="Rooms">
      <div class="stack tight">
        <div class="toolbar spread">
          <h1>Rooms</h1>
          {isAdmin ? <a class="button quiet" href="/links">Links to rooms</a> : null}
        </div>
        <p class="lead">
          A room is a named meeting place: one call, recorded on its own. The{" "}
          <a href="/">main room</a>
          {" is always there."}
        </p>
      </div>
      {isAdmin
        ? (
          <form method="post" action="/rooms" class="card stack">
            <h2>New room</h2>
            {form.error ? <p class="notice error" role="alert">{form.error}</p> : null}
            <div class="toolbar end">
              <div class="field">
                <label for="title">Title</label>
                <input id="title" name="title" required maxlength={120} value={form.title} />
              </div>
              <div class="field">
                <label for="name">Name in its address</label>
                <input
                  id="name"
                  name="name"
                  required
                  maxlength={63}
                  pattern="[a-z0-9][a-z0-9\-]{0,62}"
                  title="Lower-case letters, digits and hyphens"
                  autocapitalize="none"
                  autocomplete="off"
                  spellcheck={false}
                  value={form.name}
                />
              </div>
              <StrategyField strategy={form.strategy} />
              <button type="submit" class="button primary">Create room</button>
            </div>
          </form>
        )
        : null}
      {data.rooms.length === 0
        ? (
          <div class="empty">
            <h2>No rooms yet</h2>
            <p>
              {isAdmin
                ? "Create one above to hold a second call beside the main room’s."
                : "Rooms that an admin makes are listed here."}
            </p>
            <a class="button" href="/">Go to the main room</a>
          </div>
        )
        : (
          <table class="table">
            <caption class="visually-hidden">Rooms</caption>
            <thead>
              <tr>
                <th scope="col">Title</th>
                <th scope="col">Name</th>
                <th scope="col">Hands over</th>
                <th scope="col">Made</th>
                <th scope="col">
                  <span class="visually-hidden">What to do</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {data.rooms.map((room) => (
                <tr key={room.name}>
                  <th scope="row" id={`room-${room.name}`}>
                    <a href={`/rooms/${room.name}`}>{room.title}</a>
                  </th>
                  <td data-label="Name">{room.name}</td>
                  <td data-label="Hands over">{strategyWords[room.strategy]}</td>
                  <td data-label="Made">
                    <Moment ms={room.createdAtMs} request={req} />
                  </td>
                  <td class="actions">
                    <div class="toolbar">
                      {isAdmin
                        ? (
                          <>
                            <a
                              class="button small"
                              aria-describedby={`room-${room.name}`}
                              href={`/rooms/${room.name}/host`}
                            >
                              Host
                            </a>
                            <a
                              class="button small quiet"
                              aria-describedby={`room-${room.name}`}
                              href={`/rooms/${room.name}/edit`}
                            >
                              Edit
                            </a>
                            <a
                              class="button small danger"
                              aria-describedby={`room-${room.name}`}
                              href={`/rooms/${room.name}/delete`}
                            >
                              Delete
                            </a>
                          </>
                        )
                        : (
                          <a
                            class="button small"
                            aria-describedby={`room-${room.name}`}
                            href={`/rooms/${room.name}`}
                          >
                            Join
                          </a>
                        )}
                    </div>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      {data.cursor
        ? <a href={`/rooms?cursor=${encodeURIComponent(data.cursor)}`}>More rooms →</a>
        : null}
    </Page>
  );
});
