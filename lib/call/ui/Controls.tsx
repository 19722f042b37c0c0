/** The bar of buttons under a call. */
import { useRef } from "preact/hooks";
import type { Devices, Kind } from "../devices.ts";
import { DeviceFields } from "./DeviceFields.tsx";
import { CameraIcon, DevicesIcon, LeaveIcon, MicrophoneIcon } from "./icons.tsx";

interface ControlsProps {
  devices: Devices;
  microphoneOn: boolean;
  cameraOn: boolean;
  toggleMicrophone(): void;
  toggleCamera(): void;
  choose(kind: Kind, id: string): void;
  leave(): void;
}

/** Mute, camera, devices, leave. Without a device its button says so and cannot be pressed. */
export function Controls(props: ControlsProps) {
  const { devices, microphoneOn, cameraOn } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const hasMicrophone = devices.microphone.track.value !== null;
  const hasCamera = devices.camera.track.value !== null;
  return (
    <div class="call-controls" role="toolbar" aria-label="Call">
      <button
        type="button"
        class={`button${microphoneOn ? "" : " call-off"}`}
        disabled={!hasMicrophone}
        title={hasMicrophone ? undefined : "No microphone: choose one under Devices"}
        onClick={props.toggleMicrophone}
        aria-keyshortcuts="m"
      >
        <MicrophoneIcon off={!microphoneOn || !hasMicrophone} />
        <span>{microphoneOn ? "Mute microphone" : "Unmute microphone"}</span>
      </button>
      <button
        type="button"
        class={`button${cameraOn ? "" : " call-off"}`}
        disabled={!hasCamera}
        title={hasCamera ? undefined : "No camera: choose one under Devices"}
        onClick={props.toggleCamera}
        aria-keyshortcuts="v"
      >
        <CameraIcon off={!cameraOn || !hasCamera} />
        <span>{cameraOn ? "Turn camera off" : "Turn camera on"}</span>
      </button>
      <button type="button" class="button" onClick={() => dialog.current?.showModal()}>
        <DevicesIcon />
        <span>Devices</span>
      </button>
      <button type="button" class="button danger primary" onClick={props.leave}>
        <LeaveIcon />
        <span>Leave</span>
      </button>
      <p class="call-keys muted">
        <kbd>M</kbd> microphone, <kbd>V</kbd> camera
      </p>
      <dialog class="dialog" ref={dialog} aria-label="Devices">
        <form method="dialog" class="stack">
          <h3>Camera and microphone</h3>
          <DeviceFields devices={devices} choose={props.choose} />
          <button type="submit" class="button primary">Done</button>
        </form>
      </dialog>
    </div>
  );
}
