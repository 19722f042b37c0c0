/** Before the call: who you are, how you look and sound, and the way in. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Devices, Kind } from "../devices.ts";
import type { Problem } from "../errors.ts";
import { DeviceFields } from "./DeviceFields.tsx";
import { Failure } from "./Failure.tsx";
import { CameraIcon } from "./icons.tsx";
import { OwnPicture } from "./Tile.tsx";

interface LobbyProps {
  devices: Devices;
  name: string;
  setName(name: string): void;
  choose(kind: Kind, id: string): void;
  /** Why the last attempt failed, or null. */
  problem: Problem | null;
  joining: boolean;
  join(): void;
  /** Gives up waiting for the camera and the microphone. */
  joinWithout(): void;
}

/** The lobby of a room. */
export function Lobby(props: LobbyProps) {
  const { devices, joining } = props;
  const input = useRef<HTMLInputElement>(null);
  const [ready, setReady] = useState(false);
  useEffect(() => {
    // A name may have been typed before this page's program was there.
    if (input.current?.value) props.setName(input.current.value);
    setReady(true);
  }, []);
  const camera = devices.camera.track.value;
  const asking = devices.opening.value;
  const refused = devices.camera.problem.value ?? devices.microphone.problem.value;
  const nothing = !asking && !camera && !devices.microphone.track.value;
  return (
    <form
      class="call-lobby"
      onSubmit={(event) => {
        event.preventDefault();
        props.join();
      }}
    >
      <div class="call-preview">
        {camera ? <OwnPicture track={camera} /> : (
          <div class="call-preview-empty">
            <CameraIcon off={!asking} />
            <p>
              {asking
                ? "Allow camera and microphone in the browser's question"
                : "Your camera is off"}
            </p>
          </div>
        )}
      </div>
      <div class="stack call-lobby-fields">
        <div class="field">
          <label for="call-name">Your name</label>
          <input
            id="call-name"
            ref={input}
            type="text"
            required
            maxLength={60}
            autocomplete="name"
            value={props.name}
            onInput={(event) => props.setName(event.currentTarget.value)}
          />
        </div>
        <DeviceFields devices={devices} choose={props.choose} />
        {refused && !asking && (
          <div class="notice warning stack tight" role="alert">
            {devices.problem.value && (
              <p>{devices.problem.value.text}. {devices.problem.value.remedy}</p>
            )}
            <button type="button" class="button small" onClick={() => devices.open()}>
              Try camera and microphone again
            </button>
          </div>
        )}
        {props.problem && (
          <Failure
            problem={props.problem}
            // A browser may not ask again for a module that it could not load (Chromium 150 does not).
            retry={props.problem.code === "ClientNotLoaded" ? () => location.reload() : props.join}
          />
        )}
        <div class="stack tight">
          <button type="submit" class="button primary call-join" disabled={joining || !ready}>
            {joining ? "Joining…" : "Join"}
          </button>
          {joining && asking && (
            <button type="button" class="button quiet" onClick={props.joinWithout}>
              Go on without camera and microphone
            </button>
          )}
          {nothing && (
            <p class="muted">
              You will join without camera and microphone: you see and hear the others.
            </p>
          )}
        </div>
      </div>
    </form>
  );
}
