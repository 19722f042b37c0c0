import { page } from "fresh";
import { RoomCall } from "../../../components/RoomCall.tsx";
import { define } from "../../../lib/define.ts";
import { param, requireJoin, requireRoom } from "../../../lib/guards.ts";

export const handler = define.handlers({
  async GET(ctx) {
    requireJoin(ctx, param(ctx, "room"));
    return page(await requireRoom(ctx.state.services, param(ctx, "room")));
  },
});

/** A room's call, for its participants. */
export default define.page<typeof handler>(function RoomPage({ data }) {
  return <RoomCall room={data.name} title={data.title} host={false} />;
});
