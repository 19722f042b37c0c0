import { page } from "fresh";
import { RoomCall } from "../components/RoomCall.tsx";
import { MAIN_ROOM } from "../lib/handover/mod.ts";
import { define } from "../lib/define.ts";
import { requireJoin, requireRoom } from "../lib/guards.ts";

export const handler = define.handlers({
  async GET(ctx) {
    requireJoin(ctx, MAIN_ROOM);
    return page(await requireRoom(ctx.state.services, MAIN_ROOM));
  },
});

/** The call of the main room, for whoever comes. */
export default define.page<typeof handler>(function Home({ data }) {
  return <RoomCall room={data.name} title={data.title} host={false} />;
});
