import { page } from "fresh";
import { ApiOperation } from "../../components/ApiOperation.tsx";
import { Page } from "../../components/Page.tsx";
import { readDescription } from "../../lib/api/reading.ts";
import { define } from "../../lib/define.ts";

export const handler = define.handlers({
  async GET(ctx) {
    const answer = await ctx.state.services.api(new Request(new URL("/api/openapi.json", ctx.url)));
    // A deployment that is not set up answers every call with what is missing.
    if (!answer.ok) return answer;
    return page({ reading: readDescription(await answer.json()) });
  },
});

/** The API to read: written from its OpenAPI description, without any script. */
export default define.page<typeof handler>(function Docs({ data: { reading } }) {
  return (
    <Page title="API">
      <div class="stack tight">
        <h1>API</h1>
        <p class="lead">
          {reading.introduction.split("`").map((text, i) =>
            i % 2 === 1 ? <code key={i}>{text}</code> : text
          )}
        </p>
        <p>
          {"For machines: "}
          <a href="/api/openapi.json">OpenAPI 3.1</a>
        </p>
      </div>
      <nav aria-label="Groups" class="toolbar">
        {reading.groups.map(({ name }) => <a key={name} href={`#group-${name}`}>{name}</a>)}
        <a href="#shapes">shapes</a>
      </nav>
      {reading.groups.map(({ name, description, operations }) => (
        <section key={name} id={`group-${name}`} aria-label={name} class="card stack tight">
          <h2>{name.charAt(0).toUpperCase() + name.slice(1)}</h2>
          <p class="muted">{description}</p>
          {operations.map((operation) => <ApiOperation key={operation.id} operation={operation} />)}
        </section>
      ))}
      <section id="shapes" aria-label="shapes" class="card stack tight">
        <h2>Shapes</h2>
        {reading.shapes.map(({ name, text }) => (
          <div key={name} id={name} class="stack tight">
            <h3>{name}</h3>
            <pre tabindex={0}>{text}</pre>
          </div>
        ))}
      </section>
    </Page>
  );
});
