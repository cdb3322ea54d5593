/** The place of a key, an index or a sequence in a Prisma schema is the line of its fields, and not that of the model. */
import { expect, test } from "bun:test";
import type { Finding } from "../src/model/finding.ts";
import { placesOf } from "../src/project/places.ts";

const content = `model Ticket {
  id       Int      @id @default(autoincrement())
  // code is no longer @unique
  code     String   @unique
  seat     Int
  Row      Int      @map("seat_row")
  showId   Int
  show     Show     @relation(fields: [showId], references: [id])

  @@unique([seat, Row])
  @@index([Row(sort: Desc), code])
  @@map("tickets")
}

model Show {
  place String
  day   DateTime
  @@id([place, day])
}
`;

function lineOf(kind: string, name: string, parent: string, expected = ""): number | null {
  const finding = {
    kind,
    schema: kind === "comment" ? "" : "public",
    name,
    parent,
    expected,
  } as Finding;
  const key = [kind, kind === "comment" ? name : `public.${name}`].join(" ");
  const script = { path: "schema.prisma", sql: "", sources: [{ path: "schema.prisma", content }] };
  const places = placesOf([finding], new Map([[key, script.path]]), [script]);
  return places.get(key)?.line ?? null;
}

test("each is on the line that makes it", () => {
  const table = "table public.tickets";
  const key = (name: string, text: string) => lineOf("constraint", `tickets.${name}`, table, text);
  const index = (name: string, text: string) => lineOf("index", name, table, text);
  expect(key("tickets_pkey", "PRIMARY KEY (id)")).toBe(2);
  expect(
    index(
      "tickets_code_key",
      "CREATE UNIQUE INDEX tickets_code_key ON public.tickets USING btree (code)",
    ),
  ).toBe(4);
  expect(
    key(
      "tickets_showId_fkey",
      'FOREIGN KEY ("showId") REFERENCES public."Show"(id) ON UPDATE CASCADE',
    ),
  ).toBe(8);
  expect(
    index(
      "tickets_seat_seat_row_key",
      "CREATE UNIQUE INDEX tickets_seat_seat_row_key ON public.tickets USING btree (seat, seat_row)",
    ),
  ).toBe(10);
  expect(
    index(
      "tickets_x_idx",
      "CREATE INDEX tickets_x_idx ON public.tickets USING btree (seat_row DESC, code)",
    ),
  ).toBe(11);
  expect(
    lineOf("constraint", '"Show"."Show_pkey"', 'table public."Show"', "PRIMARY KEY (place, day)"),
  ).toBe(18);
});

test("what belongs to a column is on the line of its field", () => {
  expect(lineOf("column", "tickets.seat_row", "table public.tickets")).toBe(6);
  expect(
    lineOf("sequence", "tickets_id_seq", "column public.tickets.id", "SEQUENCE AS integer"),
  ).toBe(2);
  expect(
    lineOf("comment", "on column public.tickets.seat", "column public.tickets.seat", "'x'"),
  ).toBe(5);
});

test("what no line makes is on that of its model", () => {
  expect(
    lineOf("constraint", "tickets.positive", "table public.tickets", "CHECK ((seat > 0))"),
  ).toBe(1);
  expect(
    lineOf(
      "index",
      "other",
      "table public.tickets",
      "CREATE INDEX other ON public.tickets USING btree (code)",
    ),
  ).toBe(1);
});
