import { asset } from "fresh/runtime";

const PLACES = [
  { href: "/participant", name: "Call", paths: ["/", "/participant"] },
  { href: "/host", name: "Host", paths: ["/host"] },
  { href: "/rooms", name: "Rooms", paths: ["/rooms"] },
  { href: "/history", name: "History", paths: ["/history"] },
  { href: "/player", name: "Player", paths: ["/player"] },
];

/** The bar at the top of every page: the way to every other one, and in or out. */
export function SiteHeader({ path, isAdmin }: { path: string; isAdmin: boolean }) {
  return (
    <header class="site-header">
      <div>
        <a class="brand" href="/">
          <img src={asset("/logo.svg")} alt="" width="28" height="28" />
          Gapless
        </a>
        <nav class="site-nav" aria-label="Main">
          {PLACES.map((place) => (
            <a
              key={place.href}
              href={place.href}
              aria-current={place.paths.includes(path) ? "page" : undefined}
            >
              {place.name}
            </a>
          ))}
        </nav>
        {isAdmin
          ? (
            <form method="post" action="/sign-out">
              <button type="submit" class="button quiet">Sign out</button>
            </form>
          )
          : path === "/sign-in"
          ? null
          : <a class="button quiet" href="/sign-in">Sign in</a>}
      </div>
    </header>
  );
}
