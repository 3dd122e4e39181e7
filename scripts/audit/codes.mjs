// F2, F3, F4: codes work once, expire soon, cannot be guessed and are never chosen by a client.
import { hold, holdRefused, Skip } from './check.mjs'
import { pause } from './wire.mjs'

/** 96 bits, in base64url characters. */
const ID_CHARS = 16
const SECRET_CHARS = 22

/** @type {import('./check.mjs').Check[]} */
export const codes = [
  {
    id: 'codes.photographed',
    title: 'a photographed code is useless after two periods',
    flaws: ['F2'],
    mitigations: ['6.1.2'],
    run: async (scene) => {
      const phone = await scene.phone()
      const started = await scene.start()
      const periodMs = Number(started.attempt.code?.expiresInMs)
      hold(periodMs > 0 && periodMs <= 120_000, `a code is shown for ${periodMs / 1000} s before it changes`)
      await pause(2 * periodMs + 500)
      const now = await scene.statusOf(started)
      hold(now.code?.url !== started.attempt.code.url, 'the code has not changed after two periods')
      holdRefused(
        await phone.send('POST', '/api/qr/scan', { body: { code: started.code } }),
        'a code of two periods ago',
      )
      if (now.status !== 'pending') throw new Skip(`the attempt was over before: ${now.status}`)
    },
  },
  {
    id: 'codes.held',
    title: 'a code is held only while it is alive, and a hold shows and grants nothing',
    flaws: ['F2'],
    mitigations: ['6.1.2'],
    run: async (scene) => {
      const started = await scene.start()
      const [holder, late] = [scene.browser(), scene.browser()]
      const body = { code: started.code }
      const held = await holder.send('POST', '/api/qr/hold', { body })
      if (held.status === 404 && held.json?.code === 'not_found') throw new Skip('no codes are held here')
      hold(held.status === 204, `holding a code is answered with ${held.status}`)
      const { status, person } = await scene.statusOf(started)
      hold(status === 'pending' && person === undefined, `after a hold the computer sees ${status}`)
      const scanHeld = { body: { held: true } }
      holdRefused(await holder.send('POST', '/api/qr/scan', scanHeld), 'scanning what is held without a sign-in', [401])
      const phone = await scene.phone()
      holdRefused(await phone.send('POST', '/api/qr/scan', scanHeld), 'scanning what another browser holds', [404])
      await pause(2 * Number(started.attempt.code?.expiresInMs) + 500)
      holdRefused(await late.send('POST', '/api/qr/hold', { body }), 'holding a code of two periods ago', [410])
    },
  },
  {
    id: 'codes.scanned-twice',
    title: 'a code that was scanned works for no other phone',
    flaws: ['F2'],
    mitigations: ['6.1.3', '6.1.4'],
    run: async (scene) => {
      const scanned = await scene.scan()
      const other = await scene.otherThan(scanned.phone)
      const body = { code: scanned.code }
      const second = await other.send('POST', '/api/qr/scan', { body })
      holdRefused(second, 'a second scan', [409])
      hold(second.json?.code === 'attempt_taken', `a repeated code is not detected: ${second.json?.code}`)
      const again = await scanned.phone.send('POST', '/api/qr/scan', { body })
      hold(again.status === 200 && again.json.claim === scanned.review.claim, 'the same phone cannot repeat its scan')
    },
  },
  {
    id: 'codes.used',
    title: 'a code that was used does not sign in a second time',
    flaws: ['F2'],
    mitigations: ['6.1.3'],
    run: async (scene) => {
      const signedIn = await scene.signIn()
      const other = await scene.otherThan(signedIn.phone)
      for (const phone of [signedIn.phone, other]) {
        const answer = await phone.send('POST', '/api/qr/scan', { body: { code: signedIn.code } })
        holdRefused(answer, 'scanning a used code', [409, 410])
      }
    },
  },
  {
    id: 'codes.cancelled',
    title: 'a cancelled attempt stays cancelled',
    flaws: ['F2'],
    mitigations: ['6.1.3'],
    run: async (scene) => {
      const confirmed = await scene.confirm()
      const { claim } = confirmed.review
      hold(
        (await confirmed.phone.send('POST', '/api/qr/cancel', { body: { claim } })).status === 200,
        'a confirmed attempt cannot be cancelled',
      )
      holdRefused(await scene.redeem(confirmed), 'redeeming a cancelled attempt')
      holdRefused(
        await confirmed.phone.send('POST', '/api/qr/confirm', { body: { claim } }),
        'confirming a cancelled attempt',
      )
      const body = { code: confirmed.code }
      holdRefused(await confirmed.phone.send('POST', '/api/qr/scan', { body }), 'scanning a cancelled attempt')
    },
  },
  {
    id: 'codes.short-lived',
    title: 'attempts, claims and tickets expire within minutes',
    flaws: ['F2'],
    mitigations: ['6.1.2'],
    run: async (scene) => {
      const confirmed = await scene.confirm()
      const { expiresInMs } = await scene.statusOf(confirmed)
      hold(
        confirmed.attempt.expiresInMs <= 600_000,
        `an attempt expires after ${confirmed.attempt.expiresInMs / 1000} s`,
      )
      hold(confirmed.review.expiresInMs <= 300_000, `a claim expires after ${confirmed.review.expiresInMs / 1000} s`)
      hold(expiresInMs <= 120_000, `a ticket expires after ${expiresInMs / 1000} s`)
    },
  },
  {
    id: 'codes.random',
    title: 'ids and codes are unique and share no pattern',
    flaws: ['F3'],
    mitigations: ['6.1.4'],
    run: async (scene) => {
      while (scene.started.length < 24) await scene.start()
      for (const name of /** @type {const} */ (['id', 'code'])) {
        const values = scene.started.map((each) => each[name])
        hold(new Set(values).size === values.length, `an ${name} was issued twice`)
        hold(
          values.every((value) => value.length >= ID_CHARS),
          `an ${name} has less than ${ID_CHARS} characters`,
        )
        // Neighbours among sorted random values share one or two characters; counters, clocks and
        // prefixes share most.
        const sorted = [...values].sort()
        const shared = sorted.slice(1).map((value, index) => sharedStart(value, sorted[index] ?? ''))
        hold(Math.max(...shared) <= 6, `two of the ${name}s begin with the same ${Math.max(...shared)} characters`)
        hold(varied(values) >= ID_CHARS - 1, `only ${varied(values)} characters of an ${name} vary`)
      }
    },
  },
  {
    id: 'codes.secrets',
    title: 'claims and tickets are long and unique',
    flaws: ['F3'],
    run: async (scene) => {
      const sets = await Promise.all([scene.confirm(), scene.confirm()])
      for (const values of [sets.map(({ ticket }) => ticket), sets.map(({ review }) => String(review.claim))]) {
        hold(
          values.every((value) => value.length >= SECRET_CHARS),
          'a claim or ticket has less than 128 bits',
        )
        hold(new Set(values).size === values.length, 'two attempts have the same claim or ticket')
      }
    },
  },
  {
    id: 'codes.client-chosen',
    title: 'no client chooses an id',
    flaws: ['F4'],
    mitigations: ['6.1.4'],
    run: async (scene) => {
      const id = 'CHOSENCHOSENCHOS'
      /** @type {[string, string, Record<string, unknown>][]} */
      const ways = [
        ['POST', '/api/qr', { body: { id } }],
        ['POST', '/api/qr', { body: { attempt: id, attemptId: id, code: id } }],
        ['POST', `/api/qr?id=${id}`, { body: {} }],
        ['POST', '/api/qr', { body: {}, headers: { 'X-Attempt-Id': id } }],
        ['PUT', `/api/qr/${id}`, { body: {} }],
        ['POST', `/api/qr/${id}`, { body: {} }],
      ]
      for (const [method, path, sending] of ways) {
        const browser = scene.browser()
        const answer = await browser.send(method, path, sending)
        hold(!answer.text.includes(id), `${method} ${path} accepts the client’s id`)
        hold(
          (await browser.send('GET', `/api/qr/${id}`)).status >= 400,
          `${method} ${path} has created an attempt with the client’s id`,
        )
      }
    },
  },
  {
    id: 'codes.fixation',
    title: 'no client chooses a browser secret or a session',
    flaws: ['F4'],
    run: async (scene) => {
      const signedIn = await scene.signIn()
      const names = signedIn.computer.lines.map((line) => line.split('=')[0] ?? '')
      const planted = names.map((name) => `${name}=planted-by-another-client-0123456789`).join('; ')
      const victim = scene.browser()
      const answer = await victim.send('POST', '/api/qr', { body: {}, cookie: planted })
      hold(answer.status === 201 && answer.cookies.length > 0, 'a browser secret that the client sent is accepted')
      const other = await scene.browser().send('GET', `/api/qr/${answer.json?.id}`, { cookie: planted })
      hold(other.status === 404, 'the client that planted the secret reads the attempt')
      const older = signedIn.computer.cookieHeader()
      const next = await scene.confirm()
      const again = { ...next, computer: mergeCookies(next.computer, older) }
      const redeemed = await scene.redeem(again)
      const fresh = redeemed.cookies.map((line) => line.split(';')[0] ?? '').filter((pair) => older.includes(pair))
      hold(redeemed.status === 200 && fresh.length === 0, 'a sign-in keeps the session that the browser sent')
      const stale = await scene.browser().send('GET', '/api/session', { cookie: older })
      hold(stale.json?.signedIn === false, 'the session from before the sign-in still works')
    },
  },
]

/**
 * A computer that also carries an older session.
 * @param {import('./parties.mjs').Browser} computer
 * @param {string} older
 */
function mergeCookies(computer, older) {
  for (const pair of older.split('; ')) {
    const name = pair.split('=')[0] ?? ''
    if (!computer.cookies.has(name)) computer.cookies.set(name, pair.slice(name.length + 1))
  }
  return computer
}

/**
 * @param {string} a
 * @param {string} b
 */
function sharedStart(a, b) {
  const at = [...a].findIndex((char, index) => char !== b[index])
  return at < 0 ? a.length : at
}

/** In how many positions the values differ. @param {string[]} values */
function varied(values) {
  const [first = ''] = values
  return [...first].filter((char, at) => values.some((value) => value[at] !== char)).length
}
