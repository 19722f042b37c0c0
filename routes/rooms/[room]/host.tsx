import { page } from "fresh";
import { RoomCall } from "../../../components/RoomCall.tsx";
import { define } from "../../../lib/define.ts";
import { param, requireRoom, signInFirst } from "../../../lib/guards.ts";

export const handler = define.handlers({
  async GET(ctx) {
    return signInFirst(ctx) ?? page(await requireRoom(ctx.state.services, param(ctx, "room")));
  },
});

/** A room's call with the controls of its recording. */
export default define.page<typeof handler>(function RoomHost({ data }) {
  return <RoomCall room={data.name} title={data.title} strategy={data.strategy} host />;
});
