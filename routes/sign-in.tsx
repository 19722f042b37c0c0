import { page } from "fresh";
import { Page } from "../components/Page.tsx";
import { safeNext } from "../lib/auth/mod.ts";
import { define } from "../lib/define.ts";
import { readForm, textField } from "../lib/forms.ts";
import { seeOther } from "../lib/guards.ts";

/** Longer than any password anybody sets, short enough to hash at once. */
const MAX_PASSWORD_LENGTH = 1024;

interface SignInData {
  next: string;
  error: string | null;
}

export const handler = define.handlers({
  GET(ctx) {
    const next = safeNext(ctx.url.searchParams.get("next") ?? "/host");
    if (ctx.state.identity.role === "admin") return seeOther(next);
    return page<SignInData>({ next, error: null });
  },

  async POST(ctx) {
    const form = await readForm(ctx.req);
    const next = safeNext(textField(form, "next") || "/host");
    const password = textField(form, "password");
    if (password === "" || password.length > MAX_PASSWORD_LENGTH) {
      const error = password === "" ? "Type the password." : "That is not the password.";
      return page<SignInData>({ next, error }, { status: 400 });
    }
    const outcome = await ctx.state.services.auth.signIn(
      ctx.req,
      password,
      callerAddress(ctx.info),
    );
    if (outcome.ok) {
      const response = seeOther(next);
      response.headers.append("set-cookie", outcome.cookie);
      response.headers.append("set-cookie", outcome.deviceCookie);
      return response;
    }
    if (outcome.reason === "too-many") {
      const minutes = Math.ceil(outcome.retryAfterSeconds / 60);
      return page<SignInData>({
        next,
        error: `Too many attempts. Try again in ${
          minutes === 1 ? "a minute" : `${minutes} minutes`
        }.`,
      }, { status: 429, headers: { "retry-after": String(outcome.retryAfterSeconds) } });
    }
    return page<SignInData>({ next, error: "That is not the password." }, { status: 401 });
  },
});

/** Where the caller's connection comes from; tests and sockets without a host share one count. */
function callerAddress(info: { remoteAddr: Deno.Addr }): string {
  return "hostname" in info.remoteAddr ? info.remoteAddr.hostname : "local";
}

export default define.page<typeof handler>(function SignIn({ data }) {
  return (
    <Page title="Sign in" narrow>
      <form method="post" action="/sign-in" class="card stack">
        <div class="stack tight">
          <h1>Sign in</h1>
          <p class="muted">Hosting a call, and changing or deleting recordings, is for admins.</p>
        </div>
        <input type="hidden" name="next" value={data.next} />
        <div class="field">
          <label for="password">Password</label>
          <input
            id="password"
            name="password"
            type="password"
            autocomplete="current-password"
            required
            maxlength={MAX_PASSWORD_LENGTH}
            autofocus
            aria-invalid={data.error ? "true" : undefined}
            aria-describedby={data.error ? "password-error" : undefined}
          />
          {data.error ? <p id="password-error" class="error" role="alert">{data.error}</p> : null}
        </div>
        <div class="toolbar">
          <button type="submit" class="button primary">Sign in</button>
          <a class="button quiet" href="/participant">Join the call instead</a>
        </div>
      </form>
    </Page>
  );
});
