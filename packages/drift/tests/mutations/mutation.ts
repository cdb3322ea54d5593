/** What is found, by the statement that brings it about. */
export type Mutations = Record<string, string[]>;
