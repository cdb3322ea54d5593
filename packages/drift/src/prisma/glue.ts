/**
 * What Prisma's schema engine, compiled to WebAssembly, asks of JavaScript. The `prisma` package carries the engine and,
 * since its version 7, nothing that could start it. The names are those of wasm-bindgen with a hash of the signature behind
 * them; where several functions share a name, what they are given tells them apart, and else the hash does.
 */

type Reference = unknown;
type Native = (...args: unknown[]) => unknown;
type Exports = Record<string, unknown>;

export type Engine = { diff(params: object): Promise<{ stdout?: string | null }> };

export type StartEngine = (options: object, log: Native, adapter: object) => Promise<Engine>;

/** One name, several constructors, and only the hash says which. */
const NEW = new Map<string, "object" | "array" | "map" | "promise" | "error">([
  ["405e22f390576ce2", "object"],
  ["1acc0b6eea89d040", "object"],
  ["78feb108b6472713", "array"],
  ["e17d9f43105b08be", "array"],
  ["5e0be73521bc8c17", "map"],
  ["68651c719dcda04e", "map"],
  ["23a2665fac83c611", "promise"],
  ["3c3d849046688a66", "promise"],
  ["c68d7209be747379", "error"],
  ["a7442b4b19c1a356", "error"],
]);
/** Those that read the property `next`, and do not call it. */
const NEXT_PROPERTY = ["25feadfc0913fea9", "2c826fe5dfec6b6a"];
/** Casts of two numbers that are a text and a piece of memory; any other of two numbers is a closure. */
const TEXT_CAST = "2241b6af4c4b2941";
const BYTES_CAST = "cb9088102bce6b30";
const UNSIGNED_CAST = "4625c577ab2ec9ee";

/** @throws Error when the engine was built by tools that are not known here. */
export async function startable(bytes: Uint8Array<ArrayBuffer>): Promise<StartEngine> {
  const module = await WebAssembly.compile(bytes);
  const runtime = createRuntime();
  const imports: Record<string, Record<string, Native>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = runtime.importOf(name);
  }
  const { exports } = await WebAssembly.instantiate(module, imports);
  runtime.attach(exports);
  (exports.__wbindgen_start as Native)();
  return (...args) => (exports.schemaengine_new as Native)(...args) as Promise<Engine>;
}

function createRuntime() {
  let wasm: Exports = {};
  let externals: WebAssembly.Table | undefined;
  const closures = new Map<number, Native>();
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
  const native = (name: string) => wasm[name] as Native;
  const view = () => new DataView((wasm.memory as WebAssembly.Memory).buffer);
  const bytes = (start: unknown, length: unknown) =>
    new Uint8Array((wasm.memory as WebAssembly.Memory).buffer).subarray(
      Number(start) >>> 0,
      (Number(start) >>> 0) + (Number(length) >>> 0),
    );
  const text = (start: unknown, length: unknown) => decoder.decode(bytes(start, length));

  function keep(value: Reference): number {
    const index = native("__externref_table_alloc")() as number;
    externals?.set(index, value);
    return index;
  }
  const keepUnlessNone = (value: Reference) => (value == null ? 0 : keep(value));

  function writeText(target: unknown, value: unknown): void {
    const encoded = typeof value === "string" ? new TextEncoder().encode(value) : null;
    const start = encoded ? (native("__wbindgen_malloc")(encoded.length, 1) as number) >>> 0 : 0;
    if (encoded) bytes(start, encoded.length).set(encoded);
    view().setInt32(Number(target) + 4, encoded?.length ?? 0, true);
    view().setInt32(Number(target), start, true);
  }

  /** A function of the engine that gets `count` references. What it holds is never freed: the process ends soon. */
  function closure(a: unknown, b: unknown, count: number): Native {
    const invoke = closures.get(count);
    if (!invoke) throw new Error("The engine has no closures of this kind.");
    return Object.assign((...args: unknown[]) => invoke(a, b, ...args), { _wbg_cb_unref() {} });
  }

  function construct(hash: string, args: unknown[]): Reference {
    const [a, b, c, d] = args;
    if (args.length === 4) return new RegExp(text(a, b), text(c, d));
    if (args.length === 1) return new Uint8Array(a as ArrayBuffer);
    const kind = NEW.get(hash);
    if (kind === "object") return {};
    if (kind === "array") return [];
    if (kind === "map") return new Map();
    if (kind === "error") return new Error(text(a, b));
    if (kind === "promise") return new Promise(closure(a, b, 2) as () => void);
    throw new Error("The engine asks for something that is not known here.");
  }

  function cast(hash: string, args: unknown[]): Reference {
    const [a, b] = args;
    if (hash === TEXT_CAST) return text(a, b);
    if (hash === BYTES_CAST) return bytes(a, b);
    if (args.length === 2) return closure(a, b, 1);
    return hash === UNSIGNED_CAST ? BigInt.asUintN(64, a as bigint) : a;
  }

  // biome-ignore lint/suspicious/noExplicitAny: what comes here has passed through a language without types
  const known: Record<string, (...args: any[]) => unknown> = {
    is_object: (value) => typeof value === "object" && value !== null,
    is_undefined: (value) => value === undefined,
    is_bigint: (value) => typeof value === "bigint",
    is_string: (value) => typeof value === "string",
    is_function: (value) => typeof value === "function",
    in: (key, object) => key in object,
    // biome-ignore lint/suspicious/noDoubleEquals: that is what it is asked for
    jsval_loose_eq: (one, other) => one == other,
    jsval_eq: (one, other) => one === other,
    as_number: (value) => +value,
    number_new: (value) => value,
    string_new: text,
    bigint_from_i64: (value) => value,
    bigint_from_u64: (value) => BigInt.asUintN(64, value),
    error_new: (start, length) => Error(text(start, length)),
    error: (value) => console.error(value),
    number_get(target, value) {
      const isNumber = typeof value === "number";
      view().setFloat64(target + 8, isNumber ? value : 0, true);
      view().setInt32(target, isNumber ? 1 : 0, true);
    },
    bigint_get_as_i64(target, value) {
      const isBig = typeof value === "bigint";
      view().setBigInt64(target + 8, isBig ? value : 0n, true);
      view().setInt32(target, isBig ? 1 : 0, true);
    },
    string_get: writeText,
    String: (target, value) => writeText(target, String(value)),
    debug_string: (target, value) => writeText(target, String(value)),
    memory: () => wasm.memory,
    buffer: (value) => value.buffer,
    cb_drop: () => 0,
    wbg_cb_unref: () => {},
    init_externref_table() {
      const start = externals?.grow(4) ?? 0;
      for (const [index, value] of [undefined, null, true, false].entries())
        externals?.set(start + index, value);
      externals?.set(0, undefined);
    },
    Error: (start, length) => Error(text(start, length)),
    Number: (value) => Number(value),
    call: (run, self, ...args) => run.call(self, ...args),
    done: (value) => value.done,
    value: (value) => value.value,
    crypto: (value) => value.crypto,
    msCrypto: (value) => value.msCrypto,
    process: (value) => value.process,
    versions: (value) => value.versions,
    node: (value) => value.node,
    require: () => undefined,
    entries: (value) => Object.entries(value),
    exec: (pattern, start, length) => keepUnlessNone(pattern.exec(text(start, length))),
    getRandomValues: (crypto, array) => crypto.getRandomValues(array),
    randomFillSync: (crypto, array) => crypto.randomFillSync(array),
    getTime: (date) => date.getTime(),
    get: (object, key) => object[key],
    getwithrefkey: (object, key) => object[key],
    has: (object, key) => Reflect.has(object, key),
    instanceof_ArrayBuffer: (value) => value instanceof ArrayBuffer,
    instanceof_Map: (value) => value instanceof Map,
    instanceof_Promise: (value) => value instanceof Promise,
    instanceof_Uint8Array: (value) => value instanceof Uint8Array,
    isArray: (value) => Array.isArray(value),
    isSafeInteger: (value) => Number.isSafeInteger(value),
    iterator: () => Symbol.iterator,
    length: (value) => value.length,
    new0: () => new Date(),
    newfromslice: (start, length) => new Uint8Array(bytes(start, length)),
    newwithbyteoffsetandlength: (value, start, length) =>
      new Uint8Array(value, start >>> 0, length >>> 0),
    newwithlength: (length) => new Uint8Array(length >>> 0),
    // It asks for the global object; its other ways to find that come first.
    newnoargs: () => () => globalThis,
    now: (clock) => (clock ? clock.now() : Date.now()),
    prototypesetcall: (start, length, from) => bytes(start, length).set(from),
    push: (array, value) => array.push(value),
    queueMicrotask: (value) =>
      typeof value === "function" ? queueMicrotask(value) : value.queueMicrotask,
    resolve: (value) => Promise.resolve(value),
    schemaengine_new: (pointer) => ({
      diff: (params: object) => native("schemaengine_diff")(pointer, params),
    }),
    setTimeout: (run, ms) => setTimeout(run, ms >>> 0),
    set(target, key, value) {
      if (target instanceof Map) return target.set(key, value);
      if (target instanceof Uint8Array && typeof value === "number") return target.set(key, value);
      return Reflect.set(target, key, value);
    },
    setmessage: (start, length) => {
      throw new Error(text(start, length));
    },
    setname(error, start, length) {
      error.name = text(start, length);
    },
    static_accessor_GLOBAL: () => keep(globalThis),
    static_accessor_GLOBAL_THIS: () => keep(globalThis),
    static_accessor_SELF: () => 0,
    static_accessor_WINDOW: () => 0,
    subarray: (array, start, end) => array.subarray(start >>> 0, end >>> 0),
    valueOf: (value: object) => value.valueOf(),
  };

  function find(name: string): Native {
    const [, hash = ""] = /_([0-9a-f]{16})$/.exec(name) ?? [];
    const isOld = name.startsWith("__wbindgen_");
    const base = name
      .replace(/_[0-9a-f]{16}$/, "")
      .replace(/^__wbg_+(wbindgen_)?|^__wbindgen_/, "");
    if (base === "throw")
      return (start, length) => {
        throw new Error(text(start, length));
      };
    if (base === "then")
      return (promise, ...handlers) => (promise as Promise<unknown>).then(...(handlers as []));
    if (base === "new") return (...args) => construct(hash, args);
    if (base === "cast") return (...args) => cast(hash, args);
    if (base.startsWith("closure_wrapper")) return (a, b) => closure(a, b, 1);
    if (base === "next")
      return NEXT_PROPERTY.includes(hash)
        ? (value) => (value as Iterator<unknown>).next
        : (value) => (value as Iterator<unknown>).next();
    if (base === "boolean_get") {
      const none = isOld ? 2 : 0xffffff;
      return (value) => (typeof value === "boolean" ? Number(value) : none);
    }
    const found = known[base] ?? known[base.replaceAll("_", "")];
    if (!found) throw new Error(`The engine needs ${base}, which is not known here.`);
    return found;
  }

  return {
    /** What the engine would catch it must be given; nothing else that it calls throws. */
    importOf(name: string): Native {
      const run = find(name);
      if (name.includes("throw")) return run;
      return (...args) => {
        try {
          return run(...args);
        } catch (error) {
          return native("__wbindgen_exn_store")(keep(error));
        }
      };
    },

    attach(exports: Exports): void {
      wasm = exports;
      for (const [name, value] of Object.entries(exports)) {
        if (/closure\d+_externref_shim|closures_+invoke/.test(name))
          closures.set((value as Native).length - 2, value as Native);
        if (value instanceof WebAssembly.Table && holdsAnything(value)) externals = value;
      }
    },
  };
}

/** A table of functions takes nothing else. */
function holdsAnything(table: WebAssembly.Table): boolean {
  try {
    table.grow(0, {});
    return true;
  } catch {
    return false;
  }
}
