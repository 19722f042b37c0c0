/** Runs inside Chromium: a page that calls as `lib/call/` does, with everything it hears kept. */
import OT from "../../lib/loopback/browser/mod.ts";
import type SDK from "@opentok/client";

/** What a test asks of a page. */
export interface CallTools {
  /** Everything the sessions, publishers and subscribers said, in order: "primary streamCreated". */
  log: string[];
  /** Opens camera and microphone once. */
  open(constraints: MediaStreamConstraints): Promise<void>;
  /** Connects to a session under a name of the test's. */
  connect(lane: string, sessionId: string, token: string): Promise<void>;
  /** Publishes the camera (the first lane) or clones of its tracks (the others). */
  publish(lane: string, name: string): Promise<string>;
  unpublish(lane: string): void;
  publishVideo(value: boolean): void;
  publishAudio(value: boolean): void;
  /** Subscribes to everybody, now and later. */
  subscribeAll(lane: string): void;
  signal(lane: string, type: string, data: string): Promise<void>;
  disconnect(lane: string): Promise<void>;
  /** Names and properties of the streams that are there. */
  streams(lane: string): { name: string; hasAudio: boolean; hasVideo: boolean }[];
  /** Waits until the log holds a line that starts so. */
  heard(prefix: string): Promise<string>;
}

declare global {
  var call: CallTools;
}

const apiKey = "loopback";
const sessions = new Map<string, SDK.Session>();
const publishers = new Map<string, SDK.Publisher>();
const present = new Map<string, Map<string, SDK.Stream>>();
const log: string[] = [];
const listeners = new Set<() => void>();
let media = new MediaStream();

function note(line: string): void {
  log.push(line);
  for (const listener of [...listeners]) listener();
}

function done(run: (callback: (error?: SDK.OTError) => void) => void): Promise<void> {
  return new Promise((resolve, reject) =>
    run((error) => error ? reject(new Error(`${error.name}: ${error.message}`)) : resolve())
  );
}

function session(lane: string): SDK.Session {
  const found = sessions.get(lane);
  if (!found) throw new Error(`Not connected: ${lane}`);
  return found;
}

function watch(lane: string, joined: SDK.Session): void {
  const streams = new Map<string, SDK.Stream>();
  present.set(lane, streams);
  for (
    const type of [
      "sessionConnected",
      "sessionReconnecting",
      "sessionReconnected",
    ]
  ) joined.on(type, () => note(`${lane} ${type}`));
  joined.on("sessionDisconnected", ({ reason }) => note(`${lane} sessionDisconnected ${reason}`));
  joined.on("streamCreated", ({ stream }) => {
    streams.set(stream.streamId, stream);
    note(`${lane} streamCreated ${stream.name}`);
  });
  joined.on("streamDestroyed", ({ stream, reason }) => {
    streams.delete(stream.streamId);
    note(`${lane} streamDestroyed ${stream.name} ${reason}`);
  });
  joined.on(
    "streamPropertyChanged",
    ({ stream, changedProperty, newValue }) =>
      note(`${lane} streamPropertyChanged ${stream.name} ${changedProperty} ${newValue}`),
  );
  joined.on("archiveStarted", ({ name }) => note(`${lane} archiveStarted ${name}`));
  joined.on("archiveStopped", ({ name }) => note(`${lane} archiveStopped ${name}`));
  joined.on("connectionCreated", () => note(`${lane} connectionCreated`));
  joined.on("connectionDestroyed", ({ reason }) => note(`${lane} connectionDestroyed ${reason}`));
  joined.on(
    "signal:test",
    ({ data, from }) => note(`${lane} signal:test ${data} ${from ? "client" : "server"}`),
  );
}

function show(lane: string, stream: SDK.Stream): void {
  const subscriber = session(lane).subscribe(
    stream,
    undefined,
    { insertDefaultUI: false },
    (error) => note(`${lane} subscribed ${stream.name} ${error?.name ?? "ok"}`),
  );
  subscriber.on("videoElementCreated", ({ element }) => {
    element.dataset["name"] = stream.name;
    document.body.append(element);
    note(`${lane} videoElementCreated ${stream.name}`);
  });
  subscriber.on("destroyed", ({ reason }) => note(`${lane} unsubscribed ${stream.name} ${reason}`));
}

globalThis.call = {
  log,
  async open(constraints) {
    media = await navigator.mediaDevices.getUserMedia(constraints);
  },
  async connect(lane, sessionId, token) {
    const joined = OT.initSession(apiKey, sessionId);
    sessions.set(lane, joined);
    watch(lane, joined);
    await done((callback) => joined.connect(token, callback));
  },
  async publish(lane, name) {
    const tracks = publishers.size === 0 ? media.getTracks() : media.clone().getTracks();
    const publisher = OT.initPublisher(undefined, {
      insertDefaultUI: false,
      name,
      audioSource: tracks.find(({ kind }) => kind === "audio") ?? null,
      videoSource: tracks.find(({ kind }) => kind === "video") ?? null,
    });
    publishers.set(lane, publisher);
    publisher.on("streamDestroyed", ({ reason }) => note(`${lane} own streamDestroyed ${reason}`));
    await done((callback) => session(lane).publish(publisher, callback));
    return publisher.stream?.streamId ?? "";
  },
  unpublish(lane) {
    const publisher = publishers.get(lane);
    if (publisher) session(lane).unpublish(publisher);
    publishers.delete(lane);
  },
  publishVideo(value) {
    for (const publisher of publishers.values()) publisher.publishVideo(value);
  },
  publishAudio(value) {
    for (const publisher of publishers.values()) publisher.publishAudio(value);
  },
  subscribeAll(lane) {
    for (const stream of present.get(lane)?.values() ?? []) show(lane, stream);
    session(lane).on("streamCreated", ({ stream }) => show(lane, stream));
  },
  async signal(lane, type, data) {
    await done((callback) => session(lane).signal({ type, data }, callback));
  },
  async disconnect(lane) {
    await session(lane).disconnect();
  },
  streams(lane) {
    return [...present.get(lane)?.values() ?? []]
      .map(({ name, hasAudio, hasVideo }) => ({ name, hasAudio, hasVideo }));
  },
  heard(prefix) {
    return new Promise((resolve) => {
      const look = () => {
        const line = log.find((each) => each.startsWith(prefix));
        if (line === undefined) return;
        listeners.delete(look);
        resolve(line);
      };
      listeners.add(look);
      look();
    });
  },
};
