/** The admin's password: comparing it, and making one where none was set. */
import { timingSafeEqual } from "node:crypto";
import { dirname, join } from "node:path";

/** True if both are the same; takes as long for a near miss as for a far one. */
export async function samePassword(given: string, expected: string): Promise<boolean> {
  // Digests have one length, so the comparison says nothing about the password's.
  const [a, b] = await Promise.all([sha256(given), sha256(expected)]);
  return timingSafeEqual(a, b);
}

/** SHA-256 of a text's UTF-8 bytes. */
export async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/** Where a generated password is kept. */
export function passwordFile(dataDir: string): string {
  return join(dataDir, "admin-password");
}

/**
 * The password of an app that was given none: made at the first start, read at later ones. It lies
 * in the data directory in a file that only its owner may read, because it must be printable again.
 */
export async function keptPassword(dataDir: string): Promise<string> {
  const path = passwordFile(dataDir);
  await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const made = makePassword();
  try {
    await Deno.writeTextFile(path, made + "\n", { createNew: true, mode: 0o600 });
    return made;
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    const kept = (await Deno.readTextFile(path)).trim();
    if (kept.length >= 8) return kept;
    throw new Error(`Cannot read the admin password: "${path}" is damaged, delete it and restart`);
  }
}

/** Sixteen characters without look-alikes, in groups of four: about 80 bits. */
function makePassword(): string {
  const alphabet = "abcdefghjkmnpqrstuvwxyz023456789"; // 32: a byte's low five bits choose evenly
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const letters = [...bytes].map((byte) => alphabet.charAt(byte & 31)).join("");
  return letters.replace(/(.{4})(?=.)/g, "$1-");
}
