/**
 * Carries island props from server to browser. A value is written as a list of cells, in which a
 * cell names others by their place in the list: what is shared stays shared and cycles survive. A
 * cell is plain JSON, or an array that starts with the tag of a type that JSON lacks.
 */

/** Encodes what only the caller knows, as a tag and a payload; `undefined` for all else. */
export type Extension = (value: object) => [tag: string, payload: unknown] | undefined;

type Put = (value: unknown, path: string) => number;

/** Writes a value as JSON. Throws a `TypeError` that names the place of what cannot be carried. */
export function encode(root: unknown, extension: Extension): string {
  const cells: unknown[] = [];
  const places = new Map<unknown, number>();
  const put: Put = (value, path) => {
    const known = places.get(value);
    if (known !== undefined) return known;
    const place = cells.push(null) - 1;
    // A Map does not tell 0 from -0.
    if (value !== 0) places.set(value, place);
    cells[place] = typeof value === "object" && value !== null
      ? objectCell(value, path, put, extension)
      : primitiveCell(value, path);
    return place;
  };
  put(root, "props");
  return JSON.stringify(cells);
}

function primitiveCell(value: unknown, path: string): unknown {
  if (value === undefined) return ["undefined"];
  if (typeof value === "bigint") return ["bigint", String(value)];
  if (Object.is(value, -0)) return ["number", "-0"];
  if (typeof value === "number" && !Number.isFinite(value)) return ["number", String(value)];
  if (typeof value === "function" || typeof value === "symbol") {
    throw new TypeError(`Cannot pass a ${typeof value} to an island: ${path}`);
  }
  return value;
}

function objectCell(value: object, path: string, put: Put, extension: Extension): unknown[] {
  const extended = extension(value);
  if (extended) return [extended[0], put(extended[1], `${path}.value`)];
  if (Array.isArray(value)) {
    return ["array", Array.from(value, (item, i) => i in value ? put(item, `${path}[${i}]`) : -1)];
  }
  if (value instanceof Date) return ["date", value.getTime()];
  if (value instanceof URL) return ["url", value.href];
  if (value instanceof RegExp) return ["regexp", value.source, value.flags];
  if (value instanceof Uint8Array) return ["bytes", Array.from(value)];
  if (value instanceof Set) return ["set", Array.from(value, (item) => put(item, path))];
  if (value instanceof Map) {
    return ["map", Array.from(value, ([key, item]) => [put(key, path), put(item, path)])];
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    const name = prototype.constructor?.name;
    throw new TypeError(`Cannot pass an instance of "${name}" to an island: ${path}`);
  }
  return [
    "object",
    Object.entries(value).map(([key, item]) => [key, put(item, `${path}.${key}`)]),
  ];
}

/** Makes a value of the caller's own type; `remember`s it before it `read`s what may refer to it. */
// deno-lint-ignore no-explicit-any -- the shape of the data is what the server wrote
export type Reviver = (read: () => any, remember: (value: unknown) => void) => unknown;

/** Reads what {@linkcode encode} wrote; `revivers` make the caller's own types, by tag. */
// deno-lint-ignore no-explicit-any -- as above
export function decode(json: string, revivers: Record<string, Reviver>): any {
  // deno-lint-ignore no-explicit-any -- as above
  const cells: any[] = JSON.parse(json);
  const values: unknown[] = [];

  const get = (place: number): unknown => {
    if (place in values) return values[place];
    const cell = cells[place];
    return values[place] = Array.isArray(cell) ? revive(cell, place) : cell;
  };

  // Containers are remembered before they are filled, so that a cycle finds them.
  // deno-lint-ignore no-explicit-any -- as above
  const revive = ([tag, payload, more]: any[], place: number): unknown => {
    if (tag === "undefined") return undefined;
    if (tag === "number") return Number(payload);
    if (tag === "bigint") return BigInt(payload);
    if (tag === "date") return new Date(payload ?? NaN);
    if (tag === "url") return new URL(payload);
    if (tag === "regexp") return new RegExp(payload, more);
    if (tag === "bytes") return Uint8Array.from(payload);
    if (tag === "array") {
      const array: unknown[] = values[place] = new Array(payload.length);
      payload.forEach((item: number, i: number) => item >= 0 && (array[i] = get(item)));
      return array;
    }
    if (tag === "set") {
      const set = values[place] = new Set();
      for (const item of payload) set.add(get(item));
      return set;
    }
    if (tag === "map") {
      const map = values[place] = new Map();
      for (const [key, item] of payload) map.set(get(key), get(item));
      return map;
    }
    if (tag === "object") {
      const object = values[place] = {};
      for (const [key, item] of payload) {
        // Not an assignment: that would run the setter of "__proto__".
        const property = { configurable: true, enumerable: true, writable: true };
        Object.defineProperty(object, key, { ...property, value: get(item) });
      }
      return object;
    }
    const reviver = revivers[tag];
    if (!reviver) throw new TypeError(`Cannot read the island prop type "${tag}"`);
    return reviver(() => get(payload), (value) => values[place] = value);
  };

  return get(0);
}
