/** A request that its caller may not make. */
export class AuthError extends Error {
  override readonly name = "AuthError";
  constructor(
    /** `signed-out`: sign in first; `forbidden`: this caller never may; `cross-site`: not from here. */
    readonly kind: "signed-out" | "forbidden" | "cross-site",
    message: string,
  ) {
    super(message);
  }
}
