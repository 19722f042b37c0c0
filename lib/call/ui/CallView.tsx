/** The call itself: everybody's tiles, what is wrong, and the controls. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Call } from "../call.ts";
import type { Devices, Kind } from "../devices.ts";
import { Controls } from "./Controls.tsx";
import { Failure } from "./Failure.tsx";
import { Stage } from "./Stage.tsx";
import { ForeignElement, OwnPicture, Tile } from "./Tile.tsx";

interface CallViewProps {
  call: Call;
  devices: Devices;
  name: string;
  room: string;
  microphoneOn: boolean;
  cameraOn: boolean;
  toggleMicrophone(): void;
  toggleCamera(): void;
  choose(kind: Kind, id: string): void;
  leave(): void;
}

/** A joined call. */
export function CallView(props: CallViewProps) {
  const { call, devices } = props;
  const others = call.participants.value;
  const problem = call.problem.value;
  const missing = call.secondaryProblem.value;
  const camera = devices.camera.track.value;
  const showsCamera = camera !== null && props.cameraOn;
  const frame = useRef<HTMLDivElement>(null);
  // The button that was pressed is gone: the focus would fall back to the top of the page.
  useEffect(() => frame.current?.focus({ preventScroll: true }), []);
  return (
    <div class="call-view" ref={frame} tabIndex={-1}>
      {call.state.value === "reconnecting" && (
        <p class="notice warning" role="alert">
          Reconnecting… Your network is interrupted; the call goes on as soon as it is back.
        </p>
      )}
      {problem && <Failure problem={problem} retry={() => call.retrySending()} />}
      {missing && (
        <Failure problem={missing} level="warning" retry={() => call.retrySecondary()}>
          The recording changes over, and you do not get through to its next part.
        </Failure>
      )}
      {call.recorderWarning.value && (
        <p class="notice warning" role="alert">{call.recorderWarning.value}</p>
      )}
      <Stage>
        <Tile
          key="me"
          name={props.name}
          suffix="you"
          muted={!props.microphoneOn || devices.microphone.track.value === null}
          hasPicture={showsCamera}
        >
          <OwnPicture track={camera} />
        </Tile>
        {others.map((one) => (
          <Tile
            key={one.id}
            name={one.name}
            muted={!one.hasAudio}
            speaking={one.speaking}
            hasPicture={one.hasVideo && one.element !== null}
            message={one.problem && (
              <>
                <p>{one.problem.text}</p>
                <button
                  type="button"
                  class="button small"
                  onClick={() => call.retryReceiving(one.id)}
                >
                  Retry
                </button>
              </>
            )}
          >
            <ForeignElement element={one.element} />
          </Tile>
        ))}
      </Stage>
      {others.length === 0 && <Alone room={props.room} />}
      <Controls {...props} />
    </div>
  );
}

function Alone({ room }: { room: string }) {
  const copied = useSignal<"no" | "yes" | "failed">("no");
  const copy = async () => {
    const address = room === "main" ? "/participant" : `/rooms/${room}`;
    try {
      await navigator.clipboard.writeText(new URL(address, location.href).href);
      copied.value = "yes";
    } catch {
      // Forbidden by the browser or its owner: say where the link is instead.
      copied.value = "failed";
    }
  };
  return (
    <div class="call-alone">
      <p>You are the only one here.</p>
      <button type="button" class="button small" onClick={copy}>Copy invitation link</button>
      <span class="muted" aria-live="polite">
        {copied.value === "yes" && "Copied"}
        {copied.value === "failed" && "Copy the address of this page instead"}
      </span>
    </div>
  );
}
