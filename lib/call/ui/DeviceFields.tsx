/** Choice of camera and microphone, with a bar that shows that the microphone hears something. */
import { useEffect, useRef } from "preact/hooks";
import { type Devices, type Kind, NO_DEVICE } from "../devices.ts";
import { followLoudness } from "../loudness.ts";

interface DeviceFieldsProps {
  devices: Devices;
  choose(kind: Kind, id: string): void;
}

/** Two lists to choose from, and what is wrong with either device. */
export function DeviceFields({ devices, choose }: DeviceFieldsProps) {
  return (
    <>
      <DeviceField devices={devices} kind="camera" label="Camera" choose={choose} />
      <div class="stack tight">
        <DeviceField devices={devices} kind="microphone" label="Microphone" choose={choose} />
        <Loudness track={devices.microphone.track.value} />
      </div>
    </>
  );
}

function DeviceField(
  { devices, kind, label, choose }: DeviceFieldsProps & { kind: Kind; label: string },
) {
  const id = `call-${kind}`;
  const { choices, chosen, track } = devices[kind];
  const problem = devices.problem.value ? null : devices[kind].problem.value;
  const known = choices.value.some((one) => one.id === chosen.value);
  const delivering = track.value?.getSettings().deviceId;
  const selected = chosen.value === NO_DEVICE
    ? NO_DEVICE
    : delivering ?? (known ? chosen.value : "");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={selected}
        disabled={devices.opening.value}
        onChange={(event) => choose(kind, event.currentTarget.value)}
        aria-describedby={problem ? `${id}-problem` : undefined}
      >
        {!choices.value.some((one) => one.id === selected) && selected !== NO_DEVICE && (
          <option value={selected}>{track.value?.label || `Any ${kind}`}</option>
        )}
        {choices.value.map((one) => <option key={one.id} value={one.id}>{one.label}</option>)}
        <option value={NO_DEVICE}>No {kind}</option>
      </select>
      {problem && <p class="error" id={`${id}-problem`}>{problem.text}. {problem.remedy}</p>}
    </div>
  );
}

function Loudness({ track }: { track: MediaStreamTrack | null }) {
  const bar = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!track) return;
    return followLoudness(track, (level) => {
      bar.current?.style.setProperty("transform", `scaleX(${level})`);
    });
  }, [track]);
  if (!track) return null;
  return (
    <div class="call-loudness" aria-hidden="true">
      <div ref={bar} />
    </div>
  );
}
