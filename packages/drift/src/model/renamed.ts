/** A catalog in which an object has another name: in its own name and in those of what belongs to it, and in what names it. */
import { type CatalogObject, keyOf, qualifiedName } from "./object.ts";

type Pair = { expected: CatalogObject; actual: CatalogObject };

/** A text is changed only where it is another one than it should be: it may use the name for something else. */
export function renamedIn(
  objects: CatalogObject[],
  { expected, actual }: Pair,
  wanted: CatalogObject[],
): CatalogObject[] {
  const target = new Map(wanted.map((object) => [keyOf(object), object.definition]));
  const [from, to] = [qualifiedName(actual), qualifiedName(expected)];
  const [oldMember, newMember] = [memberOf(actual), memberOf(expected)];
  const isOwn = (object: CatalogObject) => keyOf(object) === keyOf(actual);
  const isColumn = actual.kind === "column";
  const table = actual.parent;

  return objects.map((object) => {
    if (isOwn(object)) return { ...expected, definition: definitionOf(object) };
    const name = nameOf(object);
    const renamed = { ...object, name, parent: withToken(object.parent, from, to) };
    const wish = target.get(keyOf(renamed));
    if (wish === object.definition) return renamed;
    const definition = definitionOf(object);
    const isInOrder = wish === undefined || !isListed(object) || !isSameList(definition, wish);
    return { ...renamed, definition: isInOrder ? definition : wish };
  });

  function nameOf(object: CatalogObject): string {
    // What is attached to an object has no schema, and the object's whole key in its name.
    if (object.schema === "") return withToken(object.name, from, to);
    if (object.schema !== actual.schema) return object.name;
    return withToken(`${object.schema}.${object.name}`, from, to).slice(object.schema.length + 1);
  }

  function definitionOf(object: CatalogObject): string {
    if (isOwn(object) && expected.kind !== actual.kind) return expected.definition;
    const quoted = object.definition.replaceAll(`'${from}'::regclass`, `'${to}'::regclass`);
    const whole = withToken(quoted, from, to);
    if (isOwn(object)) return withToken(whole, oldMember, newMember);
    const isNear =
      isColumn &&
      (keyOf(object) === table ||
        object.parent === table ||
        whole.includes(table.slice(table.indexOf(" ") + 1)));
    if (!isNear) return whole;
    const text = withToken(whole, oldMember, newMember);
    return isView(object) ? withToken(text, `${newMember} AS ${newMember}`, newMember) : text;
  }
}

/** Whose definitions list names in the order of the alphabet, which is another with other names. */
function isListed({ kind }: CatalogObject): boolean {
  return kind === "statistics object" || kind === "publication";
}

function isSameList(one: string, other: string): boolean {
  const words = (text: string) => text.split(/[\s,()]+/).sort();
  return words(one).join(" ") === words(other).join(" ");
}

function isView({ kind }: CatalogObject): boolean {
  return kind.endsWith("view");
}

/** The name within the table, or the whole one of what has none. */
function memberOf({ schema, name, parent }: CatalogObject): string {
  const table = parent.slice(parent.indexOf(" ") + 1);
  const full = `${schema}.${name}`;
  return full.startsWith(`${table}.`) && table.includes(".") ? full.slice(table.length + 1) : name;
}

/** Replaces a name where it is one, and not a part of one or of a text in quotes. */
function withToken(text: string, from: string, to: string): string {
  if (!text.includes(from)) return text;
  const escaped = from.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const token = new RegExp(`'(?:[^']|'')*'|(?<![\\w$"])${escaped}(?![\\w$"])`, "g");
  return text.replace(token, (found) => (found.startsWith("'") ? found : to));
}
