/** How each kind is repaired. The order of the entries is the one in which objects are made, so far as kinds tell it. */
import { comment, owner } from "./attached.ts";
import { column } from "./columns.ts";
import { databaseSetting, eventTrigger, extension, publication, schema } from "./database.ts";
import { enumType } from "./enums.ts";
import { foreignDataWrapper, foreignServer, userMapping } from "./foreign.ts";
import { constraint, index, notNull, statistics } from "./indexes.ts";
import {
  operator,
  operatorClass,
  operatorFamily,
  textSearchConfiguration,
  textSearchDictionary,
  textSearchParser,
  textSearchTemplate,
} from "./operators.ts";
import { defaultPrivilege, grant } from "./privileges.ts";
import { policy, rule, trigger } from "./programs.ts";
import { aggregate, func, procedure } from "./routines.ts";
import { sequence } from "./sequences.ts";
import { foreignTable, ownPart, table } from "./tables.ts";
import { cast, collation, compositeType, domain, domainConstraint, rangeType } from "./types.ts";
import { materializedView, view } from "./views.ts";
import type { Repair } from "./way.ts";

export const repairs: Record<string, Repair> = {
  schema,
  extension,
  "foreign data wrapper": foreignDataWrapper,
  "foreign server": foreignServer,
  "user mapping": userMapping,
  collation,
  enum: enumType,
  domain,
  "composite type": compositeType,
  "range type": rangeType,
  "text search parser": textSearchParser,
  "text search template": textSearchTemplate,
  "text search dictionary": textSearchDictionary,
  "text search configuration": textSearchConfiguration,
  sequence,
  function: func,
  procedure,
  aggregate,
  cast,
  operator,
  "operator family": operatorFamily,
  "operator class": operatorClass,
  "domain constraint": domainConstraint,
  table,
  "foreign table": foreignTable,
  column,
  "own column": ownPart,
  "not null": notNull,
  // Before the views, as a view can need a key, and what is in the way of a column is then taken away without them.
  constraint,
  "own constraint": ownPart,
  index,
  "statistics object": statistics,
  view,
  "materialized view": materializedView,
  rule,
  trigger,
  policy,
  "event trigger": eventTrigger,
  publication,
  "database setting": databaseSetting,
  owner,
  grant,
  comment,
  // Last, as it gives grants to whatever is made after it.
  "default privilege": defaultPrivilege,
};
