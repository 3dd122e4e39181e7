import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** The guide and its tests use the same files. */
const FOLDER = new URL('../../docs/guides/apps/snippets/', import.meta.url)

/**
 * What an app may use. `callback`: the path of its redirect URI; null for forward auth, which has
 * no client.
 */
export const TARGETS = /** @type {const} */ ({
  authjs: { label: 'Auth.js', callback: '/auth/callback/qr-login', files: ['authjs.env', 'authjs.mjs'] },
  'better-auth': {
    label: 'better-auth',
    callback: '/api/auth/callback/qr-login',
    files: ['better-auth.env', 'better-auth.mjs'],
  },
  'openid-client': {
    label: 'openid-client (Express)',
    callback: '/callback',
    files: ['openid-client.env', 'openid-client.mjs'],
  },
  apache: { label: 'Apache (mod_auth_openidc)', callback: '/qr-login-callback', files: ['apache.conf'] },
  nginx: { label: 'nginx (forward auth)', callback: null, files: ['nginx.conf'] },
  caddy: { label: 'Caddy (forward auth)', callback: null, files: ['Caddyfile'] },
})

/** @typedef {keyof typeof TARGETS} Target */

/** @typedef {import('./write-entry.mjs').NewClient} NewClient */

/**
 * `origin`: of qr-login. `client`: null for forward auth.
 * @typedef {{ origin: string, client: NewClient | null, redirectUri: string }} SnippetValues
 */

/** @param {string} name @returns {name is Target} */
export function isTarget(name) {
  return Object.hasOwn(TARGETS, name)
}

/**
 * Prints the files of the app's library or proxy, with its values filled in.
 * @param {import('./questions.mjs').App} app
 * @param {SnippetValues} values
 * @param {import('./texts.mjs').Texts} texts
 * @param {(line: string) => void} print
 */
export function printSnippets(app, { origin, client, redirectUri }, texts, print) {
  const { host, pathname } = new URL(app.url)
  /** @type {Readonly<Record<string, string>>} */
  const values = {
    ISSUER: `${origin}/oidc`,
    LOGIN_ORIGIN: origin,
    LOGIN_HOST: new URL(origin).host,
    APP_URL: app.url,
    APP_HOST: host,
    APP_PATH: pathname.endsWith('/') ? pathname : `${pathname}/`,
    REDIRECT_URI: redirectUri,
    CLIENT_ID: client?.client_id ?? '',
    CLIENT_SECRET: client?.client_secret ?? '',
    RANDOM: randomBytes(32).toString('base64url'),
  }
  for (const file of TARGETS[app.target].files) {
    const text = readFileSync(new URL(file, FOLDER), 'utf8')
    print(`\n${texts.paste(file)}\n`)
    print(text.trimEnd().replace(/\{\{(\w+)\}\}/g, (_, name) => requireValue(values, file, name)))
  }
}

/** @type {(values: Readonly<Record<string, string>>, file: string, name: string) => string} */
function requireValue(values, file, name) {
  const value = values[name]
  if (value === undefined || value === '') throw new Error(`${file} has an unknown placeholder: ${name}`)
  return value
}
