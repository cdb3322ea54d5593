/** In what form the records of a body come: what browsers and spreadsheets really say of CSV, and how they encode it. */
import type { Context as HonoContext } from "hono";
import { ApiError } from "../errors.ts";
import { decode, type Encoding, mediaTypeOf, unsupportedType } from "./body.ts";

/** What the document names. */
export const RECORD_TYPES = ["text/csv", "application/x-ndjson"] as const;

type RecordType = { format: "csv" | "json"; encoding: Encoding };

/** A Map, as wherever a caller's word is looked up: an object would find its prototype's `constructor` too. */
const FORMATS = new Map<string, RecordType["format"]>([
  ["text/csv", "csv"],
  ["text/x-csv", "csv"],
  ["text/comma-separated-values", "csv"],
  ["text/tab-separated-values", "csv"],
  ["application/csv", "csv"],
  ["application/x-csv", "csv"],
  // A browser's word for a .csv on Windows, where Excel has claimed the ending.
  ["application/vnd.ms-excel", "csv"],
  ["application/x-ndjson", "json"],
  ["application/ndjson", "json"],
  ["application/jsonl", "json"],
  ["application/jsonlines", "json"],
  ["application/x-jsonlines", "json"],
]);
const ENCODINGS = new Map<string, Encoding>([
  ["utf-8", "utf-8"],
  ["utf8", "utf-8"],
  ["us-ascii", "utf-8"],
  ["utf-16", "utf-16le"],
  ["utf-16le", "utf-16le"],
  ["utf-16be", "utf-16be"],
]);
const SAVE_AS = ' Save the file as "CSV UTF-8" and send that.';

/**
 * `header` is the parameter of RFC 4180, section 3: without a header line nobody knows what is what.
 * @throws ApiError `unsupported_media_type`, also for what is compressed or in another encoding.
 */
export function recordTypeOf(c: HonoContext): RecordType {
  const { type = "", parameters = [] } = mediaTypeOf(c) ?? {};
  const given = (wanted: string) =>
    parameters.flatMap(([name, value]) => (name === wanted ? [value] : []));
  const format = FORMATS.get(type);
  const [encoding = "utf-8", ...others] = new Set(
    given("charset").map((name) => ENCODINGS.get(name) ?? null),
  );
  if (!format || !encoding || others.length > 0 || given("header").includes("absent"))
    throw unsupportedType(
      c,
      RECORD_TYPES,
      `Send ${RECORD_TYPES.join(" or ")} in UTF-8, not compressed; CSV with a header line.`,
    );
  return { format, encoding };
}

/**
 * The text of the body. What its first bytes say of the encoding goes before what its type says: a spreadsheet's
 * "Unicode text" is UTF-16 with a mark, and nobody who uploads it knows. The mark is left out.
 * @throws ApiError `malformed_body`, as `bytes` throws, and for a workbook.
 */
export async function* decodeMarked(
  bytes: AsyncGenerator<Uint8Array>,
  encoding: Encoding,
): AsyncGenerator<string> {
  const chunks: Uint8Array[] = [];
  for (let size = 0; size < 4; ) {
    const { value, done } = await bytes.next();
    if (done) break;
    chunks.push(value);
    size += value.byteLength;
  }
  const begin = Buffer.concat(chunks);
  if (isWorkbook(begin))
    throw new ApiError("malformed_body", `The body is a workbook, and not its text.${SAVE_AS}`);
  const marked = MARKS.find(([mark]) => begin.indexOf(Buffer.from(mark)) === 0)?.[1];
  yield* decode(following(begin, bytes), { encoding: marked ?? encoding, hint: SAVE_AS });
}

const MARKS: [mark: number[], encoding: Encoding][] = [
  [[0xef, 0xbb, 0xbf], "utf-8"],
  [[0xff, 0xfe], "utf-16le"],
  [[0xfe, 0xff], "utf-16be"],
];

/** A zip (.xlsx, .ods), or OLE (.xls). */
function isWorkbook(begin: Buffer): boolean {
  const signature = begin.toString("latin1", 0, 4);
  return signature === "PK\x03\x04" || signature === "\xd0\xcf\x11\xe0";
}

async function* following(begin: Buffer, rest: AsyncGenerator<Uint8Array>) {
  try {
    yield begin;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}
