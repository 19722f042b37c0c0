/** Serves what `deno task build` wrote on `HOST` and `PORT`, as a production server would. */
import { readConfigOrExit } from "./lib/config.ts";

const { default: server } = await import("./_fresh/server.js").catch(
  (error) => {
    throw new Error(
      "Cannot load _fresh/server.js. Run `deno task build` first",
      { cause: error },
    );
  },
);

// Loading the server has read .env into the environment.
const { host, port } = readConfigOrExit(Deno.env.toObject());
Deno.serve({ hostname: host, port }, server.fetch);
