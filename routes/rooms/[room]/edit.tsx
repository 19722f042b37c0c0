import { page } from "fresh";
import { Page } from "../../../components/Page.tsx";
import { StrategyField } from "../../../components/StrategyField.tsx";
import { define } from "../../../lib/define.ts";
import { readForm, textField } from "../../../lib/forms.ts";
import { param, requireRoom, seeOther, signInFirst } from "../../../lib/guards.ts";
import { roomSchema, type Strategy, strategySchema } from "../../../lib/recording/model.ts";

interface EditData {
  name: string;
  title: string;
  strategy: Strategy;
  error: string | null;
}

export const handler = define.handlers({
  async GET(ctx) {
    const away = signInFirst(ctx);
    if (away) return away;
    const room = await requireRoom(ctx.state.services, param(ctx, "room"));
    return page<EditData>({ ...room, error: null });
  },

  async POST(ctx) {
    const away = signInFirst(ctx);
    if (away) return away;
    const { services } = ctx.state;
    const room = await requireRoom(services, param(ctx, "room"));
    const sent = await readForm(ctx.req);
    const title = textField(sent, "title").trim();
    const strategy = strategySchema.catch(room.strategy).parse(sent.get("strategy"));
    if (!roomSchema.shape.title.safeParse(title).success) {
      const error = "Give the room a title of 1 to 120 characters.";
      return page<EditData>({ name: room.name, title, strategy, error }, { status: 400 });
    }
    await services.openRoom(room.name);
    await services.store.rooms.update(room.name, { title, strategy });
    return seeOther("/rooms");
  },
});

/** Changes a room's title and how its recordings hand over; its address stays. */
export default define.page<typeof handler>(function EditRoom({ data }) {
  return (
    <Page title="Edit the room" narrow>
      <form method="post" class="card stack">
        <h1>Edit the room</h1>
        <div class="field">
          <label for="title">Title</label>
          <input
            id="title"
            name="title"
            required
            maxlength={120}
            value={data.title}
            aria-invalid={data.error ? "true" : undefined}
            aria-describedby={data.error ? "title-error" : "title-hint"}
          />
          {data.error
            ? <p id="title-error" class="error" role="alert">{data.error}</p>
            : (
              <p id="title-hint" class="hint">
                Its address stays <code>/rooms/{data.name}</code>
              </p>
            )}
        </div>
        <StrategyField strategy={data.strategy} />
        <p class="muted">
          The secondary session works everywhere: everybody in the call publishes there as well for
          some seconds. On the call’s own session nobody has to, but the platform must allow two
          archives of one session at once; where it refuses, the recording goes on through the
          secondary session and says so. A recording that runs keeps the way it began with.
        </p>
        <div class="toolbar">
          <button type="submit" class="button primary">Save</button>
          <a class="button quiet" href="/rooms">Cancel</a>
        </div>
      </form>
    </Page>
  );
});
