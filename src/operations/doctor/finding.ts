/** What was looked at, and what became of it. */

/** `note`: worth knowing, and nothing that fails. */
export type State = "ok" | "note" | "wrong";
export type Finding = { name: string; state: State; what: string; advice?: string };

export function ok(name: string, what: string): Finding {
  return { name, state: "ok", what };
}

export function note(name: string, what: string, advice?: string): Finding {
  return { name, state: "note", what, ...(advice !== undefined && { advice }) };
}

export function wrong(name: string, what: string, advice: string): Finding {
  return { name, state: "wrong", what, advice };
}
