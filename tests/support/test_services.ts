/** The app's services in a test: the store in memory, files in a folder that goes with them. */
import { readConfig } from "../../lib/config.ts";
import { openServices, type Services } from "../../lib/services.ts";
import { openStore } from "../../lib/store/mod.ts";

/** The admin's password. */
export const PASSWORD = "correct horse battery";

/** A folder that is removed with what is in it. */
export async function openTempDir(): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir({ prefix: "gapless-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** Services that are reached at `origin`, and the headers of who has signed in. */
export interface TestServices extends AsyncDisposable {
  services: Services;
  asAdmin: { cookie: string };
}

/** Opens services with these environment variables. */
export async function openTestServices(
  env: Record<string, string>,
  origin: string,
): Promise<TestServices> {
  const opened = new AsyncDisposableStack();
  const dir = opened.use(await openTempDir());
  const config = readConfig({ ADMIN_PASSWORD: PASSWORD, DATA_DIR: dir.path, ...env });
  const store = await openStore(":memory:");
  const services = await openServices(config, { store, origin: () => origin });
  opened.defer(() => services.close());
  const signIn = await services.auth.signIn(new Request(origin), PASSWORD, "test");
  return {
    services,
    asAdmin: cookieHeader(signIn.ok ? signIn.cookie : ""),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** The header by which a browser sends a cookie back that was set as `cookie`. */
export function cookieHeader(cookie: string): { cookie: string } {
  return { cookie: cookie.split(";")[0] ?? "" };
}
