/** Foreign data: wrappers, servers and who logs in to them. Foreign tables are among the tables. */
import { at, foreignOptions, standsAlone } from "./fragments.ts";

export const foreign = {
  "foreign data wrapper": `
    SELECT ${at("pg_foreign_data_wrapper", "w.oid")}, '', quote_ident(w.fdwname), '', concat_ws(' ', 'FOREIGN DATA WRAPPER',
      'HANDLER ' || nullif(w.fdwhandler, 0)::regproc, 'VALIDATOR ' || nullif(w.fdwvalidator, 0)::regproc,
      ${foreignOptions("w.fdwoptions")})
    FROM pg_foreign_data_wrapper w
    WHERE ${standsAlone("pg_foreign_data_wrapper", "w.oid")}`,

  "foreign server": `
    SELECT ${at("pg_foreign_server", "s.oid")}, '', quote_ident(s.srvname),
      CASE WHEN ${standsAlone("pg_foreign_data_wrapper", "w.oid")} THEN 'foreign data wrapper ' || quote_ident(w.fdwname) ELSE '' END,
      concat_ws(' ', 'SERVER', 'TYPE ' || quote_literal(s.srvtype), 'VERSION ' || quote_literal(s.srvversion),
        'FOREIGN DATA WRAPPER ' || quote_ident(w.fdwname), ${foreignOptions("s.srvoptions")})
    FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
    WHERE ${standsAlone("pg_foreign_server", "s.oid")}`,

  // Without its options: they hold passwords, and who may see any of them depends on who reads.
  "user mapping": `
    SELECT ${at("pg_user_mapping", "u.umid")}, '',
      'for ' || CASE u.umuser WHEN 0 THEN 'PUBLIC' ELSE quote_ident(u.usename) END || ' server ' || quote_ident(u.srvname),
      'foreign server ' || quote_ident(u.srvname), 'USER MAPPING'
    FROM pg_user_mappings u
    WHERE ${standsAlone("pg_foreign_server", "u.srvid")}`,
} as const satisfies Record<string, string>;
