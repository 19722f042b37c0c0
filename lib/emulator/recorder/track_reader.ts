/** Reads what a `MediaStreamTrackProcessor` delivers. */

/**
 * Passes every frame or chunk of a track to `take` and closes it afterwards, until the track ends or the
 * returned function is called.
 */
export function readTrack<Data extends { close(): void }>(
  readable: ReadableStream<Data>,
  take: (data: Data) => Promise<void> | void,
): () => void {
  const reader = readable.getReader();
  let isStopped = false;
  void (async () => {
    for (;;) {
      const { value } = await reader.read().catch(() => ({ value: undefined })); // it has ended
      if (value === undefined) return;
      if (!isStopped) await take(value);
      value.close();
    }
  })();
  return () => {
    isStopped = true;
    reader.cancel().catch(() => {}); // the track has ended
  };
}
