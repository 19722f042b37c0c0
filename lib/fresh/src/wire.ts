/**
 * Carries island props from server to browser. A value is written as a list of cells, in which a
 * cell names others by their place in the list: what is shared stays shared, cycles survive, and
 * every type that JSON lacks is an array that starts with its tag.
 */

type Cell = string | number | boolean | null | [
  tag: string,
  ...rest: unknown[],
];

/** Encodes values that only the caller knows: a tag and a payload to encode, or `undefined`. */
export type Extension = (
  value: object,
) => [tag: string, payload: unknown] | undefined;

/** Writes a value as JSON. Throws a `TypeError` that names the place of what cannot be carried. */
export function encode(root: unknown, extension: Extension): string {
  const cells: Cell[] = [];
  const places = new Map<unknown, number>();

  const put = (value: unknown, path: string): number => {
    const known = places.get(value);
    if (known !== undefined) return known;
    const place = cells.length;
    cells.push(null);
    // Map keys do not tell 0 from -0, so -0 is never remembered.
    if (!Object.is(value, -0)) places.set(value, place);
    cells[place] = cellOf(value, path, put, extension);
    return place;
  };

  put(root, "props");
  return JSON.stringify(cells);
}

function cellOf(
  value: unknown,
  path: string,
  put: (value: unknown, path: string) => number,
  extension: Extension,
): Cell {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : ["number", Object.is(value, -0) ? "-0" : String(value)];
    case "undefined":
      return ["undefined"];
    case "bigint":
      return ["bigint", String(value)];
    case "object":
      break;
    default:
      throw new TypeError(
        `Cannot pass a ${typeof value} to an island: ${path}`,
      );
  }
  if (value === null) return null;

  const extended = extension(value);
  if (extended) return [extended[0], put(extended[1], `${path}.value`)];
  if (Array.isArray(value)) {
    // Array.from visits holes; a hole has no own key.
    return [
      "array",
      Array.from(
        value,
        (item, i) => i in value ? put(item, `${path}[${i}]`) : -1,
      ),
    ];
  }
  if (value instanceof Date) return ["date", value.getTime()];
  if (value instanceof URL) return ["url", value.href];
  if (value instanceof RegExp) return ["regexp", value.source, value.flags];
  if (value instanceof Uint8Array) {
    return [
      "bytes",
      btoa(Array.from(value, (byte) => String.fromCharCode(byte)).join("")),
    ];
  }
  if (value instanceof Set) {
    return [
      "set",
      Array.from(value, (item) => put(item, `${path}[set]`)),
    ];
  }
  if (value instanceof Map) {
    return [
      "map",
      Array.from(
        value,
        ([k, v]) => [put(k, `${path}[key]`), put(v, `${path}[${String(k)}]`)],
      ),
    ];
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError(
      `Cannot pass an instance of "${prototype.constructor?.name}" to an island: ${path}`,
    );
  }
  return [
    "object",
    Object.entries(value).map((
      [key, item],
    ) => [key, put(item, `${path}.${key}`)]),
  ];
}

/**
 * Makes a value of the caller's own type. `remember` it before `read`ing its payload, which may
 * refer back to it.
 */
export type Reviver = (
  // deno-lint-ignore no-explicit-any -- the shape of the data is what the server wrote
  read: () => any,
  remember: (value: unknown) => void,
) => unknown;

/** Reads what {@linkcode encode} wrote; `extensions` makes the caller's own types, by tag. */
// deno-lint-ignore no-explicit-any -- as above
export function decode(json: string, extensions: Record<string, Reviver>): any {
  const cells: Cell[] = JSON.parse(json);
  const values: unknown[] = [];

  const get = (place: number): unknown => {
    if (place in values) return values[place];
    const cell = cells[place];
    if (!Array.isArray(cell)) return values[place] = cell;
    const [tag, payload, more] = cell;
    return values[place] = make(tag, payload, more, place);
  };

  // deno-lint-ignore no-explicit-any -- as above
  const make = (
    tag: string,
    payload: any,
    more: any,
    place: number,
  ): unknown => {
    switch (tag) {
      case "undefined":
        return undefined;
      case "number":
        return Number(payload);
      case "bigint":
        return BigInt(payload);
      case "date":
        return new Date(payload ?? NaN);
      case "url":
        return new URL(payload);
      case "regexp":
        return new RegExp(payload, more);
      case "bytes":
        return Uint8Array.from(atob(payload), (char) => char.charCodeAt(0));
      // Containers are remembered before they are filled, so that a cycle finds them.
      case "array": {
        const array: unknown[] = values[place] = new Array(payload.length);
        payload.forEach((item: number, i: number) => item >= 0 && (array[i] = get(item)));
        return array;
      }
      case "set": {
        const set = values[place] = new Set();
        for (const item of payload) set.add(get(item));
        return set;
      }
      case "map": {
        const map = values[place] = new Map();
        for (const [k, v] of payload) map.set(get(k), get(v));
        return map;
      }
      case "object": {
        const object: Record<string, unknown> = values[place] = {};
        for (const [key, item] of payload) {
          // Assignment would run the setter of "__proto__".
          Object.defineProperty(object, key, {
            value: get(item),
            configurable: true,
            enumerable: true,
            writable: true,
          });
        }
        return object;
      }
    }
    const extension = extensions[tag];
    if (!extension) {
      throw new TypeError(`Cannot read the island prop type "${tag}"`);
    }
    return extension(() => get(payload), (value) => values[place] = value);
  };

  return get(0);
}
