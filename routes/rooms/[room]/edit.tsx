import { page } from "fresh";
import { Page } from "../../../components/Page.tsx";
import { define } from "../../../lib/define.ts";
import { readForm, textField } from "../../../lib/forms.ts";
import { param, requireStoredRoom, seeOther, signInFirst } from "../../../lib/guards.ts";
import { roomSchema } from "../../../lib/recording/model.ts";

interface EditData {
  name: string;
  title: string;
  error: string | null;
}

export const handler = define.handlers({
  async GET(ctx) {
    const away = signInFirst(ctx);
    if (away) return away;
    const { name, title } = await requireStoredRoom(ctx.state.services, param(ctx, "room"));
    return page<EditData>({ name, title, error: null });
  },

  async POST(ctx) {
    const away = signInFirst(ctx);
    if (away) return away;
    const { name } = await requireStoredRoom(ctx.state.services, param(ctx, "room"));
    const title = textField(await readForm(ctx.req), "title").trim();
    if (!roomSchema.shape.title.safeParse(title).success) {
      const error = "Give the room a title of 1 to 120 characters.";
      return page<EditData>({ name, title, error }, { status: 400 });
    }
    await ctx.state.services.store.rooms.update(name, { title });
    return seeOther("/rooms");
  },
});

/** Renames a room; its address stays. */
export default define.page<typeof handler>(function EditRoom({ data }) {
  return (
    <Page title="Rename the room" narrow>
      <form method="post" class="card stack">
        <h1>Rename the room</h1>
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
        <div class="toolbar">
          <button type="submit" class="button primary">Rename</button>
          <a class="button quiet" href="/rooms">Cancel</a>
        </div>
      </form>
    </Page>
  );
});
