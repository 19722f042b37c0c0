import type { Link } from "../lib/auth/mod.ts";
import { Moment } from "./Moment.tsx";

/** The links that are valid now, each to be withdrawn. */
export function LinkTable({ links, request }: { links: Link[]; request: Request }) {
  return (
    <table class="table">
      <caption class="visually-hidden">Links</caption>
      <thead>
        <tr>
          <th scope="col">For whom</th>
          <th scope="col">Opens</th>
          <th scope="col">Made</th>
          <th scope="col">Expires</th>
          <th scope="col">
            <span class="visually-hidden">What to do</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {links.map((link) => {
          const nameId = `link-${link.id}`;
          return (
            <tr key={link.id}>
              <th scope="row" id={nameId}>{link.label || "Anyone"}</th>
              <td data-label="Opens">
                {link.scope.kind === "room"
                  ? <a href={`/rooms/${link.scope.room}`}>{`Room ${link.scope.room}`}</a>
                  : <a href={`/player/${encodeURIComponent(link.scope.chainId)}`}>A recording</a>}
              </td>
              <td data-label="Made">
                <Moment ms={link.createdAtMs} request={request} />
              </td>
              <td data-label="Expires">
                <Moment ms={link.expiresAtMs} request={request} />
              </td>
              <td class="actions">
                <form method="post" action={`/links/${encodeURIComponent(link.id)}/revoke`}>
                  <button type="submit" class="button small danger" aria-describedby={nameId}>
                    Withdraw
                  </button>
                </form>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
