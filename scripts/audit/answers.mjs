// Response headers and cookies, and no URL that a client chose.
import { hold, Skip } from './check.mjs'

const PAGES = ['/login', '/q', '/phone', '/nowhere-at-all']

const REDIRECTS = [
  '//evil.example',
  '///evil.example',
  '/\\evil.example',
  '/\t/evil.example',
  'https://evil.example',
  'https:evil.example',
  'javascript:alert(1)',
  '/.//evil.example',
  '/x/..//evil.example',
  '\\\\evil.example',
  'http:evil.example',
  '@evil.example',
]

/** @type {import('./check.mjs').Check[]} */
export const answers = [
  {
    id: 'answers.policy',
    title: 'every page has a strict policy with a new nonce, error pages too',
    run: async (scene) => {
      for (const path of PAGES) {
        const page = await scene.browser().send('GET', path)
        const again = await scene.browser().send('GET', path)
        hold(page.status < 500, `${path} is answered with ${page.status}`)
        const policy = parsePolicy(page.headers['content-security-policy'] ?? '')
        const scripts = policy.get('script-src') ?? policy.get('default-src') ?? []
        const nonce = scripts.find((source) => source.startsWith("'nonce-"))
        hold(nonce !== undefined || isNone(scripts), `${path} runs scripts without a nonce`)
        hold(
          scripts.every(
            (source) => !/unsafe-(inline|eval)'|^https?:|^\*|^data:/.test(source.replace('wasm-unsafe', '')),
          ),
          `${path} runs scripts from other origins`,
        )
        hold(
          nonce === undefined || !(again.headers['content-security-policy'] ?? '').includes(nonce),
          `${path} repeats its nonce`,
        )
        for (const name of ['default-src', 'base-uri', 'object-src', 'frame-ancestors']) {
          const sources = policy.get(name) ?? (name === 'object-src' ? policy.get('default-src') : undefined)
          hold(sources !== undefined && isNone(sources), `${path} does not forbid ${name}`)
        }
        checkHeaders(page, path, scene.origin)
      }
    },
  },
  {
    id: 'answers.api',
    title: 'no response of the API is cached, framed, sniffed or shared',
    flaws: ['F6'],
    run: async (scene) => {
      const { computer, attempt } = await scene.start()
      for (const [method, path] of [
        ['GET', `/api/qr/${attempt.id}`],
        ['GET', '/api/session'],
        ['GET', '/api/sessions'],
        ['PUT', '/api/qr'],
        ['GET', '/api/nowhere'],
      ]) {
        const answer = await computer.send(/** @type {string} */ (method), /** @type {string} */ (path))
        hold(/no-store/.test(answer.headers['cache-control'] ?? ''), `${method} ${path} may be cached`)
        hold(
          /frame-ancestors 'none'/.test(answer.headers['content-security-policy'] ?? ''),
          `${method} ${path} may be framed`,
        )
        checkHeaders(answer, `${method} ${path}`, scene.origin)
      }
      const stream = await computer.send('GET', `/api/qr/${attempt.id}/events`, { forMs: 300 })
      hold(/no-store/.test(stream.headers['cache-control'] ?? ''), 'a stream may be cached')
      checkHeaders(stream, 'a stream', scene.origin)
    },
  },
  {
    id: 'answers.cookies',
    title: 'cookies are HttpOnly, SameSite, for this host only, and with https Secure and __Host-',
    flaws: ['F6'],
    run: async (scene) => {
      const { computer, phone } = await scene.signIn()
      const lines = [...computer.lines, ...phone.browser.lines]
      hold(lines.length >= 2, 'no cookie binds the computer')
      for (const line of lines) {
        const [pair = '', ...attributes] = line.split(/;\s*/)
        const [name = '', value = ''] = pair.split('=')
        const has = (/** @type {RegExp} */ pattern) => attributes.some((attribute) => pattern.test(attribute))
        hold(has(/^httponly$/i), `${name} can be read by scripts`)
        hold(has(/^samesite=(lax|strict)$/i), `${name} is sent with requests of other sites`)
        hold(has(/^path=\/$/i) && !has(/^domain=/i), `${name} is not for this host and all of it`)
        hold(value === '' || value.length >= 40, `${name} holds a short value`)
        if (scene.origin.startsWith('https:')) {
          hold(has(/^secure$/i) && name.startsWith('__Host-'), `${name} is not Secure with the __Host- prefix`)
        }
      }
    },
  },
  {
    id: 'answers.sign-out',
    title: 'signing out ends the session on the server and clears the browser',
    mitigations: ['6.1.6'],
    run: async (scene) => {
      const { computer } = await scene.signIn()
      const cookie = computer.cookieHeader()
      const answer = await computer.send('DELETE', '/api/session')
      hold(answer.status === 204, `signing out is answered with ${answer.status}`)
      hold(/"(cache|\*)"/.test(answer.headers['clear-site-data'] ?? ''), 'the cache of the browser is not cleared')
      const stale = await scene.browser().send('GET', '/api/session', { cookie })
      hold(stale.json?.signedIn === false, 'the old cookie still signs in')
    },
  },
  {
    id: 'answers.host',
    title: 'no URL is taken from Host or forwarded headers',
    flaws: ['F4'],
    run: async (scene) => {
      const forged = [
        { Host: 'evil.example' },
        { 'X-Forwarded-Host': 'evil.example' },
        { 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'https', Forwarded: 'host=evil.example' },
        { 'X-Original-URL': '/api/session', 'X-Rewrite-URL': '/api/session' },
      ]
      for (const headers of forged) {
        const started = await scene.browser().send('POST', '/api/qr', { body: {}, headers })
        hold(started.status === 201 || started.status >= 400, `${Object.keys(headers)} leads to ${started.status}`)
        const page = await scene.browser().send('GET', '/', { headers })
        const texts = [started.text, started.headers.location, page.headers.location, page.text].join('\n')
        hold(!texts.includes('evil.example'), `${Object.keys(headers)} appears in a response`)
      }
    },
  },
  {
    id: 'answers.redirects',
    title: 'no target that a client chose leads to another site after a sign-in',
    run: async (scene) => {
      const { computer } = await scene.signIn()
      for (const next of REDIRECTS) {
        const page = await computer.send('GET', `/login?next=${encodeURIComponent(next)}`)
        const target = page.headers.location
        if (target !== undefined)
          hold(new URL(target, scene.origin).origin === scene.origin, `next=${next} leads to ${target}`)
        hold(!/<meta[^>]+http-equiv=.?refresh[^>]+evil/i.test(page.text), `next=${next} is in a refresh`)
        hold(!/href="(\/\/|https?:|\/\\)[^"]*evil/i.test(page.text), `next=${next} is in a link`)
        hold(page.status < 500, `next=${next} is answered with ${page.status}`)
      }
    },
  },
  {
    id: 'answers.transport',
    title: 'with https, every response sets HSTS',
    run: async (scene) => {
      if (!scene.origin.startsWith('https:')) throw new Skip('the public origin is http')
      for (const path of ['/login', '/api/session', '/nowhere']) {
        const { headers } = await scene.browser().send('GET', path)
        const age = Number(/max-age=(\d+)/.exec(headers['strict-transport-security'] ?? '')?.[1] ?? 0)
        hold(age >= 15_552_000, `${path} sets no HSTS of half a year`)
      }
    },
  },
]

/**
 * @param {import('./wire.mjs').Answer} answer
 * @param {string} what
 * @param {string} origin
 */
function checkHeaders({ headers }, what, origin) {
  hold(headers['x-content-type-options'] === 'nosniff', `${what} may be sniffed`)
  hold(headers['referrer-policy'] === 'no-referrer', `${what} sends referrers`)
  hold(headers['cross-origin-resource-policy'] === 'same-origin', `${what} may be embedded by other origins`)
  hold(headers['x-powered-by'] === undefined, `${what} names its software`)
  hold(headers['strict-transport-security'] === undefined || origin.startsWith('https:'), `${what} sets HSTS over http`)
}

/** @param {string} text */
function parsePolicy(text) {
  return new Map(
    text.split(';').map((directive) => {
      const [name = '', ...sources] = directive.trim().split(/\s+/)
      return [name.toLowerCase(), sources]
    }),
  )
}

/** @param {string[]} sources */
function isNone(sources) {
  return sources.length === 1 && sources[0] === "'none'"
}
