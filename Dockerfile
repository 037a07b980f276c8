# Build: docker build -t lockstep .    Run: see compose.yaml or docs/deploy.md
FROM node:24-trixie-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev

FROM node:24-trixie-slim
# git, and the certificates it does not use but the gateway does with NODE_EXTRA_CA_CERTS
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git ca-certificates tini \
 && rm -rf /var/lib/apt/lists/* \
 && install --directory --owner=node --group=node --mode=0750 /data
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/lib ./lib
COPY assets ./assets
COPY package.json app.yml .env.example ./
ENV NODE_ENV=production DATA_DIR=/data HOST=0.0.0.0 PORT=3000 LOG_FORMAT=json
USER node
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 3000) + '/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# tini reaps what a killed git leaves behind, and passes SIGTERM on.
ENTRYPOINT ["tini", "--", "node", "lib/cli.js"]
CMD ["start"]
