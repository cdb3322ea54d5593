# One image for everything that production runs; it has no commands but those of the project:
#   docker run … tenantry                                serves
#   docker run … tenantry bunx prisma migrate deploy     migrates and exits
#   docker run … tenantry bun run db:roles               makes the login that the server runs as, and exits
#   docker run … tenantry bun run drift                  checks for drift and exits

ARG BUN_VERSION=1.4.5

FROM oven/bun:${BUN_VERSION}-slim AS build
WORKDIR /app

COPY package.json bun.lock bunfig.toml ./
COPY packages/drift/package.json packages/drift/
COPY packages/prisma-engine/package.json packages/prisma-engine/
RUN bun install --frozen-lockfile --production --omit=peer --ignore-scripts

# Three quarters of the packages' weight has no use here: what only editors and debuggers read, query compilers of other
# databases, `prisma dev` and `prisma studio`. The Prisma CLI still imports a few files of the last two.
RUN find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete \
 && find node_modules/prisma/build node_modules/@prisma/client/runtime -name 'query_compiler_*' \
      ! -name 'query_compiler_fast_bg.postgresql.*mjs' -delete \
 && cd node_modules \
 && rm -rf @electric-sql @prisma/dev/dist/runtime-assets @prisma/query-plan-executor @prisma/streams-local \
      @prisma/studio-core/dist/ui @prisma/studio-core/dist/metafile-* prisma/build/studio.* @visx elkjs lodash \
      effect/src zod/src

COPY prisma.config.ts ./
COPY packages packages
COPY prisma prisma
COPY src src
RUN bunx prisma generate
# Fails the build when too much was deleted: for a migration to run, for an import to be found.
RUN bunx prisma migrate diff --from-empty --to-schema prisma/schema.prisma --script > /dev/null \
 && bun build --target bun --outdir /tmp/imports src/index.ts packages/drift/src/cli/drift.ts src/cli/*.ts \
      prisma/seed.ts packages/prisma-engine/src/schema-engine.ts

FROM oven/bun:${BUN_VERSION}-slim
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000

# Prisma's command asks for `node`. bunx would link Bun under that name in /tmp, which a read-only container has not.
RUN ln -s bun /usr/local/bin/node

# Everything belongs to root, and the process does not run as root: it cannot change its own code.
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/generated generated
COPY package.json prisma.config.ts ./
COPY migrations-sql migrations-sql
COPY mail-templates mail-templates
COPY packages packages
COPY prisma prisma
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
