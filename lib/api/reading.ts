/** The API's description made readable: what a page of it shows. */
import { z } from "zod";

interface Shape {
  [keyword: string]: unknown;
}
const shapeSchema = z.record(z.string(), z.unknown());
const contentSchema = z.record(z.string(), z.object({ schema: shapeSchema }));
const operationSchema = z.object({
  tags: z.array(z.string()),
  operationId: z.string(),
  summary: z.string(),
  servers: z.array(z.object({ url: z.string() })).optional(),
  parameters: z.array(
    z.object({
      name: z.string(),
      in: z.string(),
      required: z.boolean().default(false),
      schema: shapeSchema,
    }),
  ).default([]),
  requestBody: z.object({ required: z.boolean().default(false), content: contentSchema })
    .optional(),
  responses: z.record(
    z.string(),
    z.object({ description: z.string(), content: contentSchema.default({}) }),
  ),
});
const descriptionSchema = z.object({
  info: z.object({ title: z.string(), description: z.string() }),
  servers: z.array(z.object({ url: z.string() })),
  tags: z.array(z.object({ name: z.string(), description: z.string() })),
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
  components: z.object({ schemas: z.record(z.string(), shapeSchema) }),
});

/** One thing the API does. */
export interface Operation {
  id: string;
  method: string;
  /** Where it is served, at one or two addresses. */
  paths: string[];
  summary: string;
  /** Parameters of path and query, as a shape in words. */
  parameters: { name: string; where: string; required: boolean; shape: string }[];
  /** The body it takes, in words; null if it takes none. */
  body: string | null;
  answers: { status: string; description: string; shape: string | null }[];
}

/** The API as a page shows it. */
export interface Reading {
  introduction: string;
  groups: { name: string; description: string; operations: Operation[] }[];
  shapes: { name: string; text: string }[];
}

/**
 * Reads an OpenAPI description.
 *
 * @throws {z.ZodError} if it is not of the shape that this API writes.
 */
export function readDescription(document: unknown): Reading {
  const { info, servers, tags, paths, components } = descriptionSchema.parse(document);
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      group: operation.tags[0],
      operation: {
        id: operation.operationId,
        method: method.toUpperCase(),
        paths: (operation.servers ?? servers).map(({ url }) => (url === "/" ? "" : url) + path),
        summary: operation.summary,
        parameters: operation.parameters.map(({ name, in: where, required, schema }) => ({
          name,
          where,
          required,
          shape: wordsOf(schema),
        })),
        body: contentOf(operation.requestBody?.content),
        answers: Object.entries(operation.responses).map(([status, { description, content }]) => ({
          status: status === "default" ? "failed" : status,
          description,
          shape: contentOf(content),
        })),
      },
    }))
  );
  return {
    introduction: info.description,
    groups: tags.map(({ name, description }) => ({
      name,
      description,
      operations: operations.filter(({ group }) => group === name).map((o) => o.operation),
    })),
    shapes: Object.entries(components.schemas).map(([name, shape]) => ({
      name,
      text: wordsOf(shape),
    })),
  };
}

function contentOf(content: z.infer<typeof contentSchema> | undefined): string | null {
  const [type, body] = Object.entries(content ?? {})[0] ?? [];
  if (!type || !body) return null;
  return type.endsWith("json") ? wordsOf(body.schema) : type;
}

/** A JSON schema in the notation of TypeScript's types; what they cannot say follows as a comment. */
export function wordsOf(shape: Shape, indent = ""): string {
  const type = typeOf(shape, indent);
  const limits = limitsOf(shape);
  return limits ? `${type} /* ${limits} */` : type;
}

function typeOf(shape: Shape, indent: string): string {
  const { $ref, type } = shape;
  if (typeof $ref === "string") return $ref.split("/").at(-1) ?? "";
  if (Array.isArray(shape.enum)) return shape.enum.map((v) => JSON.stringify(v)).join(" | ");
  if ("const" in shape) return JSON.stringify(shape.const);
  const choices = shape.anyOf ?? shape.oneOf;
  if (Array.isArray(choices)) {
    return choices.map((choice) => wordsOf(shapeSchema.parse(choice), indent)).join(" | ");
  }
  if (Array.isArray(shape.allOf)) {
    return shape.allOf.map((part) => wordsOf(shapeSchema.parse(part), indent)).join(" & ");
  }
  if (Array.isArray(type)) {
    return type.map((one) => typeOf({ ...shape, type: one }, indent)).join(" | ");
  }
  if (type === "array") return `${bracketed(wordsOf(shapeSchema.parse(shape.items), indent))}[]`;
  if (type === "object") return objectOf(shape, indent);
  return type === "integer" ? "number" : typeof type === "string" ? type : "unknown";
}

function objectOf(shape: Shape, indent: string): string {
  const properties = z.record(z.string(), shapeSchema).default({}).parse(shape.properties);
  const required = z.array(z.string()).default([]).parse(shape.required);
  const inner = `${indent}  `;
  const lines = Object.entries(properties).map(([name, property]) =>
    `${inner}${name}${required.includes(name) ? "" : "?"}: ${wordsOf(property, inner)};`
  );
  return lines.length === 0 ? "{ [name: string]: unknown }" : `{\n${lines.join("\n")}\n${indent}}`;
}

function bracketed(type: string): string {
  return /[ |&]/.test(type) && !type.startsWith("{") ? `(${type})` : type;
}

function limitsOf(shape: Shape): string {
  const range = (from: unknown, to: unknown, what: string) =>
    from === undefined && to === undefined
      ? []
      : from === undefined
      ? [`at most ${to}${what}`]
      : to === undefined
      ? [`at least ${from}${what}`]
      : [`${from} to ${to}${what}`];
  return [
    ...(shape.type === "integer" ? ["whole"] : []),
    ...range(shape.minimum, shape.maximum, ""),
    ...range(shape.minLength, shape.maxLength, " characters"),
    ...range(shape.minItems, shape.maxItems, " items"),
    ...(typeof shape.pattern === "string" ? [`matches ${shape.pattern}`] : []),
    ...("default" in shape ? [`default ${JSON.stringify(shape.default)}`] : []),
  ].join(", ");
}
