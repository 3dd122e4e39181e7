# docker build -t qr-login .
# docker run -p 3000:3000 -e PUBLIC_ORIGIN=https://login.example.com -e SESSION_SECRET=… \
#   -e TRUSTED_PROXIES=172.17.0.1 qr-login
# TRUSTED_PROXIES is the address of the proxy as the container sees it. While it is wrong, the log
# has a warning.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build && rm -rf .next/cache && npm prune --omit=dev

FROM node:24-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production
# Docker sets HOSTNAME to the name of the container, which would be the wrong listening address.
ENV HOSTNAME=0.0.0.0
ENV PORT=3000
ENV DATA_DIR=/data
RUN install -d -o node -g node -m 0700 /data
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/.next ./.next
COPY --from=build /app/public ./public
COPY --from=build /app/scripts/start.mjs ./scripts/start.mjs
COPY --from=build /app/next.config.js /app/package.json ./
# The files of the app belong to root, so the process cannot change them.
USER node
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/api/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node itself, not npm, so that the server receives SIGTERM.
CMD ["node", "scripts/start.mjs"]
