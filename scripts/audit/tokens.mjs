// F5: of every token, the issuer, the audience, the purpose and the expiry are checked.
import { createHmac } from 'node:crypto'
import { hold, holdRefused, Skip } from './check.mjs'

/** @type {import('./check.mjs').Check[]} */
export const tokens = [
  {
    id: 'tokens.ticket',
    title: 'a ticket that is wrong in any way is refused',
    flaws: ['F5'],
    run: async (scene) => {
      const [confirmed, other] = await Promise.all([scene.confirm(), scene.confirm()])
      const { ticket } = confirmed
      const wrong = [
        other.ticket,
        ticket.slice(0, -2),
        `${ticket}A`,
        flip(ticket),
        `${other.ticket}=`,
        confirmed.review.claim,
      ]
      const { id } = confirmed.attempt
      // Of the five tries of an attempt, the last is for the right ticket. Impatient: see
      // Scene.redeem.
      for (const each of wrong.slice(0, 4)) {
        const answer = await confirmed.computer.send('POST', `/api/qr/${id}/redeem`, {
          body: { ticket: each },
          impatient: true,
        })
        holdRefused(answer, 'redeeming with a wrong ticket', [400, 403])
      }
      for (const each of wrong.slice(4)) {
        const answer = await other.computer.send('POST', `/api/qr/${other.attempt.id}/redeem`, {
          body: { ticket: each },
          impatient: true,
        })
        holdRefused(answer, 'redeeming with a token of another kind', [400, 403])
      }
      hold((await scene.redeem(confirmed)).status === 200, 'the right ticket does not work after wrong ones')
    },
  },
  {
    id: 'tokens.early',
    title: 'nothing is redeemed before the phone has confirmed',
    flaws: ['F5'],
    run: async (scene) => {
      const other = await scene.confirm()
      const scanned = await scene.match()
      const { id } = scanned.attempt
      const body = { ticket: other.ticket }
      holdRefused(
        await scanned.computer.send('POST', `/api/qr/${id}/redeem`, { body }),
        'redeeming before the confirmation',
      )
      hold((await scene.statusOf(scanned)).ticket === undefined, 'there is a ticket before the confirmation')
    },
  },
  {
    id: 'tokens.claim',
    title: 'a claim that is wrong in any way is refused',
    flaws: ['F5'],
    run: async (scene) => {
      const phone = await scene.phone()
      const scanned = await scene.match(phone)
      const { claim } = scanned.review
      const wrong = [flip(claim), claim.slice(0, -1), scanned.attempt.id, scanned.code, 'null']
      for (const each of wrong) {
        const answer = await phone.send('POST', '/api/qr/confirm', { body: { claim: each } })
        holdRefused(answer, 'confirming with a wrong claim', [400, 404])
      }
      const { status } = await scene.statusOf(scanned)
      hold(status === 'scanned', `a wrong claim has changed the attempt: ${status}`)
    },
  },
  {
    id: 'tokens.purpose',
    title: 'no cookie is accepted under the name of another',
    flaws: ['F5'],
    run: async (scene) => {
      const { computer, phone } = await scene.signIn()
      const all = [...computer.cookies, ...phone.browser.cookies]
      const names = new Set(all.map(([name]) => name))
      for (const [own, value] of all) {
        for (const name of names) {
          if (name === own) continue
          const cookie = `${name}=${value}`
          const answers = [
            await scene.browser().send('GET', '/api/session', { cookie }),
            await scene.browser().send('GET', '/api/phone/session', { cookie }),
          ]
          for (const { json, status } of answers) {
            hold(status === 200 && json?.signedIn === false, `the value of ${own} under the name of ${name} signs in`)
          }
        }
      }
    },
  },
  {
    id: 'tokens.seal',
    title: 'a valid cookie with a suffix is refused',
    flaws: ['F5'],
    run: async (scene) => {
      const { computer, phone, attempt } = await scene.signIn()
      for (const [name, value] of [...computer.cookies, ...phone.browser.cookies]) {
        const send = (/** @type {string} */ path, /** @type {string} */ seal) =>
          scene.browser().send('GET', path, { cookie: `${name}=${seal}` })
        /** What a cookie can open. @type {((seal: string) => Promise<boolean>)[]} */
        const ways = [
          async (seal) => (await send('/api/session', seal)).json?.signedIn === true,
          async (seal) => (await send('/api/phone/session', seal)).json?.signedIn === true,
          async (seal) => (await send(`/api/qr/${attempt.id}`, seal)).status === 200,
        ]
        const opened = await Promise.all(ways.map((opens) => opens(value)))
        hold(opened.includes(true), `a valid ${name} is refused`)
        for (const suffix of ['~2', '~2~2', '2', 'x', '~', '.', '%20', value, `~${value}`]) {
          const what = suffix.endsWith(value) ? 'itself' : suffix
          for (const [index, opens] of ways.entries()) {
            const isAccepted = opened[index] === true && (await opens(`${value}${suffix}`))
            hold(!isAccepted, `a ${name} followed by ${what} is accepted`)
          }
        }
      }
    },
  },
  {
    id: 'tokens.bearer',
    title: 'no forged bearer token is accepted',
    flaws: ['F5'],
    run: async (scene) => {
      const base = { sub: 'admin', name: 'Admin', iss: scene.origin, aud: scene.origin }
      const claims = { ...base, exp: Math.floor(Date.now() / 1000) + 600 }
      const forged = [
        'x',
        jwt({ alg: 'none' }, claims, null),
        jwt({ alg: 'None' }, claims, null),
        jwt({ alg: 'none' }, claims, 'x'),
        jwt({ alg: 'HS256' }, claims, ''),
        jwt({ alg: 'HS256' }, claims, 'secret'),
        jwt({ alg: 'HS256', kid: '../../dev/null' }, claims, ''),
        jwt({ alg: 'HS256', jwk: { kty: 'oct', k: 'c2VjcmV0' } }, claims, 'secret'),
        jwt({ alg: 'RS256', jku: `${scene.origin}/x` }, claims, 'x'),
      ]
      for (const person of scene.people) {
        if (!('token' in person)) continue
        const [header = '', body = '', signature = ''] = person.token.split('.')
        const read = JSON.parse(Buffer.from(body, 'base64url').toString())
        forged.push(
          `${header}.${body}.`,
          `${encode({ alg: 'none' })}.${body}.`,
          `${header}.${encode({ ...read, sub: 'admin' })}.${signature}`,
          `${header}.${encode({ ...read, exp: 9_999_999_999 })}.${signature}`,
          `${header}.${body}.${flip(signature)}`,
        )
      }
      for (const token of forged) {
        const headers = { Authorization: `Bearer ${token}` }
        const answer = await scene.browser().send('GET', '/api/sessions', { headers, site: null })
        holdRefused(answer, 'a forged bearer token', [401])
      }
    },
  },
  {
    id: 'tokens.replay',
    title: 'a signed request works once',
    flaws: ['F5', 'F2'],
    run: async (scene) => {
      const index = scene.people.findIndex((person) => 'signingSecret' in person)
      if (index < 0) throw new Skip('no person of the configuration signs requests')
      const phone = await scene.phoneOf(index)
      /** @type {Record<string, string>} */
      let signed = {}
      const send = phone.browser.send.bind(phone.browser)
      phone.browser.send = async (method, path, sending) => {
        signed = sending?.headers ?? {}
        return await send(method, path, sending)
      }
      hold((await phone.send('GET', '/api/sessions')).status === 200, 'a signed request is refused')
      phone.browser.send = send
      const again = await Promise.all(
        Array.from({ length: 20 }, () =>
          send('GET', '/api/sessions', { headers: signed, site: null, cookie: '', impatient: true }),
        ),
      )
      hold(
        again.every(({ status }) => status === 401 || status === 429),
        'a signed request is accepted twice',
      )
      const unsigned = { Authorization: signed.Authorization ?? '' }
      const without = await send('GET', '/api/sessions', { headers: unsigned, site: null, cookie: '' })
      holdRefused(without, 'a request without its signature', [401])
    },
  },
  {
    id: 'tokens.number',
    title: 'the number, where it is required, is only on the phone, and there are two tries',
    flaws: ['F5'],
    mitigations: ['6.1.16'],
    run: async (scene) => {
      const scanned = await scene.scan()
      const { computer, attempt, phone, review } = scanned
      if (!review.match?.required) throw new Skip('none is required between these two devices')
      const shown = await computer.send('GET', `/api/qr/${attempt.id}`)
      const { number, ...rest } = shown.json?.match ?? {}
      hold(number === undefined && Object.keys(rest).length <= 3, 'the computer receives the number')
      const early = await phone.send('POST', '/api/qr/confirm', { body: { claim: review.claim } })
      holdRefused(early, 'confirming before the number was typed', [409])
      hold(early.json?.code === 'match_required', `the number is not required: ${early.json?.code}`)
      const wrong = review.match.number === '42' ? '43' : '42'
      for (const status of [409, 410]) {
        const answer = await computer.send('POST', `/api/qr/${attempt.id}/match`, { body: { number: wrong } })
        holdRefused(answer, 'a wrong number', [status])
      }
      const right = await computer.send('POST', `/api/qr/${attempt.id}/match`, {
        body: { number: review.match.number },
      })
      holdRefused(right, 'the right number after two wrong ones', [410])
      const late = await phone.send('POST', '/api/qr/confirm', { body: { claim: review.claim } })
      holdRefused(late, 'confirming after two wrong numbers', [410])
    },
  },
]

/** @param {string} token */
function flip(token) {
  const at = Math.floor(token.length / 2)
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
}

/** @param {unknown} value */
function encode(value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/**
 * @param {unknown} header
 * @param {unknown} claims
 * @param {string | null} secret null: an empty signature
 */
function jwt(header, claims, secret) {
  const signed = `${encode(header)}.${encode(claims)}`
  return `${signed}.${secret === null ? '' : createHmac('sha256', secret).update(signed).digest('base64url')}`
}
