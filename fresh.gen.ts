// Generated from routes/ and islands/ by `deno task manifest`. Do not edit.
import * as route0 from "./routes/_app.tsx";
import * as route1 from "./routes/_error.tsx";
import * as route2 from "./routes/_middleware.tsx";
import * as route3 from "./routes/admin.html.ts";
import * as route4 from "./routes/admin.ts";
import * as route5 from "./routes/api/[...path].ts";
import * as route6 from "./routes/api/docs.tsx";
import * as route7 from "./routes/download/[id].ts";
import * as route8 from "./routes/emulator/[...path].ts";
import * as route9 from "./routes/history/[id]/adopt.ts";
import * as route10 from "./routes/history/[id]/delete.tsx";
import * as route11 from "./routes/history/[id]/stop.tsx";
import * as route12 from "./routes/history/index.tsx";
import * as route13 from "./routes/host.tsx";
import * as route14 from "./routes/index.tsx";
import * as route15 from "./routes/links/[id]/revoke.ts";
import * as route16 from "./routes/links/index.tsx";
import * as route17 from "./routes/open/[token].ts";
import * as route18 from "./routes/participant.tsx";
import * as route19 from "./routes/player.html.ts";
import * as route20 from "./routes/player/[chainId]/delete.tsx";
import * as route21 from "./routes/player/[chainId]/index.tsx";
import * as route22 from "./routes/player/index.tsx";
import * as route23 from "./routes/rooms/[room]/delete.tsx";
import * as route24 from "./routes/rooms/[room]/edit.tsx";
import * as route25 from "./routes/rooms/[room]/host.tsx";
import * as route26 from "./routes/rooms/[room]/index.tsx";
import * as route27 from "./routes/rooms/index.tsx";
import * as route28 from "./routes/sign-in.tsx";
import * as route29 from "./routes/sign-out.ts";
import * as island0 from "./islands/PlaylistPlayer.tsx";
import * as island1 from "./islands/SessionSwitcher.tsx";
import * as island2 from "./islands/VideoPublisher.tsx";

export default {
  routes: {
    "_app.tsx": route0,
    "_error.tsx": route1,
    "_middleware.tsx": route2,
    "admin.html.ts": route3,
    "admin.ts": route4,
    "api/[...path].ts": route5,
    "api/docs.tsx": route6,
    "download/[id].ts": route7,
    "emulator/[...path].ts": route8,
    "history/[id]/adopt.ts": route9,
    "history/[id]/delete.tsx": route10,
    "history/[id]/stop.tsx": route11,
    "history/index.tsx": route12,
    "host.tsx": route13,
    "index.tsx": route14,
    "links/[id]/revoke.ts": route15,
    "links/index.tsx": route16,
    "open/[token].ts": route17,
    "participant.tsx": route18,
    "player.html.ts": route19,
    "player/[chainId]/delete.tsx": route20,
    "player/[chainId]/index.tsx": route21,
    "player/index.tsx": route22,
    "rooms/[room]/delete.tsx": route23,
    "rooms/[room]/edit.tsx": route24,
    "rooms/[room]/host.tsx": route25,
    "rooms/[room]/index.tsx": route26,
    "rooms/index.tsx": route27,
    "sign-in.tsx": route28,
    "sign-out.ts": route29,
  },
  islands: {
    "islands/PlaylistPlayer.tsx": island0,
    "islands/SessionSwitcher.tsx": island1,
    "islands/VideoPublisher.tsx": island2,
  },
};
