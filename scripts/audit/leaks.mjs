// F6: which data each party receives, and when.
import { networkInterfaces } from 'node:os'
import { hold, Skip } from './check.mjs'

/**
 * @typedef {Record<string, string>} Headers
 * @typedef {{ place: string | null, sameNetwork: boolean }} Seen what the phone receives about
 * the computer
 */

/** Each is set by one platform to a client's city. On another platform a client can send it. */
const CITY_HEADERS = [
  'cf-ipcity',
  'x-vercel-ip-city',
  'cloudfront-viewer-city',
  'x-appengine-city',
  'x-geo-city',
  'x-geoip-city',
  'fastly-geo-city',
]

/** Public addresses that databases of places have in two cities. */
const OTHER_NETWORKS = ['81.2.69.142', '89.160.20.112']

const forwardedFor = (/** @type {string} */ address) => ({
  'X-Forwarded-For': address,
  'X-Real-IP': address,
  Forwarded: `for=${address}`,
})

/** The length of a fragment with 96 random bits. */
const LEAST_FRAGMENT_CHARS = 16

/** @type {import('./check.mjs').Check[]} */
export const leaks = [
  {
    id: 'leaks.computer',
    title: 'the computer receives a name and a picture, only after the scan',
    flaws: ['F6'],
    run: async (scene) => {
      const scanned = await scene.scan()
      hold(scanned.attempt.person === undefined, 'the computer receives a person before the scan')
      const { person, claim, match } = await scene.statusOf(scanned)
      hold(person !== undefined, 'the computer does not receive the person')
      hold(
        Object.keys(person).every((key) => key === 'name' || key === 'avatarUrl'),
        `the computer receives ${Object.keys(person)}`,
      )
      hold(claim === undefined && match?.number === undefined, 'the computer receives data that is for the phone only')
    },
  },
  {
    id: 'leaks.phone',
    title: 'the phone receives which browser wants to sign in, but not its address',
    flaws: ['F6'],
    mitigations: ['6.1.1', '6.1.14'],
    run: async (scene) => {
      const { review } = await scene.scan()
      const text = JSON.stringify(review)
      const own = Object.values(networkInterfaces()).flatMap((each = []) => each.map(({ address }) => address))
      for (const address of [...own, '127.0.0.1', '::1']) {
        hold(!text.includes(`"${address}"`), 'the phone receives the computer’s address')
      }
      hold(!/\b\d{1,3}(\.\d{1,3}){3}\b/.test(text.replace(review.claim, '')), 'the phone receives an address')
      const { browser, os, requestedAgoMs, sameNetwork, known } = review.computer ?? {}
      hold(browser === 'Firefox' && os === 'Linux', `the phone receives ${browser} on ${os}`)
      hold(typeof requestedAgoMs === 'number', 'the phone does not receive when the attempt was started')
      hold(
        typeof sameNetwork === 'boolean' && typeof known === 'boolean',
        'the phone does not receive whether the computer is near or known',
      )
    },
  },
  {
    id: 'leaks.place',
    title: 'place and network never come from headers that a client sends',
    mitigations: ['6.1.1', '6.1.14'],
    run: async (scene) => {
      const phone = await scene.phone()
      /** @type {(headers: Headers, phoneHeaders?: Headers) => Promise<Seen>} */
      const look = async (headers, phoneHeaders = {}) => {
        const { code } = await scene.start(scene.browser(), headers)
        const answer = await phone.send('POST', '/api/qr/scan', { body: { code }, headers: phoneHeaders })
        hold(answer.status === 200, `with ${Object.keys(headers)} a scan is answered with ${answer.status}`)
        const { place = null, sameNetwork } = answer.json.computer ?? {}
        return { place, sameNetwork }
      }
      const plain = await look({})
      const cities = Object.fromEntries(CITY_HEADERS.map((name, index) => [name, `Auditville ${index}`]))
      const [here, there] = OTHER_NETWORKS.map(forwardedFor)
      const forged = {
        city: await look(cities),
        same: await look(here ?? {}, here),
        different: await look(here ?? {}, there),
      }
      for (const { place } of Object.values(forged)) {
        const [header = 'forwarded headers'] = Object.entries(cities).find(([, city]) => place?.includes(city)) ?? []
        // Null if the deployment does not trust such a request.
        hold(
          place === plain.place || place === null,
          `the phone receives the place from the computer’s own ${header}: ${place}`,
        )
      }
      const isChosen = forged.same.sameNetwork && !(plain.sameNetwork && forged.different.sameNetwork)
      hold(!isChosen, 'a computer that sends the phone’s address in its own header counts as near')
    },
  },
  {
    id: 'leaks.code',
    title: 'a code is in the fragment, which no server, log or preview receives',
    flaws: ['F6'],
    run: async (scene) => {
      const { attempt } = await scene.start()
      const url = new URL(attempt.code.url)
      hold(url.hash.length > LEAST_FRAGMENT_CHARS && url.search === '', 'the code is not in the fragment')
      hold(url.origin === scene.origin, `the code leads to ${url.origin}`)
      hold(
        !attempt.code.url.includes('claim') && !url.pathname.includes(attempt.id),
        'the code’s path contains the attempt',
      )
    },
  },
  {
    id: 'leaks.code-worth',
    title: 'the code alone discloses nothing',
    flaws: ['F6', 'F1'],
    run: async (scene) => {
      const { code, attempt } = await scene.confirm()
      const stranger = scene.browser()
      for (const path of [
        `/api/qr/${code}`,
        `/api/qr/${code}/events`,
        `/api/qr/scan?code=${code}`,
        `/q?code=${code}`,
      ]) {
        const answer = await stranger.send('GET', path, { forMs: 1_000 })
        hold(
          !answer.text.includes('avatarUrl":"') || answer.status >= 400,
          `${path.replace(code, '…')} contains the person`,
        )
        hold(!answer.text.includes(`"${attempt.id}"`), `${path.replace(code, '…')} contains the attempt`)
      }
    },
  },
  {
    id: 'leaks.errors',
    title: 'error responses disclose no internals',
    flaws: ['F6'],
    run: async (scene) => {
      const browser = scene.browser()
      /** @type {[string, string, Record<string, unknown>][]} */
      const bad = [
        ['POST', '/api/qr', { body: '{' }],
        ['POST', '/api/qr', { body: '[]' }],
        ['POST', '/api/qr', { body: '"x"' }],
        ['POST', '/api/phone/session', { body: { username: { a: 1 }, password: null } }],
        ['GET', '/api/qr/%00', {}],
        ['GET', '/api/qr/%E0%A4%A', {}],
        ['GET', `/api/qr/${'a'.repeat(3_000)}`, {}],
        ['GET', '/api/nowhere', {}],
        ['GET', '/nowhere', {}],
        ['PROPFIND', '/api/qr', {}],
      ]
      for (const [method, path, sending] of bad) {
        const { status, text } = await browser.send(method, path, sending)
        hold(status >= 400 && status < 500, `${method} ${path.slice(0, 40)} is answered with ${status}`)
        hold(
          !/\n\s+at |node_modules|SQLITE|ECONN|ZodError|stack/i.test(text),
          `${method} ${path.slice(0, 40)} discloses internals`,
        )
      }
    },
  },
  {
    id: 'leaks.notified',
    title: 'the person’s phone is notified of a sign-in at once',
    mitigations: ['6.1.6'],
    run: async (scene) => {
      const phone = await scene.phone()
      const stream = phone.send('GET', '/api/account/events', { forMs: 4_000 })
      const scanned = await scene.match(phone)
      await scene.approve(scanned)
      const { ticket } = await scene.statusOf(scanned)
      const redeemed = await scene.redeem({ ...scanned, ticket })
      const { status, text } = await stream
      if (status === 404) throw new Skip('there is no stream of the account')
      hold(text.includes(redeemed.json.session.id), 'the phone is not notified of the new computer within 4 s')
      hold(!text.includes(scanned.review.claim), 'the stream of the account contains the claim')
    },
  },
]
