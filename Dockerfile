# Two images. Both hold no development dependency, run as nobody in particular and write nothing to their disk:
#   docker build -t tenantry .                             the server, and the commands that need no Prisma
#     docker run … tenantry                                  serves
#     docker run … tenantry bun run db:roles                 makes the login that the server runs as, and exits
#   docker build -t tenantry-migrate --target migrate .    what the owner of the database runs, and the server has no use for
#     docker run … tenantry-migrate                          migrates and exits
#     docker run … tenantry-migrate bun run drift            checks for drift and exits

ARG BUN_VERSION=1.4.5

FROM oven/bun:${BUN_VERSION}-slim AS base
WORKDIR /app
ENV NODE_ENV=production

FROM base AS manifests
COPY package.json bun.lock bunfig.toml ./
COPY packages/drift/package.json packages/drift/
COPY packages/prisma-engine/package.json packages/prisma-engine/

# What Prisma's command needs, and the drift check. Most of their weight has no use here: what only editors and debuggers
# read, query compilers of other databases, `prisma dev` and `prisma studio`. The command still imports a few files of these.
FROM manifests AS migrate-packages
RUN bun install --frozen-lockfile --production --omit=peer --ignore-scripts \
      --filter @tenantry/prisma-engine --filter @tenantry/drift \
 && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete \
 && find node_modules/prisma/build -name 'query_compiler_*' ! -name 'query_compiler_fast_bg.postgresql.*mjs' -delete \
 && cd node_modules \
 && rm -rf @electric-sql @prisma/dev/dist/runtime-assets @prisma/query-plan-executor @prisma/streams-local \
      @prisma/studio-core/dist/ui @prisma/studio-core/dist/metafile-* prisma/build/studio.* @visx elkjs lodash effect/src
COPY prisma.config.ts ./
COPY packages packages
COPY prisma/schema.prisma prisma/
# Fails the build when too much was deleted: for a migration to run, for an import to be found.
RUN bunx prisma generate \
 && bunx prisma migrate diff --from-empty --to-schema prisma/schema.prisma --script > /dev/null \
 && bun build --target bun --outdir /tmp/imports packages/drift/src/cli/drift.ts packages/drift/src/cli/rollback.ts \
      packages/prisma-engine/src/schema-engine.ts

# What the server needs, without Prisma's command. Of Swagger UI two files are served.
FROM manifests AS server-packages
RUN bun install --frozen-lockfile --production --omit=peer --ignore-scripts --filter tenantry \
 && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete \
 && find node_modules/@prisma/client/runtime -name 'query_compiler_*' \
      ! -name 'query_compiler_small_bg.postgresql.*mjs' -delete \
 && find node_modules/swagger-ui-dist -name '*.js' ! -name swagger-ui-bundle.js -delete \
 && rm -rf node_modules/zod/src
COPY packages/drift packages/drift
COPY --from=migrate-packages /app/generated generated
COPY src src
# As above: every import is found.
RUN bun build --target bun --outdir /tmp/imports src/index.ts src/cli/*.ts

# Everything belongs to root, and the process does not run as root: it cannot change its own code.
FROM base AS migrate
# Prisma's command asks for `node`. bunx would link Bun under that name in /tmp, which a read-only container has not.
RUN ln -s bun /usr/local/bin/node
COPY --from=migrate-packages /app/node_modules node_modules
COPY package.json prisma.config.ts ./
COPY packages packages
COPY migrations-sql migrations-sql
COPY prisma prisma
USER 1000:1000
ENTRYPOINT []
CMD ["bunx", "prisma", "migrate", "deploy"]

FROM base
ENV HOST=0.0.0.0 PORT=3000
# Of Bun's garbage collector (docs/decisions/small-young-generation.md). It reads them before any code of ours runs.
ENV BUN_JSC_heapGrowthMaxIncrease=0.5 BUN_JSC_minEdenToOldGenerationRatio=0.2
COPY --from=server-packages /app/node_modules node_modules
COPY --from=server-packages /app/generated generated
COPY package.json ./
COPY mail-templates mail-templates
COPY packages/drift packages/drift
COPY migrations-sql migrations-sql
# It says which of them the database lacks.
COPY prisma/migrations prisma/migrations
COPY src src

# By number, so that Kubernetes can see that it is not root.
USER 1000:1000
EXPOSE 3000

# Live, not ready: orchestrators replace what is unhealthy, and a database that is away does not come back by that.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["bun", "-e", "process.exit((await fetch(`http://127.0.0.1:${process.env.PORT}/health/live`)).ok ? 0 : 1)"]

# The base image's entry point guesses what to run. The commands above leave nothing to guess.
ENTRYPOINT []
CMD ["bun", "src/index.ts"]
