import assert from "node:assert/strict";
import { join } from "node:path";
import { App, csp, staticFiles } from "fresh";
import { launchChromium } from "../support/chromium.ts";
import { openFixture, untilPrinted, writeFixture } from "./fixture.ts";

const FILES = {
  "static/favicon.ico": "",
  "islands/Counter.tsx": `import type { Signal } from "@preact/signals";
    export default function Counter({ count, name }: { count: Signal<number>; name: string }) {
      return <button type="button" id={name} onClick={() => count.value++}>{name} {count}</button>;
    }`,
  "islands/Values.tsx": `import { useEffect, useState } from "preact/hooks";
    import { Head, IS_BROWSER } from "fresh/runtime";
    export default function Values({ values }: { values: any }) {
      const [shown, setShown] = useState("server");
      useEffect(() => {
        const { date, missing, big, map, set, url, re, bytes, nan, minusZero, self, sparse, doubled } = values;
        setShown([
          IS_BROWSER, date instanceof Date && date.toISOString(), "missing" in values && missing === undefined,
          big === 12n, map.get("a").deep, set.has(1), url instanceof URL && url.hostname, re.test("ABC"),
          bytes instanceof Uint8Array && bytes.join(), Number.isNaN(nan), Object.is(minusZero, -0),
          self.self === self, 1 in sparse, sparse.length, doubled.value,
        ].join(" "));
      }, []);
      return <p id="values"><Head><title>{"Values " + shown.length}</title></Head>{shown}</p>;
    }`,
  "islands/Frame.tsx": `import { useState } from "preact/hooks";
    export default function Frame({ children, late }: { children: any; late: any }) {
      const [open, setOpen] = useState(false);
      return <div id="frame"><div id="children">{children}</div>
        <button type="button" id="open" onClick={() => setOpen(true)}>open</button>
        <div id="late">{open ? late : null}</div></div>;
    }`,
  "islands/Lazy.tsx": `import { useState } from "preact/hooks";
    export default function Lazy() {
      const [word, setWord] = useState("not yet");
      return <button type="button" id="lazy" onClick={async () => setWord((await import("../lib/heavy.ts")).word)}>{word}</button>;
    }`,
  "lib/heavy.ts": `export const word = "heavy word";`,
  "routes/index.tsx": `import { computed, signal } from "@preact/signals";
    import Counter from "../islands/Counter.tsx";
    import Values from "../islands/Values.tsx";
    import Frame from "../islands/Frame.tsx";
    import Lazy from "../islands/Lazy.tsx";
    export default () => {
      const count = signal(1);
      const self: any = {}; self.self = self;
      const values = {
        date: new Date(0), missing: undefined, big: 12n, map: new Map([["a", { deep: "deep" }]]),
        set: new Set([1]), url: new URL("https://example.com/x"), re: /abc/i, bytes: new Uint8Array([1, 2]),
        nan: NaN, minusZero: -0, self, sparse: [1, , 3], doubled: computed(() => count.value * 2),
      };
      return <div>
        <h1>Static</h1>
        <Counter count={count} name="a" /> between <Counter count={count} name="b" />
        <Values values={values} />
        <Frame late={<em>late text</em>}><strong class="s">static text</strong> and <Counter count={count} name="c" /></Frame>
        <Lazy />
        <footer>End</footer>
      </div>;
    };`,
};

Deno.test("islands come alive with their props, in place, under a strict policy", async () => {
  const app = new App().use(csp({ useNonce: true })).use(staticFiles()).fsRoutes();
  await using fixture = await openFixture(FILES, { app });
  const server = Deno.serve({ port: 0, onListen() {} }, fixture.handler);
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    page.on("pageerror", (error) => problems.push(String(error)));
    const requested: string[] = [];
    page.on("request", (request) => requested.push(request.url()));
    await page.goto(`http://127.0.0.1:${server.addr.port}/`);

    await page.waitForFunction(() =>
      !document.querySelector("#values")?.textContent?.includes("server")
    );
    assert.equal(
      await page.textContent("#values"),
      "true 1970-01-01T00:00:00.000Z true true deep true example.com true 1,2 true true true false 3 2",
    );
    assert.match(await page.title(), /^Values \d\d$/);

    // One signal, three islands, one of them inside another's children.
    await page.click("#a");
    await page.click("#c");
    for (const name of ["a", "b", "c"]) {
      await page.waitForFunction(
        (id) => document.getElementById(id)?.textContent === `${id} 3`,
        name,
      );
    }
    assert.equal(await page.textContent("#children"), "static text and c 3");
    assert.equal(await page.getAttribute("#children strong", "class"), "s");
    assert.equal(await page.textContent("#late"), "");
    await page.click("#open");
    await page.waitForSelector("#late em");
    assert.equal(await page.textContent("#late"), "late text");

    const before = requested.length;
    await page.click("#lazy");
    await page.waitForFunction(() => document.querySelector("#lazy")?.textContent === "heavy word");
    assert.ok(requested.length > before, "the dynamic import is a module of its own");

    const order = await page.evaluate(() =>
      Array.from(
        document.querySelectorAll("body > div > *"),
        (element) => element.id || element.tagName,
      )
    );
    assert.deepEqual(order, ["H1", "a", "b", "values", "frame", "lazy", "FOOTER"]);
    assert.deepEqual(problems, []);
  } finally {
    await browser.close();
    await server.shutdown();
  }
});

/** Starts a fixture's dev.ts on a port and waits for the address it prints; returns what ends it. */
async function startDev(root: string, port: number): Promise<() => Promise<void>> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "dev.ts", String(port)],
    cwd: root,
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const printed = child.stdout.pipeThrough(new TextDecoderStream());
  await untilPrinted(printed, new RegExp(`:${port}`));
  return async () => {
    child.kill("SIGKILL");
    await child.status;
    await printed.cancel();
  };
}

Deno.test("a page reloads when the development server comes back with a change", async () => {
  const root = await writeFixture({
    "dev.ts": `import { Builder } from "fresh/dev";
      await new Builder().listen(() => import("./main.ts"), { port: Number(Deno.args[0]), hostname: "127.0.0.1" });`,
    "main.ts":
      `import { App, staticFiles } from "fresh"; export const app = new App().use(staticFiles()).fsRoutes();`,
    "islands/Word.tsx": `export default () => <b>one</b>;`,
    "routes/index.tsx": `import Word from "../islands/Word.tsx"; export default () => <Word />;`,
  });
  const listener = Deno.listen({ port: 0 });
  const { port } = listener.addr;
  listener.close();
  const browser = await launchChromium();
  let stopDev = await startDev(root, port);
  try {
    const page = await browser.newPage();
    const connected = new Promise((resolve) =>
      page.on("websocket", (socket) => socket.on("framereceived", resolve))
    );
    await page.goto(`http://127.0.0.1:${port}/`);
    assert.equal(await page.textContent("b"), "one");
    await connected;

    await stopDev();
    await Deno.writeTextFile(join(root, "islands/Word.tsx"), `export default () => <b>two</b>;`);
    stopDev = await startDev(root, port);
    await page.waitForFunction(() => document.querySelector("b")?.textContent === "two");
  } finally {
    await browser.close();
    await stopDev();
    await Deno.remove(root, { recursive: true });
  }
});
