/** What the owner of a process is told when it starts: never a secret of the real platform. */
import type { Services } from "./services.ts";
import { ownOrigin } from "./services.ts";

/** Says which platform is used, where the pages are, and in demo mode how to sign in. */
export function announce({ config, madePassword }: Services): void {
  // deno-lint-ignore no-console -- people read this, not machines
  console.log(announcement(config, madePassword).join("\n"));
}

/** The lines of the announcement. */
export function announcement(
  config: Services["config"],
  madePassword: string | null,
): string[] {
  const { platform } = config;
  if (platform.kind === "missing") {
    return [`Gapless cannot run yet: set ${platform.variables.join(", ")}`];
  }
  const lines = platform.kind === "emulator"
    ? [
      "Gapless in demo mode, on its own emulator of the platform: for one machine and small calls.",
      "  Set API_KEY and API_SECRET to use OpenTok / Vonage Video (see .env.example).",
    ]
    : [
      `Gapless on OpenTok / Vonage Video, ${
        platform.credentials.kind === "secret"
          ? `project ${platform.credentials.apiKey}`
          : `application ${platform.credentials.applicationId}`
      }.`,
      ...(config.signatureSecret === null
        ? ["  SIGNATURE_SECRET is not set: archive callbacks are accepted unsigned, as hints."]
        : []),
    ];
  if (config.deployment) return lines;
  const origin = config.publicUrl ?? ownOrigin(config);
  lines.push(
    `  Host         ${origin}/host`,
    `  Participant  ${origin}/participant`,
    `  Player       ${origin}/player`,
  );
  if (madePassword !== null) {
    lines.push(`  Password     ${madePassword}   (admin; set ADMIN_PASSWORD to choose your own)`);
  }
  lines.push(
    config.access === "open"
      ? "  Anyone who reaches this server may join and watch (ACCESS=open)."
      : "  Joining and watching need a link that an admin made (ACCESS=links).",
  );
  return lines;
}
