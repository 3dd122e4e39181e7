// @ts-check
import { resolve } from 'node:path'

/** @type {import('next').NextConfig} */
export default {
  // qr-login is two folders up here; installed as a package it needs no root.
  turbopack: { root: resolve(import.meta.dirname, '../../../..') },
  serverExternalPackages: ['libsql', 'pino'],
}
