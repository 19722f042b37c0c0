// Generated from routes/ and islands/ by `deno task manifest`. Do not edit.
import * as route0 from "./routes/_app.tsx";
import * as route1 from "./routes/_error.tsx";
import * as route2 from "./routes/_middleware.tsx";
import * as route3 from "./routes/admin.html.ts";
import * as route4 from "./routes/admin.ts";
import * as route5 from "./routes/api/[...path].ts";
import * as route6 from "./routes/download/[id].ts";
import * as route7 from "./routes/history/[id]/delete.tsx";
import * as route8 from "./routes/history/index.tsx";
import * as route9 from "./routes/host.tsx";
import * as route10 from "./routes/index.tsx";
import * as route11 from "./routes/loopback/[...path].ts";
import * as route12 from "./routes/open/[token].ts";
import * as route13 from "./routes/participant.tsx";
import * as route14 from "./routes/player.html.ts";
import * as route15 from "./routes/player/[chainId]/delete.tsx";
import * as route16 from "./routes/player/[chainId]/index.tsx";
import * as route17 from "./routes/player/index.tsx";
import * as route18 from "./routes/rooms/[room]/delete.tsx";
import * as route19 from "./routes/rooms/[room]/edit.tsx";
import * as route20 from "./routes/rooms/[room]/host.tsx";
import * as route21 from "./routes/rooms/[room]/index.tsx";
import * as route22 from "./routes/rooms/index.tsx";
import * as route23 from "./routes/sign-in.tsx";
import * as route24 from "./routes/sign-out.ts";
import * as island0 from "./islands/SessionSwitcher.tsx";
import * as island1 from "./islands/VideoPublisher.tsx";

export default {
  routes: {
    "./routes/_app.tsx": route0,
    "./routes/_error.tsx": route1,
    "./routes/_middleware.tsx": route2,
    "./routes/admin.html.ts": route3,
    "./routes/admin.ts": route4,
    "./routes/api/[...path].ts": route5,
    "./routes/download/[id].ts": route6,
    "./routes/history/[id]/delete.tsx": route7,
    "./routes/history/index.tsx": route8,
    "./routes/host.tsx": route9,
    "./routes/index.tsx": route10,
    "./routes/loopback/[...path].ts": route11,
    "./routes/open/[token].ts": route12,
    "./routes/participant.tsx": route13,
    "./routes/player.html.ts": route14,
    "./routes/player/[chainId]/delete.tsx": route15,
    "./routes/player/[chainId]/index.tsx": route16,
    "./routes/player/index.tsx": route17,
    "./routes/rooms/[room]/delete.tsx": route18,
    "./routes/rooms/[room]/edit.tsx": route19,
    "./routes/rooms/[room]/host.tsx": route20,
    "./routes/rooms/[room]/index.tsx": route21,
    "./routes/rooms/index.tsx": route22,
    "./routes/sign-in.tsx": route23,
    "./routes/sign-out.ts": route24,
  },
  islands: {
    "./islands/SessionSwitcher.tsx": island0,
    "./islands/VideoPublisher.tsx": island1,
  },
};
