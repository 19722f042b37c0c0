import { page } from "fresh";
import { RoomCall } from "../components/RoomCall.tsx";
import { MAIN_ROOM } from "../lib/handover/mod.ts";
import { define } from "../lib/define.ts";
import { requireRoom, signInFirst } from "../lib/guards.ts";

export const handler = define.handlers({
  async GET(ctx) {
    return signInFirst(ctx) ?? page(await requireRoom(ctx.state.services, MAIN_ROOM));
  },
});

/** The main room's call with the controls of its recording. */
export default define.page<typeof handler>(function Host({ data }) {
  return <RoomCall room={data.name} title={data.title} strategy={data.strategy} host />;
});
