// Rate limits. Run last, because these checks use up limits that the others need.
import { randomBytes } from 'node:crypto'
import { hold, holdRefused } from './check.mjs'

/** @typedef {import('./wire.mjs').Answer} Answer */

/** More than any person needs. */
const MANY = 40

/**
 * More than twice what a deployment with RATE_LIMIT_SCALE=2 allows in one window: if a window ends
 * meanwhile, the one before or the one after it still receives more than its limit. Refusals are
 * counted per process: several processes behind one address allow more.
 */
const REFUSALS = 600
const SPRAYED = 100

/** @type {import('./check.mjs').Check[]} */
export const limits = [
  {
    id: 'limits.redeem',
    title: 'tickets cannot be guessed without limit, and another browser cannot use up the owner’s tries',
    mitigations: ['6.1.11'],
    run: async (scene) => {
      const [confirmed, other] = await Promise.all([scene.confirm(), scene.confirm()])
      const path = `/api/qr/${confirmed.attempt.id}/redeem`
      const stranger = (await scene.start()).computer
      const strange = await many((index) =>
        stranger.send('POST', path, { body: { ticket: `x${index}` }, impatient: true }),
      )
      hold(
        strange.every(({ status }) => status === 404 || status === 429),
        'a ticket from another browser is not answered with 404',
      )
      hold((await scene.redeem(confirmed)).status === 200, 'another browser has used up the tries of the owner')
      const mine = `/api/qr/${other.attempt.id}/redeem`
      const tried = await many((index) =>
        other.computer.send('POST', mine, { body: { ticket: `x${index}` }, impatient: true }),
      )
      holdLimited(tried, 'wrong tickets')
      // With the limit on refusals only, the right one would still work.
      hold((await scene.redeem(other)).status !== 200, `after ${MANY} wrong tickets the right one still works`)
    },
  },
  {
    id: 'limits.codes',
    title: 'codes cannot be guessed without limit, and another person can still scan',
    flaws: ['F3'],
    mitigations: ['6.1.11'],
    run: async (scene) => {
      const other = await scene.phone()
      const attacker = await scene.otherThan(other)
      const guess = () => ({ code: randomBytes(27).toString('base64url') })
      const tried = await many(() => attacker.send('POST', '/api/qr/scan', { body: guess(), impatient: true }))
      hold(
        tried.every(({ status }) => status === 404 || status === 429),
        'a made-up code is not answered with 404',
      )
      holdLimited(tried, 'made-up codes')
      const { code } = await scene.start()
      const answer = await other.send('POST', '/api/qr/scan', { body: { code } })
      hold(answer.status === 200, `and another person’s scan is answered with ${answer.status}`)
    },
  },
  {
    id: 'limits.refusals',
    title: 'refused requests of one address are limited, and requests that would succeed are not',
    flaws: ['F3'],
    mitigations: ['6.1.11'],
    run: async (scene) => {
      const scanned = await scene.scan()
      const own = await scene.start()
      const ended = await scene.start()
      await ended.computer.send('DELETE', `/api/qr/${ended.attempt.id}`)
      const stranger = scene.browser()
      const match = (/** @type {string} */ id, browser = stranger) =>
        browser.send('POST', `/api/qr/${id}/match`, { body: { number: '42' }, impatient: true })
      /** @type {Record<string, () => Promise<Answer>>} */
      const kinds = {
        'unknown ids': () => match(randomBytes(12).toString('base64url')),
        'malformed ids': () => match('x'),
        'another browser’s attempt': () => match(own.attempt.id),
        'another site': () => stranger.send('POST', '/api/qr', { body: {}, site: 'cross-site', impatient: true }),
        'a wrong state': () => match(own.attempt.id, own.computer),
        'an ended attempt': () => match(ended.attempt.id, ended.computer),
      }
      const unlimited = new Set(Object.keys(kinds))
      let sent = 0
      while (unlimited.size > 0 && sent < REFUSALS) {
        const batch = Object.entries(kinds).flatMap((kind) => Array.from({ length: 5 }, () => kind))
        const answers = await Promise.all(batch.map(async ([kind, send]) => ({ kind, answer: await send() })))
        for (const { kind, answer } of answers) {
          holdRefused(answer, `a request with ${kind}`, [404, 403, 409, 410, 429])
          if (answer.status !== 429) continue
          holdRetryAfter(answer)
          unlimited.delete(kind)
        }
        sent += batch.length
        const path = `/api/qr/${own.attempt.id}?after=0&waitMs=0`
        const still = await own.computer.send('GET', path, { impatient: true })
        hold(still.status === 200, `and the owner’s own attempt is answered with ${still.status}`)
      }
      hold(unlimited.size === 0, `${sent} refused requests without a 429 for ${[...unlimited].join(', ')}`)
      const body = { claim: scanned.review.claim }
      const cancelled = await scanned.phone.send('POST', '/api/qr/cancel', { body, impatient: true })
      hold(cancelled.status === 200, `and a cancel of the phone is answered with ${cancelled.status}`)
    },
  },
  {
    id: 'limits.passwords',
    title: 'passwords of one name cannot be guessed without limit',
    mitigations: ['6.1.11'],
    run: async (scene) => {
      const username = `unknown-${randomBytes(4).toString('hex')}`
      const tried = await many((index) =>
        scene
          .browser()
          .send('POST', '/api/phone/session', { body: { username, password: `x${index}` }, impatient: true }),
      )
      hold(
        tried.every(({ status }) => status === 401 || status === 429),
        'a wrong password is not answered with 401',
      )
      holdLimited(tried, 'wrong passwords')
    },
  },
  {
    id: 'limits.spraying',
    title: 'one address cannot try one password with many names without limit',
    mitigations: ['6.1.11'],
    run: async (scene) => {
      /** @type {Answer[]} */
      const tried = []
      while (tried.length < SPRAYED && !tried.some(({ status }) => status === 429)) {
        const names = Array.from({ length: 10 }, () => `unknown-${randomBytes(6).toString('hex')}`)
        const send = (/** @type {string} */ username) =>
          scene.browser().send('POST', '/api/phone/session', { body: { username, password: 'x' }, impatient: true })
        tried.push(...(await Promise.all(names.map(send))))
      }
      for (const answer of tried) holdRefused(answer, 'a wrong password', [401, 429])
      holdLimited(tried, 'wrong passwords of as many names')
    },
  },
  {
    id: 'limits.tokens',
    title: 'bearer tokens cannot be guessed without limit',
    mitigations: ['6.1.11'],
    run: async (scene) => {
      const tried = await many((index) =>
        scene.browser().send('GET', '/api/sessions', {
          headers: { Authorization: `Bearer x.y.${index}` },
          site: null,
          impatient: true,
        }),
      )
      for (const answer of tried) holdRefused(answer, 'a made-up bearer token', [401, 429])
      holdLimited(tried, 'made-up bearer tokens')
    },
  },
  {
    id: 'limits.browser',
    title: 'one browser cannot start attempts without limit',
    mitigations: ['6.1.11'],
    run: async (scene) => {
      const { computer } = await scene.start()
      holdLimited(
        await many(() => computer.send('POST', '/api/qr', { body: {}, impatient: true })),
        'attempts of one browser',
      )
    },
  },
  {
    id: 'limits.address',
    title: 'one address cannot start attempts without limit, whatever forwarded headers it sends',
    mitigations: ['6.1.11'],
    run: async (scene) => {
      const tried = []
      for (let round = 0; round < 5; round += 1) {
        tried.push(
          ...(await many((index) =>
            scene.browser().send('POST', '/api/qr', {
              body: {},
              impatient: true,
              headers: { 'X-Forwarded-For': `198.51.${round}.${index}`, 'X-Real-IP': `198.51.${round}.${index}` },
            }),
          )),
        )
      }
      holdLimited(tried, 'attempts of one address')
    },
  },
]

/** @param {(index: number) => Promise<Answer>} send */
function many(send) {
  return Promise.all(Array.from({ length: MANY }, (_, index) => send(index)))
}

/** @param {Answer} answer a 429 */
function holdRetryAfter({ headers }) {
  hold(Number(headers['retry-after']) > 0, 'a 429 has no Retry-After')
}

/**
 * @param {Answer[]} tried
 * @param {string} what
 */
function holdLimited(tried, what) {
  const refused = tried.filter(({ status }) => status === 429)
  hold(refused.length > 0, `${tried.length} ${what} at once, and none of them is refused with 429`)
  for (const answer of refused) holdRetryAfter(answer)
  hold(
    tried.every(({ status }) => status < 500),
    `${what} are answered with a 5xx`,
  )
}
