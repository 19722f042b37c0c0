/** A request that its caller may not make. */
export class AuthError extends Error {
  override readonly name = "AuthError";
  constructor(
    /** `signed-out`: sign in or open a link first; `cross-site`: not from another site's page. */
    readonly kind: "signed-out" | "cross-site",
    message: string,
  ) {
    super(message);
  }
}
