// Requests of other sites, with malformed cookies, bodies and methods.
import { hold, holdRefused, requireJudged, Skip } from './check.mjs'

/** @type {[string, string][]} */
const CHANGES = [
  ['POST', '/api/qr'],
  ['POST', '/api/qr/scan'],
  ['POST', '/api/qr/confirm'],
  ['POST', '/api/qr/cancel'],
  ['POST', '/api/qr/AAAAAAAAAAAAAAAA/match'],
  ['POST', '/api/qr/AAAAAAAAAAAAAAAA/redeem'],
  ['POST', '/api/qr/AAAAAAAAAAAAAAAA/short-code'],
  ['DELETE', '/api/qr/AAAAAAAAAAAAAAAA'],
  ['POST', '/api/phone/session'],
  ['DELETE', '/api/phone/session'],
  ['DELETE', '/api/session'],
  ['DELETE', '/api/sessions'],
  ['DELETE', '/api/sessions/x'],
]

/** A person needs longer than this between the scan and the tap. */
const LEAST_PACE_MS = 600

/** The first only a script can send, the others a form of another site too. */
const TYPES = ['application/json', 'text/plain', 'application/x-www-form-urlencoded']

/** @type {import('./check.mjs').Check[]} */
export const requests = [
  {
    id: 'requests.cross-site',
    title: 'other sites change nothing, whatever origin they send',
    flaws: ['F1'],
    run: async (scene) => {
      const { computer, phone } = await scene.signIn()
      const cookie = [computer.cookieHeader(), phone.browser.cookieHeader()].filter((each) => each !== '').join('; ')
      const evil = [
        { site: 'cross-site', origin: 'https://evil.example' },
        { site: 'same-site', origin: 'https://evil.example' },
        { site: 'none', origin: null },
        { site: 'cross-site', origin: scene.origin },
        { site: 'cross-site', origin: null },
        { site: null, origin: 'https://evil.example' },
        { site: null, origin: 'null' },
        { site: null, origin: `${scene.origin}.evil.example` },
        { site: null, origin: null },
      ]
      for (const [row, [method, path]] of CHANGES.entries()) {
        for (const [column, { site, origin }] of evil.entries()) {
          // Each type with each route and with each origin, but not every combination: refusals are
          // limited.
          const type = TYPES[(row + column) % TYPES.length] ?? ''
          const answer = await scene.wire.sendPatiently(method, path, {
            body: '{}',
            headers: {
              'Content-Type': type,
              Cookie: cookie,
              ...(origin === null ? {} : { Origin: origin }),
              ...(site === null ? {} : { 'Sec-Fetch-Site': site }),
            },
          })
          holdRefused(answer, `${method} ${path} from ${origin} (${site}, ${type})`)
          hold(answer.headers['access-control-allow-origin'] === undefined, `${method} ${path} allows another origin`)
        }
      }
      hold(
        (await computer.send('GET', '/api/session')).json?.signedIn === true,
        'another site has signed the computer out',
      )
    },
  },
  {
    id: 'requests.inert',
    title: 'GET and HEAD change nothing',
    flaws: ['F1'],
    run: async (scene) => {
      const scanned = await scene.match()
      const { claim } = scanned.review
      const { id } = scanned.attempt
      for (const method of ['GET', 'HEAD']) {
        for (const path of [
          `/api/qr/confirm?claim=${claim}`,
          `/api/qr/cancel?claim=${claim}`,
          `/api/qr/scan?code=${scanned.code}`,
          `/api/qr/${id}/redeem?ticket=x`,
          `/q?claim=${claim}&confirm=1`,
        ]) {
          const answer = await scanned.phone.send(method, path)
          hold(
            answer.cookies.length === 0 && answer.status < 500,
            `${method} ${path.split('?')[0]} sets a cookie or fails`,
          )
        }
        const page = await scanned.computer.send(method, '/login')
        hold(page.cookies.length === 0, 'opening the login page sets a cookie')
      }
      const { status } = await scene.statusOf(scanned)
      hold(status === 'scanned', `a GET has changed the attempt: ${status}`)
    },
  },
  {
    id: 'requests.pace',
    title: 'a confirm right after the scan is refused: no person has read the screen',
    mitigations: ['6.1.14'],
    run: async (scene) => {
      const scanned = await scene.match()
      const body = { claim: scanned.review.claim }
      const early = requireJudged(await scanned.phone.send('POST', '/api/qr/confirm', { body, impatient: true }))
      const gapMs = performance.now() - scanned.scannedAt + scanned.scanMs
      if (early.status === 200 && gapMs > LEAST_PACE_MS)
        throw new Skip(`this network is too slow for the check: ${Math.round(gapMs)} ms from scan to confirm`)
      const what = `a confirm ${Math.round(gapMs)} ms after the scan`
      hold(early.status === 409 && early.json?.code === 'too_soon', `${what} is answered with ${early.status}`)
      hold(Number(early.headers['retry-after']) > 0, `${what} is refused without a Retry-After`)
      const { status } = await scene.statusOf(scanned)
      hold(status === 'scanned', `${what} has changed the attempt: ${status}`)
      hold((await scene.approve(scanned)).status === 200, 'and a later confirm is refused too')
    },
  },
  {
    id: 'requests.methods',
    title: 'TRACE and methods that are not offered are 405',
    run: async (scene) => {
      for (const [method, path] of [
        ['TRACE', '/api/qr'],
        ['PUT', '/api/qr'],
        ['PATCH', '/api/session'],
        ['OPTIONS', '/api/qr/confirm'],
        ['GET', '/api/qr/confirm'],
        ['PROPFIND', '/api/sessions'],
      ]) {
        const answer = await scene.browser().send(/** @type {string} */ (method), /** @type {string} */ (path))
        hold(answer.status === 405, `${method} ${path} is answered with ${answer.status}`)
        hold(/[A-Z]/.test(answer.headers.allow ?? ''), `${method} ${path} has no Allow header`)
        hold(!/cookie:/i.test(answer.text), `${method} ${path} echoes the request`)
      }
    },
  },
  {
    id: 'requests.bodies',
    title: 'bodies that are too large, of another type, or with further fields are refused',
    flaws: ['F4'],
    run: async (scene) => {
      const { computer, attempt } = await scene.start()
      const path = `/api/qr/${attempt.id}/match`
      /** @type {[string, string, string, number][]} */
      const bodies = [
        ['of 1 MB', JSON.stringify({ number: '4'.repeat(1_000_000) }), 'application/json', 413],
        ['of another type', '{"number":"42"}', 'text/plain', 415],
        ['of a form', 'number=42', 'application/x-www-form-urlencoded', 415],
        ['that is no JSON', '{"number"', 'application/json', 400],
        ['with a further field', '{"number":"42","version":9}', 'application/json', 400],
        ['with a field twice', '{"number":"42","number":"43"}', 'application/json', 400],
        ['with a prototype', '{"number":"42","__proto__":{"passed":true}}', 'application/json', 400],
        ['of another shape', '["42"]', 'application/json', 400],
        ['with a number', '{"number":42}', 'application/json', 400],
      ]
      for (const [what, body, type, status] of bodies) {
        const answer = await computer.send('POST', path, { body, headers: { 'Content-Type': type } })
        hold(answer.status === status, `a body ${what} is answered with ${answer.status}, not ${status}`)
      }
    },
  },
  {
    id: 'requests.cookies',
    title: 'malformed cookies are handled as absent',
    flaws: ['F5'],
    run: async (scene) => {
      const { computer, phone } = await scene.signIn()
      for (const [name, value] of [...computer.cookies, ...phone.browser.cookies]) {
        const broken = [
          '',
          'x',
          '%',
          '%00',
          '*'.repeat(7),
          'a'.repeat(6_000),
          value.slice(0, -1),
          value.slice(1),
          value.slice(0, value.length / 2),
          ...Array.from({ length: 40 }, (_, index) => {
            const at = Math.floor((index * value.length) / 40)
            return value.slice(0, at) + (value[at] === 'A' ? 'B' : 'A') + value.slice(at + 1)
          }),
        ]
        for (const each of broken) {
          // The part after a tilde is not sealed.
          if (value.startsWith(each.split('~')[0] || '\n') && each.includes('~')) continue
          const cookie = `${name}=${each}`
          const answers = [
            await scene.browser().send('GET', '/api/session', { cookie }),
            await scene.browser().send('GET', '/api/phone/session', { cookie }),
            await scene.browser().send('GET', '/api/sessions', { cookie }),
          ]
          hold(
            answers.every(({ status }) => status < 500),
            `a malformed ${name} is answered with a 5xx`,
          )
          hold(!answers.some(({ json }) => json?.signedIn === true), `a malformed ${name} signs in`)
          hold(answers[2]?.status === 401, `a malformed ${name} lists computers`)
        }
      }
    },
  },
]
