import { page } from "fresh";
import { ConfirmForm } from "../../../components/ConfirmForm.tsx";
import { Page } from "../../../components/Page.tsx";
import { define } from "../../../lib/define.ts";
import { param, requireStoredRoom, seeOther, signInFirst } from "../../../lib/guards.ts";
import { StoreError } from "../../../lib/store/errors.ts";

interface DeleteData {
  title: string;
  error?: string;
}

export const handler = define.handlers({
  async GET(ctx) {
    const away = signInFirst(ctx);
    if (away) return away;
    const { title } = await requireStoredRoom(ctx.state.services, param(ctx, "room"));
    return page<DeleteData>({ title });
  },

  async POST(ctx) {
    const away = signInFirst(ctx);
    if (away) return away;
    const { services } = ctx.state;
    const { name, title } = await requireStoredRoom(services, param(ctx, "room"));
    try {
      await services.store.rooms.delete(name);
    } catch (error) {
      if (!(error instanceof StoreError && error.kind === "conflict")) throw error;
      const said = "The room is being recorded. Stop its recording first, then delete it.";
      return page<DeleteData>({ title, error: said }, { status: 409 });
    }
    return seeOther("/rooms");
  },
});

/** Asks before a room goes. */
export default define.page<typeof handler>(function DeleteRoom({ data }) {
  return (
    <Page title="Delete a room" narrow>
      <ConfirmForm
        question={`Delete “${data.title}”?`}
        doIt="Delete room"
        back="/rooms"
        error={data.error}
      >
        <p>
          Its address stops working and whoever comes later finds no call there. Its recordings stay
          in the player and in the history.
        </p>
      </ConfirmForm>
    </Page>
  );
});
