/** The worker that compares two overlapping files. It answers one request and is then ended. */
import { compareFiles } from "./compare.ts";
import { alignRequestSchema, type FromAligner } from "./messages.ts";

/** Progress is told in steps of at least this. */
const STEP = 0.02;

const tell = (message: FromAligner) => globalThis.postMessage(message);

globalThis.addEventListener("message", async (event: MessageEvent<unknown>) => {
  let told = 0;
  const alignment = await compareFiles(alignRequestSchema.parse(event.data), (share) => {
    if (share - told < STEP) return;
    told = share;
    tell({ type: "progress", share });
  });
  tell({ type: "answer", alignment });
});
