import { type ReadonlySignal, useSignal } from "@preact/signals";
import { formatClock, formatTimeCode } from "../time_code.ts";

/** Copies this page's address with the present moment in it. */
export function CopyLink({ seconds }: { seconds: ReadonlySignal<number> }) {
  const copied = useSignal<{ link: string; done: boolean; at: string } | null>(null);
  const copy = async () => {
    const url = new URL(location.href);
    url.searchParams.set("t", formatTimeCode(seconds.value));
    const at = formatClock(seconds.value);
    const done = await writeClipboard(url.href);
    copied.value = { link: url.href, done, at };
  };
  return (
    <div class="toolbar">
      <button type="button" class="button small" onClick={copy}>Copy link at this time</button>
      <span role="status">
        {copied.value?.done ? `Link to ${copied.value.at} copied` : null}
      </span>
      {copied.value && !copied.value.done
        ? (
          <input
            class="player-link"
            readOnly
            aria-label="Link to this time"
            value={copied.value.link}
            onFocus={(event) => event.currentTarget.select()}
          />
        )
        : null}
    </div>
  );
}

/** False where the browser gives no clipboard: then the link is shown to be copied by hand. */
async function writeClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
