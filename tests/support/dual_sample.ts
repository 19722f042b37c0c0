/**
 * A page as people wrote them for the dual-session archiving sample: it knows that sample's endpoints
 * and nothing of this project. Its `document` tells what it was answered.
 */
import type { Page } from "playwright-core";

const HTML = `<!doctype html>
<title>Dual session</title>
<label>Archive name <input id="name"></label>
<button id="start">Start Archive</button>
<button id="restart">Restart Archive</button>
<button id="stop">Stop Archive</button>
<button id="get">Get Archive</button>
<pre id="said"></pre>
<video id="film" muted controls></video>
<script src="/dual-session.js"></script>`;

const SCRIPT = `
const find = (id) => document.getElementById(id);
const say = (what, value) => find("said").append(JSON.stringify({ what, value }) + "\\n");
const read = async (path) => (await fetch(path)).json();
async function send(path, body) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(path, { method: "POST", cache: "no-cache", headers, body: JSON.stringify(body) });
  return answer.json();
}
let archiveId;
const on = (id, what) => find(id).onclick = () => what().catch((error) => say("error", String(error)));

on("start", async () => {
  const archive = await send("/archives", { sessionName: find("name").value });
  archiveId = archive.id;
  say("started", archive);
});
on("restart", async () => {
  const archive = await send("/archives/" + archiveId + "/restart", { sessionName: find("name").value });
  archiveId = archive.id;
  say("restarted", archive);
});
on("stop", async () => say("stopped", await send("/archives/" + archiveId + "/stop", {})));
on("get", async () => {
  const archives = await read("/archives?name=" + find("name").value);
  const offsets = await read("/archives/offset");
  say("archives", archives);
  say("offsets", offsets);
  say("own offsets", await read("/archives/" + archives[0].id + "/offset"));
  play(archives, offsets, 0);
});
function play(archives, offsets, index) {
  if (index >= archives.length) return say("played", index);
  const film = find("film");
  const skip = index === 0 ? 0 : index % 2 === 0 ? offsets.primary : offsets.secondary;
  film.src = archives[index].url;
  film.currentTime = skip;
  film.onplaying = () => say("playing", { index, from: film.currentTime });
  film.onended = () => play(archives, offsets, index + 1);
  film.play();
}
(async () => {
  say("key", await read("/apiKey"));
  say("sessions", await read("/sessionIds"));
  say("tokens", await read("/tokens"));
})();
`;

/**
 * Shows it in `page` in the place of an answer of the app's: same origin, same content security
 * policy, same network.
 */
export async function openDualSample(page: Page, origin: string): Promise<void> {
  await page.route(
    `${origin}/dual-session.js`,
    (route) => route.fulfill({ contentType: "text/javascript", body: SCRIPT }),
  );
  await page.goto(`${origin}/apiKey`);
  await page.setContent(HTML);
}

/** Waits until the page says `what`, and gives the value it said the last time. */
// deno-lint-ignore no-explicit-any -- tests look into answers that they then assert on
export async function heard(page: Page, what: string): Promise<any> {
  const said = page.locator("#said");
  await said.filter({ hasText: `{"what":"${what}"` }).waitFor().catch(async () => {
    throw new Error(`The page said no "${what}", but:\n${await said.textContent()}`);
  });
  const lines = ((await said.textContent()) ?? "").trim().split("\n").map((line) =>
    JSON.parse(line)
  );
  return lines.findLast((line) => line.what === what).value;
}
