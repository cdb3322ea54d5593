/** A file of a Prisma schema. */
export type SchemaFile = { path: string; content: string };
