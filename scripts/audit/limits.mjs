// How often who may do what. Last, for it uses up what the other checks need.
import { randomBytes } from 'node:crypto'
import { hold, holdRefused } from './check.mjs'

/** Nobody signs in this often. */
const MANY = 40

/** @type {import('./check.mjs').Check[]} */
export const limits = [
  {
    id: 'limits.redeem',
    title: 'tickets cannot be tried without end, and a stranger uses up nobody else’s tries',
    mitigations: ['6.1.11'],
    run: async (scene) => {
      const confirmed = await scene.confirm()
      const path = `/api/qr/${confirmed.attempt.id}/redeem`
      const stranger = (await scene.start()).computer
      await many((index) => stranger.send('POST', path, { body: { ticket: `x${index}` }, impatient: true }))
      hold((await scene.redeem(confirmed)).status === 200, 'a stranger has used up the tries of the owner')
      const other = await scene.confirm()
      const mine = `/api/qr/${other.attempt.id}/redeem`
      const tried = await many((index) =>
        other.computer.send('POST', mine, { body: { ticket: `x${index}` }, impatient: true }),
      )
      holdLimited(tried, 'wrong tickets')
    },
  },
  {
    id: 'limits.codes',
    title: 'codes cannot be tried without end, and only who tries is stopped',
    flaws: ['F3'],
    mitigations: ['6.1.11'],
    run: async (scene) => {
      const [thief, other] = [await scene.phoneOf(scene.people.length - 1), await scene.phoneOf(0)]
      const guess = () => ({ code: randomBytes(27).toString('base64url') })
      const tried = await many(() => thief.send('POST', '/api/qr/scan', { body: guess(), impatient: true }))
      hold(
        tried.every(({ status }) => status === 404 || status === 429),
        'a made-up code is answered with something else than 404',
      )
      holdLimited(tried, 'made-up codes')
      const { code } = await scene.start()
      const answer = await other.send('POST', '/api/qr/scan', { body: { code } })
      hold(answer.status === 200, `and somebody else’s scan is answered with ${answer.status}`)
    },
  },
  {
    id: 'limits.passwords',
    title: 'passwords cannot be tried without end',
    mitigations: ['6.1.11'],
    run: async (scene) => {
      const username = `nobody-${randomBytes(4).toString('hex')}`
      const tried = await many((index) =>
        scene
          .browser()
          .send('POST', '/api/phone/session', { body: { username, password: `x${index}` }, impatient: true }),
      )
      hold(
        tried.every(({ status }) => status === 401 || status === 429),
        'a wrong password is answered with something else than 401',
      )
      holdLimited(tried, 'wrong passwords')
    },
  },
  {
    id: 'limits.tokens',
    title: 'bearer tokens cannot be tried without end',
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
    title: 'one browser does not start attempts without end',
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
    title: 'nor does one address, whatever it says of itself',
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

/** @param {(index: number) => Promise<import('./wire.mjs').Answer>} ask */
function many(ask) {
  return Promise.all(Array.from({ length: MANY }, (_, index) => ask(index)))
}

/**
 * @param {import('./wire.mjs').Answer[]} tried
 * @param {string} what
 */
function holdLimited(tried, what) {
  const refused = tried.filter(({ status }) => status === 429)
  hold(refused.length > 0, `${tried.length} ${what} at once, and none is refused with 429`)
  hold(
    refused.every(({ headers }) => Number(headers['retry-after']) > 0),
    'a 429 does not say for how long',
  )
  hold(
    tried.every(({ status }) => status < 500),
    `${what} are answered with a 5xx`,
  )
}
