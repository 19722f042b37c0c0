/** One person in the grid of a call. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { MicrophoneIcon } from "./icons.tsx";

interface TileProps {
  name: string;
  /** Said after the name: "you". */
  suffix?: string;
  muted: boolean;
  speaking?: boolean;
  /** Whether the picture is shown; otherwise the initials are. */
  hasPicture: boolean;
  /** What shows the picture and plays the sound: it stays in the page while the picture is hidden. */
  children?: ComponentChildren;
  /** In place of the picture: why there is none, and a way out. */
  message?: ComponentChildren;
}

/** A tile with its picture or initials, the name, and marks for muted and speaking. */
export function Tile(props: TileProps) {
  const { name, suffix, muted, hasPicture } = props;
  return (
    <li class={`call-tile${props.speaking ? " speaking" : ""}`}>
      <div class="call-picture" data-shown={hasPicture}>{props.children}</div>
      {!hasPicture && !props.message && (
        <span class="call-initials" aria-hidden="true">{initials(name)}</span>
      )}
      {props.message && <div class="call-tile-message">{props.message}</div>}
      <p class="call-name">
        {muted && (
          <>
            <MicrophoneIcon off />
            <span class="visually-hidden">Muted:</span>
          </>
        )}
        <span class="call-name-text" title={name}>{name}</span>
        {suffix && <span class="call-name-suffix">({suffix})</span>}
      </p>
    </li>
  );
}

/** Shows an element that the platform's client made. */
export function ForeignElement({ element }: { element: HTMLElement | null }) {
  const slot = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!element) return;
    slot.current?.replaceChildren(element);
    // Moving a media element pauses it in some browsers.
    if (element instanceof HTMLMediaElement) element.play().catch(() => undefined);
    return () => element.remove();
  }, [element]);
  return <div ref={slot} class="call-foreign" />;
}

/** This person's own camera, mirrored for the person only. */
export function OwnPicture({ track }: { track: MediaStreamTrack | null }) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    element.srcObject = track && new MediaStream([track]);
    return () => {
      element.srcObject = null;
    };
  }, [track]);
  return <video ref={video} class="call-mirrored" autoplay muted playsInline />;
}

function initials(name: string): string {
  const words = name.trim().split(/\s+/).slice(0, 2);
  return words.map((word) => Array.from(word)[0]?.toUpperCase() ?? "").join("") || "?";
}
