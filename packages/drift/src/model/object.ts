/** What a catalog is made of. Everything is text, so that any two objects compare with `===` whatever their kind. */
export type CatalogObject = {
  /** An entry of the kinds table: "table", "constraint", … */
  kind: string;
  /** Empty for what lives outside schemas: extensions, and schemas themselves. */
  schema: string;
  /** Unique within kind and schema, quoted as SQL would: `users`, `users.email`, `slug(text)`. */
  name: string;
  /** Key of the object that cannot be dropped without this one, or empty. */
  parent: string;
  /** PostgreSQL's own canonical text, and whatever state that text leaves out. */
  definition: string;
};

/** Kinds of which one is missed where it is declared, and never too much: they protect, or name, what is there anyway. */
export const ONLY_IF_DECLARED: ReadonlySet<string> = new Set([
  "not null",
  "own column",
  "own constraint",
]);

/** The identity of an object, as people read it: `constraint public.users.users_email_check`. */
export function keyOf({
  kind,
  schema,
  name,
}: Pick<CatalogObject, "kind" | "schema" | "name">): string {
  return `${kind} ${qualifiedName({ schema, name })}`;
}

/** The name of an object with its schema, if it has one. */
export function qualifiedName({ schema, name }: Pick<CatalogObject, "schema" | "name">): string {
  return schema ? `${schema}.${name}` : name;
}
