/**
 * Runs inside Chromium: one participant's {@link Call} on the real SDK, with tracks and signals that a
 * test can use. See `call_site.ts`.
 */
import { effect, signal } from "@preact/signals";
import { Call, type CallParts } from "../../lib/call/call.ts";
import { type Client, loadClient, type Session } from "../../lib/call/client.ts";
import { CallError } from "../../lib/call/errors.ts";
import type { Source } from "../../lib/call/lane.ts";
import { loadRecorder } from "../../lib/call/recorder.ts";
import { joinSchema, type RoomView, roomViewSchema } from "../../lib/recording/views.ts";
import { type Colour, COLOURS, drawFrame } from "../support/frame_code.ts";

/** How a participant takes part. */
export interface CallPageOptions {
  name: string;
  /** False: this page never records. */
  records?: boolean;
  /** False: joins without camera and microphone. */
  sends?: boolean;
  /** False: takes no part in the secondary session, whatever the room wants. */
  hasSecondary?: boolean;
  /** True: the fake devices of the browser; else a drawn camera and generated audio. */
  usesDevices?: boolean;
  camera?: { colour: Colour; fps?: number };
  /** Frequency of the generated audio, Hz. */
  toneHz?: number;
  limits?: CallParts["limits"];
  rejoinPausesMs?: number[];
}

/** The state of a call, in plain data. */
export interface CallSnapshot {
  state: string;
  problem: string | null;
  secondary: string;
  secondaryProblem: string | null;
  participants: {
    id: string;
    name: string;
    hasAudio: boolean;
    hasVideo: boolean;
    hasElement: boolean;
    speaking: boolean;
    problem: string | null;
  }[];
  archives: [string, string][];
  warning: string | null;
  hints: number;
  /** Handlers on the sessions that the call has not removed. */
  handlers: number;
}

/** What tests use through `page.evaluate`. */
export interface CallPage {
  /** Makes a call and its tracks, in place of an earlier one that has ended. */
  open(options: CallPageOptions): Promise<void>;
  join(): Promise<void>;
  leave(): Promise<void>;
  retrySending(): Promise<void>;
  retrySecondary(): void;
  retryReceiving(name: string): void;
  /** Says whether the room wants everyone in the secondary session; null: its state is unknown. */
  want(secondaryWanted: boolean | null): void;
  /** Sends something else from now on; `camera: false` for none, `"new"` for another track. */
  change(
    change: { microphoneOn?: boolean; cameraOn?: boolean; camera?: boolean | "new" },
  ): Promise<void>;
  /** Signals everyone in the primary session as any participant can. */
  signal(type: string): Promise<void>;
  /** Stops and continues drawing: the track stays live and delivers nothing. */
  freeze(frozen: boolean): void;
  snapshot(): CallSnapshot;
  /** Resolves as soon as the state fits. */
  until(fits: (now: CallSnapshot) => boolean): Promise<CallSnapshot>;
  /** What happened in the sessions: "primary streamCreated Bo". */
  readonly log: string[];
  /** States of the clones of the tracks that were given to the call, by kind. */
  clones(kind: "audio" | "video"): string[];
  /** Whether the camera that the participant sees itself is still live. */
  isCameraLive(): boolean;
  /** Resolves when a participant's video has shown so many new frames. */
  moving(name: string, frames?: number): Promise<void>;
}

declare global {
  var callPage: CallPage;
}

const WIDTH = 320;
const HEIGHT = 240;
const DEFAULT_FPS = 15;

let call: Call | null = null;
let options: CallPageOptions = { name: "" };
let source: Source | null = null;
let isFrozen = false;
/** Ends what makes the tracks of the call. */
const endings: (() => void)[] = [];
const view = signal<RoomView | null>(viewOf(false));
const hints = signal(0);
const handlers = signal(0);
const log: string[] = [];
const clones: MediaStreamTrack[] = [];
const sessions = new Map<string, { real: Session; facade: Session; name: string }>();

function theCall(): Call {
  if (!call) throw new Error("The call is not open");
  return call;
}

function viewOf(secondaryWanted: boolean): RoomView {
  return roomViewSchema.parse({
    room: "main",
    nowMs: 0,
    secondaryWanted,
    chain: null,
    parts: [],
    procedure: null,
    nextHandoverAtMs: null,
    alerts: [],
    notice: null,
  });
}

/** Number of the frame at this time: pages of one machine agree, so that numbers are a clock. */
function frameNumber(fps: number): number {
  return Math.floor(Date.now() * fps / 1000) % 65_536;
}

/** A camera that draws numbered frames. */
function drawnCamera(colour: Colour, fps: number): MediaStreamTrack {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [WIDTH, HEIGHT];
  const context = canvas.getContext("2d");
  if (!context) throw new Error("Cannot make a 2d canvas");
  let last = -1;
  const draw = () => {
    const number = frameNumber(fps);
    if (isFrozen || number === last) return;
    last = number;
    drawFrame(context, WIDTH, HEIGHT, number, colour);
  };
  draw();
  const [track] = canvas.captureStream().getVideoTracks();
  if (!track) throw new Error("Cannot capture the canvas");
  const timer = setInterval(draw, 250 / fps);
  endings.push(() => clearInterval(timer));
  return track;
}

/** A microphone that plays a steady tone. */
function generatedMicrophone(hz: number): MediaStreamTrack {
  const context = new AudioContext({ sampleRate: 48_000 });
  const tone = new OscillatorNode(context, { frequency: hz });
  const destination = context.createMediaStreamDestination();
  tone.connect(new GainNode(context, { gain: 0.3 })).connect(destination);
  tone.start();
  endings.push(() => void context.close());
  const [track] = destination.stream.getAudioTracks();
  if (!track) throw new Error("Cannot generate audio");
  return track;
}

function watchClones(track: MediaStreamTrack | null): MediaStreamTrack | null {
  if (!track) return null;
  track.clone = () => {
    const clone = MediaStreamTrack.prototype.clone.call(track);
    clones.push(clone);
    return clone;
  };
  return track;
}

async function openTracks(): Promise<Source> {
  const { name, camera, toneHz, sends = true, usesDevices = false } = options;
  const given: Source = {
    name,
    microphone: null,
    camera: null,
    microphoneOn: true,
    cameraOn: true,
  };
  if (!sends) return given;
  if (usesDevices) {
    const stream = await navigator.mediaDevices.getUserMedia({
      video: { width: 640, height: 480 },
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
    given.camera = watchClones(stream.getVideoTracks()[0] ?? null);
    given.microphone = watchClones(stream.getAudioTracks()[0] ?? null);
  } else {
    if (camera) given.camera = watchClones(drawnCamera(camera.colour, camera.fps ?? DEFAULT_FPS));
    if (toneHz) given.microphone = watchClones(generatedMicrophone(toneHz));
  }
  return given;
}

/** Asks the site for the tokens of both sessions; a refusal is thrown as the app's would be. */
async function enter(): ReturnType<CallParts["enter"]> {
  const { name, records = true } = options;
  const response = await fetch("/enter", { method: "POST", body: JSON.stringify({ name }) });
  const answer = await response.json();
  if (!response.ok) throw new CallError(answer);
  const join = joinSchema.parse(answer);
  for (const lane of ["primary", "secondary"] as const) names.set(join[lane].sessionId, lane);
  return records ? join : { ...join, client: { proxyUrl: join.client.proxyUrl } };
}

const names = new Map<string, string>();

/** The SDK, with sessions whose handlers are counted and whose events are logged. */
async function load(join: Parameters<CallParts["load"]>[0]): Promise<Client> {
  const client = await loadClient(join);
  return {
    initPublisher: client.initPublisher,
    initSession: (apiKey, sessionId, more) =>
      watchSession(sessionId, client.initSession(apiKey, sessionId, more)),
  };
}

function watchSession(sessionId: string, real: Session): Session {
  const known = sessions.get(sessionId);
  if (known?.real === real) return known.facade;
  const name = names.get(sessionId) ?? sessionId;
  const note = (text: string) => void log.push(`${name} ${text}`);
  real.on("streamCreated", ({ stream }) => note(`streamCreated ${stream.name}`));
  real.on("streamDestroyed", ({ stream }) => note(`streamDestroyed ${stream.name}`));
  real.on("signal", ({ type, from }) => note(`${type} from ${from ? "a client" : "the server"}`));
  real.on("sessionReconnecting", () => note("sessionReconnecting"));
  real.on("sessionReconnected", () => note("sessionReconnected"));
  real.on("sessionDisconnected", ({ reason }) => note(`sessionDisconnected ${reason}`));
  const registered: [string, unknown][] = [];
  const facade = new Proxy(real, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        const [event, handler] = args;
        if (property === "on") registered.push([String(event), handler]);
        if (property === "off") {
          const at = registered.findIndex(([e, h]) => e === event && h === handler);
          if (at >= 0) registered.splice(at, 1);
        }
        if (property === "on" || property === "off") countHandlers();
        return value.apply(target, args);
      };
    },
  });
  const counts = { real, facade, name, registered };
  sessions.set(sessionId, counts);
  registrations.push(registered);
  return facade;
}

const registrations: [string, unknown][][] = [];

function countHandlers(): void {
  handlers.value = registrations.reduce((sum, each) => sum + each.length, 0);
}

function snapshot(): CallSnapshot {
  const call = theCall();
  return {
    state: call.state.value,
    problem: call.problem.value?.code ?? null,
    secondary: call.secondary.value,
    secondaryProblem: call.secondaryProblem.value?.code ?? null,
    participants: call.participants.value.map((one) => ({
      id: one.id,
      name: one.name,
      hasAudio: one.hasAudio,
      hasVideo: one.hasVideo,
      hasElement: one.element !== null,
      speaking: one.speaking,
      problem: one.problem?.code ?? null,
    })),
    archives: [...call.archives.value],
    warning: call.recorderWarning.value,
    hints: hints.value,
    handlers: handlers.value,
  };
}

function find(name: string) {
  const found = theCall().participants.value.find((one) => one.name === name);
  if (!found) throw new Error(`"${name}" is not in the call`);
  return found;
}

globalThis.callPage = {
  log,
  async open(given) {
    options = given;
    for (const end of endings.splice(0)) end();
    document.body.replaceChildren();
    clones.length = log.length = 0;
    hints.value = 0;
    view.value = viewOf(false);
    source = await openTracks();
    call = new Call({
      enter,
      load,
      loadRecorder,
      view,
      hint: () => hints.value++,
      ...(given.limits && { limits: given.limits }),
      ...(given.rejoinPausesMs && { rejoinPausesMs: given.rejoinPausesMs }),
    });
    // Media elements play only in the page, as in the app.
    call.participants.subscribe((participants) => {
      for (const { element } of participants) if (element) document.body.append(element);
    });
    addEventListener("pagehide", () => void call?.leave());
  },
  join: () => theCall().join(source ?? { ...emptySource }),
  leave: () => theCall().leave(),
  retrySending: () => theCall().retrySending(),
  retrySecondary: () => theCall().retrySecondary(),
  retryReceiving: (name) => theCall().retryReceiving(find(name).id),
  want(secondaryWanted) {
    if (options.hasSecondary === false) return;
    view.value = secondaryWanted === null ? null : viewOf(secondaryWanted);
  },
  async change({ camera, ...change }) {
    const before = source ?? emptySource;
    source = { ...before, ...change };
    if (camera === false) source.camera = null;
    else if (camera !== undefined) {
      const { colour = "magenta", fps = DEFAULT_FPS } = options.camera ?? {};
      source.camera = watchClones(drawnCamera(colour, fps));
    }
    await theCall().changeSource(source);
  },
  async signal(type) {
    const session = [...sessions.values()].find(({ name }) => name === "primary")?.real;
    const sent = Promise.withResolvers<void>();
    session?.signal({ type, data: "" }, (error) => error ? sent.reject(error) : sent.resolve());
    await sent.promise;
  },
  freeze(frozen) {
    isFrozen = frozen;
  },
  snapshot,
  until: (fits) =>
    new Promise((resolve) => {
      let stop: (() => void) | null = null;
      let isDone = false;
      stop = effect(() => {
        const now = snapshot();
        if (isDone || !fits(now)) return;
        isDone = true;
        resolve(now);
        queueMicrotask(() => stop?.());
      });
    }),
  clones: (kind) => clones.filter((one) => one.kind === kind).map((one) => one.readyState),
  isCameraLive: () => source?.camera?.readyState === "live",
  async moving(name, frames = 2) {
    const { element } = find(name);
    if (!(element instanceof HTMLVideoElement)) throw new Error(`"${name}" has no video`);
    for (let i = 0; i < frames; i++) {
      await new Promise((resolve) => element.requestVideoFrameCallback(resolve));
    }
  },
};

const emptySource: Source = {
  name: "",
  microphone: null,
  camera: null,
  microphoneOn: true,
  cameraOn: true,
};

/** The colours that a drawn camera may have. */
export const CAMERA_COLOURS = Object.keys(COLOURS);
