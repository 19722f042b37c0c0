/**
 * What a call promises, on the real SDK: pages in Chromium, the emulator as the platform, and a proxy
 * between them that breaks what a network or a platform can break. Deadlines are short here.
 */
import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { launchChromium } from "../support/chromium.ts";
import { FaultProxy } from "../support/fault_proxy.ts";
import type { CallPageOptions } from "./call_page.ts";
import { type CallSite, eventually, joinCall, openCallSite, until } from "./call_site.ts";

/** Generous where nothing is broken. */
const LIMITS = { connectMs: [15_000, 15_000], publishMs: 15_000, subscribeMs: 15_000 };
/** Deadline of a step that is left without an answer, ms. */
const SHORT_MS = 1_500;
/** How long the emulator waits for a client that lost its socket, ms. */
const CLIENT_GRACE_MS = 1_500;
const MESSAGING = /SOCKET .*messaging/;
const CREATE_STREAM = /^create stream$/;

const ADA: CallPageOptions = {
  name: "Ada",
  camera: { colour: "magenta" },
  toneHz: 500,
  limits: LIMITS,
  rejoinPausesMs: [0, 0],
};
const REFUSED = { code: "http-403", text: "This room needs a link", remedy: "Ask the host." };

/** The world of every step: Ada's page is opened anew for each. */
interface World {
  site: CallSite;
  proxy: FaultProxy;
  ada: Page;
  /** Opens Ada's call with other options, before she joins. */
  openAda(options: Partial<CallPageOptions>): Promise<void>;
  /** Another participant, without faults; leaves after the step. */
  join(options: CallPageOptions): Promise<Page>;
}

Deno.test({
  name: "a call on the real SDK",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    const browser = await launchChromium();
    try {
      await using site = await openCallSite({ timings: { clientGraceMs: CLIENT_GRACE_MS } });
      await using proxy = await FaultProxy.start(() => site.origin);
      const ada = await site.open(browser, ADA, { origin: proxy.origin });
      // Loading the SDK takes long: pages are used again.
      const pages: Page[] = [];
      for (const [name, run] of CASES) {
        await t.step(name, () => runCase({ site, proxy, browser, ada, pages }, run));
      }
    } finally {
      await browser.close();
    }
  },
});

async function runCase(
  { site, proxy, browser, ada, pages }: Pick<World, "site" | "proxy" | "ada"> & {
    browser: Browser;
    pages: Page[];
  },
  run: (world: World) => Promise<void>,
): Promise<void> {
  const others: Page[] = [];
  const openAda = (options: Partial<CallPageOptions>) =>
    ada.evaluate((options) => callPage.open(options), { ...ADA, ...options });
  try {
    site.entered.length = site.answers.length = proxy.journal.length = 0;
    await openAda({});
    await run({
      site,
      proxy,
      ada,
      openAda,
      async join(options) {
        const known = pages.find((page) => !others.includes(page));
        await known?.evaluate((options) => callPage.open(options), options);
        const page = known ?? await site.open(browser, options);
        others.push(page);
        if (!known) pages.push(page);
        await joinCall(page);
        return page;
      },
    });
    await ada.evaluate(() => callPage.leave());
    const { handlers } = await ada.evaluate(() => callPage.snapshot());
    assert.equal(handlers, 0, "handlers are left on a session");
  } finally {
    proxy.heal();
    await ada.evaluate(() => callPage.leave());
    await Promise.all(others.map((page) => page.evaluate(() => callPage.leave())));
    await eventually(
      () => site.records.connections(),
      ({ length }) => length === 0,
    );
  }
}

/** Cuts Ada's connections and keeps them cut until the platform has given her up. */
async function loseConnection({ site, proxy }: World): Promise<void> {
  proxy.fault({ match: MESSAGING, mode: "hang", times: 100 });
  proxy.sockets("drop", /messaging/);
  await eventually(() => site.connected(site.primary), (names) => !names.includes("Ada"));
  proxy.heal();
}

const connects = ({ proxy }: World) => proxy.journal.filter(({ call }) => MESSAGING.test(call));
const createStreams = ({ proxy }: World) =>
  proxy.journal.filter(({ call }) => CREATE_STREAM.test(call));
const wantSecondary = async ({ ada }: World) => {
  await ada.evaluate(() => callPage.want(true));
  await until(ada, (now) => now.secondary === "on");
};

const CASES: [name: string, run: (world: World) => Promise<void>][] = [
  ["a call sends clones of the tracks, and leaves nothing behind", async ({ site, ada }) => {
    await joinCall(ada);
    assert.deepEqual((await site.published(site.primary)).map(({ name }) => name), ["Ada"]);
    assert.deepEqual(await ada.evaluate(() => callPage.clones("video")), ["live"]);
    await ada.evaluate(() => callPage.leave());
    await eventually(() => site.connected(site.primary), ({ length }) => length === 0);
    assert.deepEqual(await ada.evaluate(() => callPage.clones("video")), ["ended"]);
    assert.ok(await ada.evaluate(() => callPage.isCameraLive()), "the preview goes on");
    assert.equal((await ada.evaluate(() => callPage.snapshot())).state, "left");
  }],
  ["a call without camera and microphone joins and sends nothing", async (world) => {
    const { site, ada } = world;
    await world.openAda({ sends: false });
    await joinCall(ada);
    assert.deepEqual(await site.connected(site.primary), ["Ada"]);
    assert.deepEqual(await site.published(site.primary), []);
  }],
  ["a first connection without an answer is broken off and made again", async (world) => {
    await world.openAda({ limits: { ...LIMITS, connectMs: [SHORT_MS, 15_000] } });
    world.proxy.fault({ match: MESSAGING, mode: "hang" });
    await joinCall(world.ada);
    assert.equal(connects(world).length, 2);
    assert.equal(world.site.entered.length, 1, "with the same tokens");
  }],
  ["a refused connection fails with a message, and can be tried again", async ({ site, ada }) => {
    site.answers.push("invalid token");
    await ada.evaluate(() => callPage.join());
    const failed = await ada.evaluate(() => callPage.snapshot());
    assert.deepEqual([failed.state, failed.problem, failed.handlers], [
      "failed",
      "OT_AUTHENTICATION_ERROR",
      0,
    ]);
    await joinCall(ada);
    assert.equal((await ada.evaluate(() => callPage.snapshot())).problem, null);
  }],
  ["a server that refuses a participant fails the call with its own message", async (world) => {
    world.site.answers.push(REFUSED);
    await world.ada.evaluate(() => callPage.join());
    const { state, problem } = await world.ada.evaluate(() => callPage.snapshot());
    assert.deepEqual([state, problem], ["failed", REFUSED.code]);
    assert.equal(connects(world).length, 0);
  }],
  ["publishing without an answer ends at its deadline and stops its clones", async (world) => {
    await world.openAda({ limits: { ...LIMITS, publishMs: SHORT_MS } });
    world.proxy.fault({ match: CREATE_STREAM, mode: "hang" });
    await world.ada.evaluate(() => callPage.join());
    const { state, problem } = await world.ada.evaluate(() => callPage.snapshot());
    assert.deepEqual([state, problem], ["failed", "OT_TIMEOUT"]);
    assert.deepEqual(await world.ada.evaluate(() => callPage.clones("video")), ["ended"]);
  }],
  ["leaving while joining wins", async ({ site, ada }) => {
    await ada.evaluate(async () => {
      const joining = callPage.join();
      await callPage.leave();
      await joining;
    });
    assert.equal((await ada.evaluate(() => callPage.snapshot())).state, "left");
    await eventually(() => site.records.connections(), ({ length }) => length === 0);
  }],
  ["handlers are removed on leaving, however often one joins", async (world) => {
    const counts: number[] = [];
    for (let time = 0; time < 3; time++) {
      await joinCall(world.ada);
      await wantSecondary(world);
      counts.push((await world.ada.evaluate(() => callPage.snapshot())).handlers);
      await world.ada.evaluate(() => callPage.leave());
      await world.ada.evaluate(() => callPage.want(false));
      assert.equal((await world.ada.evaluate(() => callPage.snapshot())).handlers, 0);
    }
    assert.ok(counts[0]);
    assert.deepEqual(counts, [counts[0], counts[0], counts[0]]);
  }],
  ["while the room wants it, the same tracks are sent to the secondary session", async (world) => {
    const { site, ada } = world;
    await joinCall(ada);
    const before = await site.published(site.primary);
    await wantSecondary(world);
    assert.equal((await site.published(site.secondary)).length, 1);
    assert.deepEqual(await ada.evaluate(() => callPage.clones("video")), ["live", "live"]);
    await ada.evaluate(() => callPage.want(false));
    await until(ada, (now) => now.secondary === "off");
    await eventually(() => site.connected(site.secondary), ({ length }) => length === 0);
    assert.deepEqual(await site.published(site.primary), before, "the live call is not touched");
    assert.deepEqual(await ada.evaluate(() => callPage.clones("video")), ["live", "ended"]);
  }],
  ["nothing is received from the secondary session", async (world) => {
    const bo = await world.join({ name: "Bo", camera: { colour: "green" } });
    await joinCall(world.ada);
    await until(world.ada, ({ participants: [bo] }) => bo?.hasElement === true);
    const subscriptions = () =>
      world.proxy.journal.filter(({ call }) => call === "create stream/subscriber").length;
    assert.equal(subscriptions(), 1);
    await bo.evaluate(() => callPage.want(true));
    await wantSecondary(world);
    await eventually(
      () => world.site.published(world.site.secondary),
      ({ length }) => length === 2,
    );
    assert.equal(subscriptions(), 1);
  }],
  [
    "a participant who joins in the middle of a handover follows the room's state",
    async (world) => {
      await world.ada.evaluate(() => callPage.want(true));
      await world.ada.evaluate(() => callPage.join());
      await until(world.ada, (now) => now.secondary === "on");
      assert.equal((await world.site.published(world.site.secondary)).length, 1);
      await world.ada.evaluate(() => callPage.leave());
      await eventually(() => world.site.connected(world.site.secondary), ({ length }) => !length);
    },
  ],
  ["the server's signals count before the room's state; a participant's do not", async (world) => {
    const { site, ada } = world;
    const bo = await world.join({ name: "Bo", sends: false });
    await joinCall(ada);
    await bo.evaluate(() => callPage.signal("join"));
    await eventually(
      () => ada.evaluate(() => callPage.log),
      (log) => log.some((line) => line.includes("join from a client")),
    );
    assert.equal((await ada.evaluate(() => callPage.snapshot())).secondary, "off");
    await site.platform.signal(site.primary, { type: "join", data: "" });
    await until(ada, (now) => now.secondary === "on");
    await site.platform.signal(site.primary, { type: "leave", data: "" });
    await until(ada, (now) => now.secondary === "off");
    await eventually(() => site.connected(site.secondary), ({ length }) => length === 0);
  }],
  ["mute applies to both sessions, also while the second one is being joined", async (world) => {
    const { site, ada } = world;
    const sent = async () =>
      (await Promise.all([site.published(site.primary), site.published(site.secondary)])).flat()
        .map(({ audio, video }) => [audio, video]);
    await joinCall(ada);
    await ada.evaluate(async () => {
      callPage.want(true);
      await callPage.change({ microphoneOn: false });
    });
    await until(ada, (now) => now.secondary === "on");
    await eventually(sent, (all) => String(all) === "false,true,false,true");
    await ada.evaluate(() => callPage.change({ microphoneOn: true, cameraOn: false }));
    await eventually(sent, (all) => String(all) === "true,false,true,false");
  }],
  ["a second session that fails is tried again while the call goes on", async (world) => {
    const { site, proxy, ada } = world;
    await joinCall(ada);
    proxy.fault(
      { match: MESSAGING, mode: "drop" },
      { match: CREATE_STREAM, mode: "status", status: 500 },
    );
    await wantSecondary(world);
    assert.equal((await ada.evaluate(() => callPage.snapshot())).state, "joined");
    assert.equal((await site.published(site.secondary)).length, 1);
    assert.deepEqual(createStreams(world).map(({ status }) => status), [200, 500, 200]);
  }],
  [
    "a second session that hangs says so, is joined when asked, and is left at once",
    async (world) => {
      const { proxy, ada } = world;
      await world.openAda({ limits: { ...LIMITS, connectMs: [SHORT_MS] } });
      await joinCall(ada);
      proxy.fault({ match: MESSAGING, mode: "hang", times: 100 });
      await ada.evaluate(() => callPage.want(true));
      await until(ada, (now) => now.secondaryProblem === "OT_TIMEOUT");
      assert.equal((await ada.evaluate(() => callPage.snapshot())).state, "joined");
      proxy.heal();
      await ada.evaluate(() => callPage.retrySecondary());
      await until(ada, (now) => now.secondary === "on" && now.secondaryProblem === null);
      await ada.evaluate(() => callPage.want(false));
      await until(ada, (now) => now.secondary === "off");
      proxy.fault({ match: MESSAGING, mode: "hang", times: 100 });
      await ada.evaluate(() => callPage.want(true));
      await until(ada, (now) => now.secondary === "joining");
      await ada.evaluate(() => callPage.want(false));
      await until(ada, (now) => now.secondary === "off" && now.secondaryProblem === null);
    },
  ],
  ["a second session that is lost while it is wanted is joined again", async (world) => {
    const { site, ada } = world;
    await joinCall(ada);
    await wantSecondary(world);
    const [before] = await site.published(site.secondary);
    await site.forceDisconnect(site.secondary, "Ada");
    const [after] = await eventually(
      () => site.published(site.secondary),
      ([stream]) => stream !== undefined && stream.id !== before?.id,
    );
    assert.ok(after);
    await until(ada, (now) => now.secondary === "on" && now.state === "joined");
  }],
  ["a new device is sent on both sessions before the old stream is taken down", async (world) => {
    const { ada } = world;
    const bo = await world.join({ name: "Bo", sends: false });
    await bo.evaluate(() => callPage.want(true));
    await until(bo, (now) => now.secondary === "on");
    await joinCall(ada);
    await wantSecondary(world);
    await eventually(() => bo.evaluate(() => callPage.log), ({ length }) => length === 2);
    await bo.evaluate(() => void (callPage.log.length = 0));
    await ada.evaluate(() => callPage.change({ camera: "new" }));
    const log = await eventually(
      () => bo.evaluate(() => callPage.log),
      ({ length }) => length === 4,
    );
    for (const session of ["primary", "secondary"]) {
      assert.deepEqual(log.filter((line) => line.startsWith(session)), [
        `${session} streamCreated Ada`,
        `${session} streamDestroyed Ada`,
      ]);
    }
    assert.deepEqual(await ada.evaluate(() => callPage.clones("audio")), [
      "ended",
      "ended",
      "live",
      "live",
    ]);
  }],
  [
    "a device that cannot be sent leaves the old stream in place, and can be retried",
    async (world) => {
      const { site, proxy, ada } = world;
      await world.openAda({ limits: { ...LIMITS, publishMs: SHORT_MS } });
      await joinCall(ada);
      const before = await site.published(site.primary);
      proxy.fault(
        { match: CREATE_STREAM, mode: "status", status: 500 },
        { match: CREATE_STREAM, mode: "hang" },
      );
      for (const isTimeout of [false, true]) {
        await ada.evaluate(() => callPage.change({ camera: false }));
        const { problem, state } = await ada.evaluate(() => callPage.snapshot());
        assert.equal(state, "joined");
        assert.equal(problem === "OT_TIMEOUT", isTimeout, `${problem}`);
        assert.ok(problem);
        assert.deepEqual(await site.published(site.primary), before);
      }
      await ada.evaluate(() => callPage.retrySending());
      assert.equal((await ada.evaluate(() => callPage.snapshot())).problem, null);
      const [after] = await eventually(
        () => site.published(site.primary),
        (streams) => streams.length === 1 && streams[0]?.id !== before[0]?.id,
      );
      assert.equal(after?.video, false);
    },
  ],
  ["a camera that comes while the call is being joined is sent", async ({ site, ada }) => {
    await ada.evaluate(async () => {
      await callPage.change({ camera: false });
      const joining = callPage.join();
      await callPage.change({ camera: "new" });
      await joining;
    });
    assert.deepEqual((await site.published(site.primary)).map(({ video }) => video), [true]);
  }],
  ["a connection that is cut comes back, and what changed meanwhile is sent", async (world) => {
    const { site, proxy, ada } = world;
    await joinCall(ada);
    const [before] = await site.published(site.primary);
    proxy.fault({ match: MESSAGING, mode: "latency", ms: 600, times: 1 });
    proxy.sockets("drop", /messaging/);
    await until(ada, (now) => now.state === "reconnecting");
    await ada.evaluate(() => callPage.change({ camera: false }));
    await until(ada, (now) => now.state === "joined");
    const [after] = await eventually(
      () => site.published(site.primary),
      (streams) => streams.length === 1 && streams[0]?.id !== before?.id,
    );
    assert.equal(after?.video, false);
    assert.equal(site.entered.length, 1, "with the same tokens");
  }],
  ["a connection that is lost for good is made again with new tokens", async (world) => {
    const { site, ada } = world;
    await joinCall(ada);
    const rejoined = until(ada, (now) => now.state === "reconnecting");
    await loseConnection(world);
    await rejoined;
    await until(ada, (now) => now.state === "joined");
    assert.equal(site.entered.length, 2);
    await eventually(() => site.published(site.primary), ({ length }) => length === 1);
  }],
  ["a connection that stays lost fails the call after a few attempts", async (world) => {
    const { site, ada } = world;
    await joinCall(ada);
    site.answers.push(REFUSED, REFUSED);
    await loseConnection(world);
    const { problem } = await until(ada, (now) => now.state === "failed");
    assert.equal(problem, REFUSED.code);
    assert.equal(site.entered.length, 3);
  }],
  ["a participant whom the host removed stays out", async ({ site, ada }) => {
    await joinCall(ada);
    await site.forceDisconnect(site.primary, "Ada");
    const { problem } = await until(ada, (now) => now.state === "failed");
    assert.equal(problem, "forceDisconnected");
    assert.equal(site.entered.length, 1);
  }],
  [
    "participants come and go, two of one name apart, also those who send nothing",
    async (world) => {
      await joinCall(world.ada);
      const bo = await world.join({ name: "Bo", toneHz: 700 });
      const other = await world.join({ name: "Bo", toneHz: 900 });
      await world.join({ name: "Quiet", sends: false });
      await until(
        world.ada,
        ({ participants }) =>
          String(participants.map(({ name, hasAudio }) => [name, hasAudio])) ===
            "Bo,true,Bo,true,Quiet,false",
      );
      await bo.evaluate(() => callPage.change({ microphoneOn: false }));
      await other.evaluate(() => callPage.leave());
      await until(
        world.ada,
        ({ participants }) =>
          String(participants.map(({ name, hasAudio }) => [name, hasAudio])) ===
            "Bo,false,Quiet,false",
      );
      await world.ada.evaluate(() => callPage.leave());
      assert.deepEqual((await world.ada.evaluate(() => callPage.snapshot())).participants, []);
    },
  ],
  ["a participant who speaks is marked, and no longer when silent", async (world) => {
    await joinCall(world.ada);
    const bo = await world.join({ name: "Bo", toneHz: 700 });
    await until(world.ada, ({ participants: [bo] }) => bo?.speaking === true);
    await bo.evaluate(() => callPage.change({ microphoneOn: false }));
    await until(world.ada, ({ participants: [bo] }) => bo?.speaking === false);
  }],
  [
    "a stream that cannot be received is tried three times, and at once when asked",
    async (world) => {
      const { proxy, ada } = world;
      const subscribe = /^create stream\/subscriber$/;
      const attempts = () => proxy.journal.filter(({ call }) => subscribe.test(call)).length;
      await world.openAda({ limits: { ...LIMITS, subscribeMs: 2 * SHORT_MS } });
      await joinCall(ada);
      const refuse = { match: subscribe, mode: "status", status: 500 } as const;
      proxy.fault(refuse, { match: subscribe, mode: "hang" }, refuse);
      await world.join({ name: "Bo", camera: { colour: "green" } });
      await until(ada, ({ participants: [bo] }) => bo?.problem === "OT_TIMEOUT");
      await eventually(attempts, (count) => count === 3);
      await until(
        ada,
        ({ participants: [bo] }) => !["OT_TIMEOUT", null, undefined].includes(bo?.problem),
      );
      proxy.fault({ match: subscribe, mode: "hang" });
      await ada.evaluate(() => callPage.retryReceiving("Bo"));
      assert.equal((await ada.evaluate(() => callPage.snapshot())).participants[0]?.problem, null);
      await eventually(attempts, (count) => count === 4);
      // An attempt that hangs holds up no other.
      await ada.evaluate(() => callPage.retryReceiving("Bo"));
      await until(ada, ({ participants: [bo] }) => bo?.hasElement === true && bo.problem === null);
      await ada.evaluate(() => callPage.moving("Bo"));
    },
  ],
  [
    "events of archives on both sessions are kept; those of a session that was left are dropped",
    async (world) => {
      const { site, ada } = world;
      const composed = { hasAudio: true, hasVideo: false, outputMode: "composed" } as const;
      await joinCall(ada);
      const first = await site.startArchive(site.primary, { name: "x", ...composed });
      await wantSecondary(world);
      const second = await site.startArchive(site.secondary, { name: "x", ...composed });
      await until(ada, ({ archives }) => archives.length === 2);
      await site.platform.stopArchive(first.id);
      const { archives } = await until(ada, ({ archives: [first] }) => first?.[1] === "stopped");
      assert.deepEqual(archives, [[first.id, "stopped"], [second.id, "started"]]);
      await ada.evaluate(() => callPage.want(false));
      const left = await until(ada, (now) => now.secondary === "off");
      assert.deepEqual(left.archives, [[first.id, "stopped"]]);
      await site.platform.stopArchive(second.id);
    },
  ],
  ["the server is notified once of archives that end together", async (world) => {
    const { site, ada } = world;
    const options = { name: "x", hasAudio: true, hasVideo: false, outputMode: "composed" } as const;
    await joinCall(ada);
    const archives = await Promise.all(
      ["a", "b"].map((multiArchiveTag) =>
        site.startArchive(site.primary, { ...options, multiArchiveTag })
      ),
    );
    await until(ada, ({ archives }) => archives.length === 2);
    assert.equal((await ada.evaluate(() => callPage.snapshot())).hints, 0);
    await Promise.all(archives.map(({ id }) => site.platform.stopArchive(id)));
    await until(ada, ({ archives }) => archives.every(([, state]) => state === "stopped"));
    assert.equal((await ada.evaluate(() => callPage.snapshot())).hints, 1);
  }],
];
