import assert from "node:assert/strict";
import { ApiError } from "../../lib/api/client.ts";
import { CallError, knownCodes, problemOf, toProblem } from "../../lib/call/errors.ts";

/** The names that OpenTok.js 2.35 documents for what a call does with it. */
const DOCUMENTED = [
  "OT_AUTHENTICATION_ERROR",
  "OT_BADLY_FORMED_RESPONSE",
  "OT_CHROME_MICROPHONE_ACQUISITION_ERROR",
  "OT_CONNECT_FAILED",
  "OT_CONNECTION_LIMIT_EXCEEDED",
  "OT_CONSTRAINTS_NOT_SATISFIED",
  "OT_CREATE_PEER_CONNECTION_FAILED",
  "OT_DISCONNECTED",
  "OT_EMPTY_RESPONSE_BODY",
  "OT_HARDWARE_UNAVAILABLE",
  "OT_ICE_WORKFLOW_FAILED",
  "OT_INVALID_HTTP_STATUS",
  "OT_INVALID_PARAMETER",
  "OT_INVALID_SESSION_ID",
  "OT_MEDIA_ENDED",
  "OT_MEDIA_ERR_ABORTED",
  "OT_MEDIA_ERR_DECODE",
  "OT_MEDIA_ERR_NETWORK",
  "OT_MEDIA_ERR_SRC_NOT_SUPPORTED",
  "OT_NO_DEVICES_FOUND",
  "OT_NO_VALID_CONSTRAINTS",
  "OT_NOT_CONNECTED",
  "OT_NOT_SUPPORTED",
  "OT_PERMISSION_DENIED",
  "OT_SET_REMOTE_DESCRIPTION_FAILED",
  "OT_STREAM_CREATE_FAILED",
  "OT_STREAM_DESTROYED",
  "OT_STREAM_LIMIT_EXCEEDED",
  "OT_STREAM_NOT_FOUND",
  "OT_TERMS_OF_SERVICE_FAILURE",
  "OT_TIMEOUT",
  "OT_UNABLE_TO_CAPTURE_MEDIA",
  "OT_UNEXPECTED_SERVER_RESPONSE",
  "OT_UNSUPPORTED_BROWSER",
  "OT_USER_MEDIA_ACCESS_DENIED",
  "OT_XDOMAIN_OR_PARSING_ERROR",
];

Deno.test("every documented error of the platform has a sentence of its own", () => {
  for (const code of DOCUMENTED) assert.ok(knownCodes.includes(code), code);
});

Deno.test("every sentence says what happened and what to do, without the code", () => {
  for (const code of knownCodes) {
    const { text, remedy } = problemOf(code);
    assert.match(text, /^[A-Z].*[^.]$/, code);
    assert.match(remedy, /^[A-Z].*\.$/, code);
    assert.ok(!text.includes(code) && !remedy.includes(code), code);
  }
});

Deno.test("an unknown error is shown by its name, so that it can be reported", () => {
  for (const code of ["OT_SOMETHING_NEW", "constructor", ""]) {
    const problem = problemOf(code);
    assert.equal(problem.code, code);
    assert.ok(problem.text.includes(`(${code})`));
  }
});

Deno.test("toProblem() understands whatever is thrown", () => {
  assert.equal(toProblem({ name: "OT_TIMEOUT", message: "x" }).code, "OT_TIMEOUT");
  assert.equal(toProblem(new DOMException("x", "NotAllowedError")).code, "NotAllowedError");
  const own = { code: "http-403", text: "No entry", remedy: "Ask." };
  assert.equal(toProblem(new CallError(own)), own);
  const refused = toProblem(new ApiError(403, "No entry", "Ask."));
  assert.deepEqual(refused, own);
  for (const odd of [null, undefined, 7, "text", {}]) {
    assert.equal(typeof toProblem(odd).text, "string");
  }
});
