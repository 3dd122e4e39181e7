// @ts-check
import { networkInterfaces } from 'node:os'

/** This machine's own addresses: in development a phone on the same network loads the app from them. */
const ownAddresses = Object.values(networkInterfaces()).flatMap((addresses = []) =>
  addresses.map(({ address }) => address),
)

/** @type {import('next').NextConfig} */
export default {
  agentRules: false,
  allowedDevOrigins: ownAddresses,
  // No image optimiser: /_next/image is 404.
  images: { unoptimized: true },
  // An app shows the picture of the person, which is a claim of its ID token.
  headers: async () => [
    { source: '/avatars/:file', headers: [{ key: 'Cross-Origin-Resource-Policy', value: 'cross-origin' }] },
  ],
  poweredByHeader: false,
  reactStrictMode: true,
  serverExternalPackages: ['libsql', 'oidc-provider', 'pino'],
}
