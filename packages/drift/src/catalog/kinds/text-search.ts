/** Text search: configurations and what they are made of. */
import { at, standsAlone, withState } from "./fragments.ts";

/** The function, if there is one, as an attribute. */
const attribute = (word: string, column: string) => `'${word} = ' || nullif(${column}, 0)::regproc`;

const qualified = (catalog: string, prefix: string, oid: string) =>
  `(SELECT quote_ident(q.nspname) || '.' || quote_ident(o.${prefix}name)
    FROM ${catalog} o JOIN pg_namespace q ON q.oid = o.${prefix}namespace WHERE o.oid = ${oid})`;

export const textSearch = {
  "text search configuration": `
    SELECT ${at("pg_ts_config", "c.oid")}, n.schema, quote_ident(c.cfgname), n.key, ${withState(
      `'(PARSER = ' || ${qualified("pg_ts_parser", "prs", "c.cfgparser")} || ')'`,
      `nullif(array_to_string(ARRAY(
        SELECT 'ADD MAPPING FOR ' || quote_ident(k.alias) || ' WITH ' || array_to_string(ARRAY(
          SELECT ${qualified("pg_ts_dict", "dict", "m.mapdict")} FROM pg_ts_config_map m
          WHERE m.mapcfg = c.oid AND m.maptokentype = k.tokid ORDER BY m.mapseqno), ', ')
        FROM ts_token_type(c.cfgparser) k
        WHERE EXISTS (SELECT FROM pg_ts_config_map m WHERE m.mapcfg = c.oid AND m.maptokentype = k.tokid)
        ORDER BY 1), '; '), '')`,
    )}
    FROM namespace n JOIN pg_ts_config c ON c.cfgnamespace = n.oid
    WHERE ${standsAlone("pg_ts_config", "c.oid")}`,

  "text search dictionary": `
    SELECT ${at("pg_ts_dict", "d.oid")}, n.schema, quote_ident(d.dictname), n.key,
      '(' || concat_ws(', ', 'TEMPLATE = ' || ${qualified("pg_ts_template", "tmpl", "d.dicttemplate")}, d.dictinitoption) || ')'
    FROM namespace n JOIN pg_ts_dict d ON d.dictnamespace = n.oid
    WHERE ${standsAlone("pg_ts_dict", "d.oid")}`,

  "text search parser": `
    SELECT ${at("pg_ts_parser", "p.oid")}, n.schema, quote_ident(p.prsname), n.key, '(' || concat_ws(', ',
      ${attribute("START", "p.prsstart")}, ${attribute("GETTOKEN", "p.prstoken")}, ${attribute("END", "p.prsend")},
      ${attribute("LEXTYPES", "p.prslextype")}, ${attribute("HEADLINE", "p.prsheadline")}) || ')'
    FROM namespace n JOIN pg_ts_parser p ON p.prsnamespace = n.oid
    WHERE ${standsAlone("pg_ts_parser", "p.oid")}`,

  "text search template": `
    SELECT ${at("pg_ts_template", "t.oid")}, n.schema, quote_ident(t.tmplname), n.key, '(' || concat_ws(', ',
      ${attribute("INIT", "t.tmplinit")}, ${attribute("LEXIZE", "t.tmpllexize")}) || ')'
    FROM namespace n JOIN pg_ts_template t ON t.tmplnamespace = n.oid
    WHERE ${standsAlone("pg_ts_template", "t.oid")}`,
} as const satisfies Record<string, string>;
