import { untracked, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { hintRoom, joinRoom } from "../lib/api/client.ts";
import { Call } from "../lib/call/call.ts";
import { loadClient } from "../lib/call/client.ts";
import { loadRecorder } from "../lib/call/recorder.ts";
import { Devices, type Kind } from "../lib/call/devices.ts";
import { isRecording } from "../lib/call/recording_light.ts";
import { remember, remembered } from "../lib/call/remember.ts";
import { type RoomWatch, watchRoom } from "../lib/call/room_events.ts";
import { CallView } from "../lib/call/ui/CallView.tsx";
import { Lobby } from "../lib/call/ui/Lobby.tsx";

interface VideoPublisherProps {
  room: string;
  title: string;
  /** Whether this page is the host's: the server checks it again. */
  host: boolean;
}

/** A person's place in a room: the lobby, the call, and what comes after it. */
export default function VideoPublisher({ room, title, host }: VideoPublisherProps) {
  const watch = useSignal<RoomWatch | null>(null);
  const name = useSignal("");
  const microphoneOn = useSignal(true);
  const cameraOn = useSignal(true);
  /** From the press of Join until the call takes over: devices may still be opening. */
  const waiting = useSignal(false);
  const view = useSignal<RoomWatch["view"]["value"]>(null);
  const devices = useMemo(() => new Devices(), []);
  const call = useMemo(() =>
    new Call({
      enter: () => joinRoom(room, { name: name.value.trim(), host }),
      load: loadClient,
      loadRecorder,
      view,
      hint: () => hintRoom(room),
    }), []);
  const patience = useRef<(() => void) | null>(null);

  const source = () => ({
    name: name.value.trim(),
    microphone: devices.microphone.track.value,
    camera: devices.camera.track.value,
    microphoneOn: microphoneOn.value,
    cameraOn: cameraOn.value,
  });
  const join = async () => {
    if (waiting.value) return;
    waiting.value = true;
    remember({ name: name.value.trim() });
    const given = new Promise<void>((resolve) => patience.current = resolve);
    await Promise.race([devices.open(), given]);
    await call.join(source());
    waiting.value = false;
  };
  const leave = async () => {
    const left = call.leave();
    devices.close();
    await left;
  };
  const choose = async (kind: Kind, id: string) => {
    await devices.choose(kind, id);
    remember({ [kind]: devices[kind].chosen.value });
  };
  const toggle = (which: typeof microphoneOn) => {
    which.value = !which.value;
  };

  useEffect(() => {
    const before = remembered();
    if (name.value === "") name.value = before.name;
    devices.camera.chosen.value = before.camera;
    devices.microphone.chosen.value = before.microphone;
    devices.open();
    const watched = watchRoom(room);
    watch.value = watched;
    const stopViews = watched.view.subscribe((news) => view.value = news);
    const stopPeople = call.participants.subscribe((others) => {
      watched.here.value = call.state.value === "joined" ? others.length + 1 : 0;
    });
    const stopState = call.state.subscribe((state) => {
      watched.here.value = state === "joined" ? call.participants.value.length + 1 : 0;
    });
    const goAway = () => void leave();
    addEventListener("pagehide", goAway);
    return () => {
      removeEventListener("pagehide", goAway);
      stopViews();
      stopPeople();
      stopState();
      watched.release();
      leave();
    };
  }, []);

  // Muted, changed, unplugged, come late: whatever there is now is sent, without leaving the call.
  useSignalEffect(() => {
    const now = source();
    untracked(() => call.changeSource(now));
  });

  const state = call.state.value;
  const inCall = state === "joined" || state === "reconnecting";
  useEffect(() => {
    if (!inCall) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isTyping(event)) return;
      if (event.key === "m" && devices.microphone.track.value) toggle(microphoneOn);
      if (event.key === "v" && devices.camera.track.value) toggle(cameraOn);
    };
    addEventListener("beforeunload", warn);
    addEventListener("keydown", press);
    return () => {
      removeEventListener("beforeunload", warn);
      removeEventListener("keydown", press);
    };
  }, [inCall]);

  const recording = isRecording(call.archives.value, view.value);
  return (
    <section class="card call" aria-label={`Call: ${title}`}>
      <p class="call-recording" role="status">
        {recording && <span class="badge live">Recording</span>}
      </p>
      {inCall
        ? (
          <CallView
            call={call}
            devices={devices}
            name={name.value}
            room={room}
            microphoneOn={microphoneOn.value}
            cameraOn={cameraOn.value}
            toggleMicrophone={() => toggle(microphoneOn)}
            toggleCamera={() => toggle(cameraOn)}
            choose={choose}
            leave={leave}
          />
        )
        : state === "left"
        ? (
          <div class="empty">
            <h2>You left the call</h2>
            <p>Camera and microphone are off. The others can no longer see or hear you.</p>
            <button
              type="button"
              class="button primary"
              autofocus
              disabled={waiting.value}
              onClick={join}
            >
              Join again
            </button>
          </div>
        )
        : (
          <Lobby
            devices={devices}
            name={name.value}
            setName={(typed) => name.value = typed}
            choose={choose}
            problem={call.problem.value}
            joining={waiting.value || state === "joining"}
            join={join}
            joinWithout={() => patience.current?.()}
          />
        )}
    </section>
  );
}

/** Letters typed into a field are not shortcuts. */
function isTyping(event: KeyboardEvent): boolean {
  return event.target instanceof Element &&
    event.target.closest("input, select, textarea, dialog, [contenteditable]") !== null;
}
