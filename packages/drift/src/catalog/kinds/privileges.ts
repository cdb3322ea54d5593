/** How a set of privileges is written. */

/**
 * Aggregates the privileges of a group. All that there are for tables is ALL, as MAINTAIN is among them from
 * PostgreSQL 17 on.
 */
export const privileges = (type: string, privilege: string, grantable: string) => `
  CASE WHEN ${type} = 'r' AND bool_and(${grantable}) = bool_or(${grantable})
      AND count(DISTINCT ${privilege}) = (SELECT count(*) FROM aclexplode(acldefault('r', 10)))
    THEN 'ALL' || CASE WHEN bool_and(${grantable}) THEN ' WITH GRANT OPTION' ELSE '' END
    ELSE string_agg(${privilege} || CASE WHEN ${grantable} THEN ' WITH GRANT OPTION' ELSE '' END, ', ' ORDER BY ${privilege}) END`;
