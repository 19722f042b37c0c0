/** Reading what a form of a page sent. */
import { PageError } from "./page_error.ts";

/** Far more than any form here holds. */
const MAX_FORM_BYTES = 64 * 1024;

/** The fields of a form; answers 413 for too much of it, 400 for what is no form. */
export async function readForm(request: Request): Promise<FormData> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_FORM_BYTES) throw new PageError(413, "Cannot take that much text in one form");
    chunks.push(chunk);
  }
  const type = request.headers.get("content-type") ?? "";
  try {
    return await new Response(new Blob(chunks), { headers: { "content-type": type } }).formData();
  } catch (cause) {
    throw new PageError(400, "Cannot read what was sent: it is no form", { cause });
  }
}

/** A field's text; "" where it is missing or a file. */
export function textField(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
}
