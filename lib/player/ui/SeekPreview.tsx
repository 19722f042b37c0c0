import { useEffect, useRef } from "preact/hooks";
import type { GaplessVideo } from "../gapless_video.ts";
import type { Picture, Previews } from "../previews.ts";

/** The pointer must rest this long before a picture is read. */
const REST_MS = 80;

/** What the seek bar shows above the pointer: the picture there, its part and its time. */
export function SeekPreview({ player }: { player: () => GaplessVideo | null }) {
  const ref = useRef<HTMLCanvasElement>(null);

  useEffect(() => {
    const canvas = ref.current;
    const bar = canvas?.parentElement;
    if (!canvas || !bar) return;
    let previews: Previews | null = null;
    /** The newest moment asked for; null once the pointer has left. */
    let wanted: number | null = null;
    let looking = false;

    const look = async () => {
      for (let seen: number | null = null; wanted !== seen;) {
        seen = wanted;
        await new Promise((resolve) => setTimeout(resolve, REST_MS));
        const timeline = player()?.timeline;
        if (wanted !== seen || seen === null || !timeline) continue;
        previews ??= new (await import("../previews.ts")).Previews();
        const picture = await previews.pictureAt(timeline, seen);
        if (wanted !== null) draw(canvas, picture);
      }
    };
    const onRequest = (event: Event) => {
      const seconds: unknown = event instanceof CustomEvent ? event.detail : null;
      wanted = typeof seconds === "number" ? seconds : null;
      if (looking || wanted === null) return;
      looking = true;
      // The code for pictures may fail to load: then time and part are shown without.
      look().catch(() => {}).finally(() => looking = false);
    };
    bar.addEventListener("mediapreviewrequest", onRequest);
    return () => {
      bar.removeEventListener("mediapreviewrequest", onRequest);
      wanted = null;
      previews?.close();
    };
  }, []);

  return (
    <>
      <canvas slot="preview" class="player-preview" ref={ref} hidden />
      <media-preview-chapter-display slot="preview" />
      <media-preview-time-display slot="preview" />
    </>
  );
}

function draw(canvas: HTMLCanvasElement, picture: Picture | null): void {
  canvas.hidden = picture === null;
  if (!picture) return;
  [canvas.width, canvas.height] = [picture.width, picture.height];
  canvas.getContext("2d")?.drawImage(picture, 0, 0);
}
