/** The few pictures of a call's controls. They decorate: every control has its name in words. */
import type { ComponentChildren } from "preact";

function Icon({ children }: { children: ComponentChildren }) {
  return (
    <svg
      class="icon"
      viewBox="0 0 24 24"
      width="20"
      height="20"
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

/** A microphone, struck through when `off`. */
export function MicrophoneIcon({ off = false }: { off?: boolean }) {
  return (
    <Icon>
      <rect x="9" y="3" width="6" height="11" rx="3" />
      <path d="M5 11a7 7 0 0 0 14 0M12 18v3" />
      {off && <path d="M4 4l16 16" />}
    </Icon>
  );
}

/** A camera, struck through when `off`. */
export function CameraIcon({ off = false }: { off?: boolean }) {
  return (
    <Icon>
      <rect x="3" y="6" width="12" height="12" rx="2" />
      <path d="M15 11l6-4v10l-6-4" />
      {off && <path d="M3 3l18 18" />}
    </Icon>
  );
}

/** A telephone that is put down. */
export function LeaveIcon() {
  return (
    <Icon>
      <path d="M3 14c5-5 13-5 18 0l-2.5 3-3.5-1.500v-3c-2-.6-4-.6-6 0v3L5.500 17z" />
    </Icon>
  );
}

/** Sliders: choice of devices. */
export function DevicesIcon() {
  return (
    <Icon>
      <path d="M4 7h9M17 7h3M4 17h3M11 17h9" />
      <circle cx="15" cy="7" r="2" />
      <circle cx="9" cy="17" r="2" />
    </Icon>
  );
}
