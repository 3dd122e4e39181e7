// F1: an attempt belongs to the browser that started it, a claim to the phone that scanned.
import { Flaw, hold, holdRefused } from './check.mjs'

/** @typedef {import('./parties.mjs').Phone} Phone */

const UNKNOWN_ID = 'AAAAAAAAAAAAAAAA'

/** @type {import('./check.mjs').Check[]} */
export const binding = [
  {
    id: 'binding.status',
    title: 'knowing an id does not show the attempt, nor that it exists',
    flaws: ['F1', 'F6'],
    run: async (scene) => {
      const confirmed = await scene.confirm()
      const { id } = confirmed.attempt
      const stranger = scene.browser()
      const other = (await scene.start()).computer
      for (const suffix of ['', '?after=0&waitMs=100']) {
        for (const browser of [stranger, other]) {
          const theirs = await browser.send('GET', `/api/qr/${id}${suffix}`)
          const unknown = await browser.send('GET', `/api/qr/${UNKNOWN_ID}${suffix}`)
          hold(!theirs.text.includes(confirmed.ticket), 'another browser reads the ticket')
          hold(theirs.status >= 400, `another browser reads the attempt: ${theirs.status}`)
          hold(sameButForRequest(theirs, unknown), 'another browser’s attempt differs from an unknown id')
        }
      }
    },
  },
  {
    id: 'binding.stream',
    title: 'knowing an id does not open the stream of the attempt',
    flaws: ['F1', 'F6'],
    run: async (scene) => {
      const confirmed = await scene.confirm()
      const other = (await scene.start()).computer
      for (const browser of [scene.browser(), other]) {
        const answer = await browser.send('GET', `/api/qr/${confirmed.attempt.id}/events`, { forMs: 500 })
        hold(!answer.text.includes(confirmed.ticket), 'another browser receives the ticket')
        hold(answer.status >= 400, `another browser opens the stream: ${answer.status}`)
      }
    },
  },
  {
    id: 'binding.redeem',
    title: 'a ticket is useless in another browser',
    flaws: ['F1'],
    mitigations: ['6.1.12'],
    run: async (scene) => {
      const confirmed = await scene.confirm()
      const other = (await scene.start()).computer
      for (const browser of [scene.browser(), other, confirmed.phone.browser]) {
        const answer = await scene.redeem(confirmed, browser)
        holdRefused(answer, 'redeeming in another browser')
        const { json } = await browser.send('GET', '/api/session')
        hold(json?.signedIn !== true, 'another browser is signed in')
      }
      hold((await scene.redeem(confirmed)).status === 200, 'after requests of other browsers the ticket does not work')
    },
  },
  {
    id: 'binding.match-and-cancel',
    title: 'another browser can neither type the number nor cancel the attempt',
    flaws: ['F1'],
    run: async (scene) => {
      const scanned = await scene.scan()
      const { id } = scanned.attempt
      const other = (await scene.start()).computer
      const number = scanned.review.match?.number ?? '42'
      for (const browser of [scene.browser(), other]) {
        holdRefused(
          await browser.send('POST', `/api/qr/${id}/match`, { body: { number } }),
          'a number from another browser',
        )
        holdRefused(await browser.send('DELETE', `/api/qr/${id}`), 'a cancel from another browser')
      }
      const { status, match } = await scene.statusOf(scanned)
      hold(status === 'scanned' && match?.passed !== true, `other browsers have changed the attempt: ${status}`)
    },
  },
  {
    id: 'binding.confirm',
    title: 'only the phone that scanned can confirm or cancel',
    flaws: ['F1'],
    mitigations: ['6.1.12'],
    run: async (scene) => {
      const scanned = await scene.match()
      const { claim } = scanned.review
      const person = scene.people.indexOf(scanned.phone.credentials)
      const others = [
        { who: 'another person', phone: await scene.otherThan(scanned.phone) },
        ...('token' in scanned.phone.credentials
          ? []
          : [{ who: 'another phone of the same person', phone: await scene.newPhone(person) }]),
      ]
      await scene.untilReadable(scanned)
      for (const { who, phone } of others) {
        holdRefused(await phone.send('POST', '/api/qr/confirm', { body: { claim } }), `${who} confirming`)
        holdRefused(await phone.send('POST', '/api/qr/cancel', { body: { claim } }), `${who} cancelling`)
      }
      const stranger = scene.browser()
      holdRefused(
        await stranger.send('POST', '/api/qr/confirm', { body: { claim } }),
        'a client without a phone confirming',
      )
      holdRefused(
        await scanned.computer.send('POST', '/api/qr/confirm', { body: { claim } }),
        'the computer confirming',
      )
      const { status } = await scene.statusOf(scanned)
      hold(status === 'scanned', `another party has changed the attempt: ${status}`)
    },
  },
  {
    id: 'binding.signed-in',
    title: 'only a signed-in phone can scan: a signed-in computer cannot',
    flaws: ['F1'],
    mitigations: ['6.1.9'],
    run: async (scene) => {
      const started = await scene.start()
      const body = { code: started.code }
      holdRefused(await scene.browser().send('POST', '/api/qr/scan', { body }), 'a scan without a phone', [401])
      const computer = (await scene.signIn()).computer
      holdRefused(await computer.send('POST', '/api/qr/scan', { body }), 'a scan by a signed-in computer', [401])
      const { status } = await scene.statusOf(started)
      hold(status === 'pending', `the attempt is scanned nevertheless: ${status}`)
    },
  },
  {
    id: 'binding.signed-out',
    title: 'a phone that was signed out can no longer confirm',
    flaws: ['F1'],
    mitigations: ['6.1.6'],
    run: async (scene) => {
      const phone = await scene.newPhone(scene.requireCookiePerson())
      const scanned = await scene.match(phone)
      const cookies = new Map(phone.browser.cookies)
      await phone.send('DELETE', '/api/phone/session')
      phone.browser.cookies = cookies
      await scene.untilReadable(scanned)
      const answer = await phone.send('POST', '/api/qr/confirm', { body: { claim: scanned.review.claim } })
      holdRefused(answer, 'confirming by the cookie of a phone that was signed out')
    },
  },
  {
    id: 'binding.sessions',
    title: 'a person sees and ends their own computers only',
    flaws: ['F1', 'F6'],
    mitigations: ['6.1.6'],
    run: async (scene) => {
      const { computer, phone, redeemed } = await scene.signIn()
      const { id } = redeemed.json.session
      const other = await scene.otherThan(phone)
      const list = await other.send('GET', '/api/sessions')
      hold(list.status === 200 && !list.text.includes(id), 'another person’s list shows the computer')
      holdRefused(await other.send('DELETE', `/api/sessions/${id}`), 'another person signing it out', [404])
      hold((await computer.send('GET', '/api/session')).json?.signedIn === true, 'another person has signed it out')
      const mine = await phone.send('GET', '/api/sessions')
      hold(
        mine.json?.sessions?.some((/** @type {any} */ each) => each.id === id),
        'its own person does not see it',
      )
      hold((await phone.send('DELETE', `/api/sessions/${id}`)).status === 204, 'its own person cannot sign it out')
      if ((await computer.send('GET', '/api/session')).json?.signedIn !== false) {
        throw new Flaw('a computer that was signed out is still signed in at its next request')
      }
    },
  },
  {
    id: 'binding.revoke',
    title: 'cancelling a redeemed attempt (“Wasn’t you?”) signs out exactly that computer',
    flaws: ['F1'],
    mitigations: ['6.1.6', '6.1.12'],
    run: async (scene) => {
      const phone = await scene.phone()
      const kept = await scene.signIn(phone)
      const gone = await scene.signIn(phone)
      const body = { claim: gone.review.claim }
      const isIn = async (/** @type {typeof gone} */ { computer }) =>
        (await computer.send('GET', '/api/session')).json?.signedIn === true
      // Where a person has one computer only, the second sign-in has ended the first.
      const isAlone = !(await isIn(kept))
      const other = await scene.otherThan(phone)
      for (const party of [other, scene.browser(), gone.computer])
        holdRefused(await party.send('POST', '/api/qr/cancel', { body }), 'cancelling by another party')
      hold(await isIn(gone), 'another party has signed the computer out')
      for (const what of ['cancelling a redeemed attempt', 'cancelling it again']) {
        const { status, json } = await phone.send('POST', '/api/qr/cancel', { body })
        hold(status === 200, `${what} is answered with ${status}`)
        hold(json?.status === 'revoked', `${what} is answered with the status ${json?.status}`)
      }
      hold(!(await isIn(gone)), 'after that the computer is still signed in')
      hold(isAlone || (await isIn(kept)), 'another computer of the person is signed out too')
      holdRefused(await scene.redeem(gone), 'redeeming again after that')
      hold(!(await isIn(gone)), 'redeeming again has signed the computer in again')
      const again = await scene.start(gone.computer)
      const seen = await phone.send('POST', '/api/qr/scan', { body: { code: again.code } })
      hold(seen.json?.computer?.known === false, 'after that the browser still counts as known')
    },
  },
  {
    id: 'binding.phones',
    title: 'a person sees and ends their own phones only, and an ended phone neither scans nor confirms',
    flaws: ['F1', 'F6'],
    mitigations: ['6.1.6'],
    run: async (scene) => {
      const person = scene.requireCookiePerson()
      const [phone, lost] = [await scene.phoneOf(person), await scene.newPhone(person)]
      const scanned = await scene.match(lost)
      const { code } = await scene.start()
      const id = await currentPhoneOf(lost)
      const mine = await currentPhoneOf(phone)
      hold(id !== mine, 'two phones of a person have the same id')
      hold((await listPhones(phone)).includes(id), 'a phone is not on the list of its own person')
      const other = await scene.otherThan(phone)
      const theirs = await other.send('GET', '/api/phones')
      hold(!theirs.text.includes(id) && !theirs.text.includes(mine), 'another person’s list shows the phones')
      holdRefused(await other.send('DELETE', `/api/phones/${id}`), 'another person ending a phone', [400, 404])
      const isIn = async (/** @type {Phone} */ each) =>
        (await each.send('GET', '/api/phone/session')).json?.signedIn === true
      hold(await isIn(lost), 'another person has ended the phone')
      const ended = await phone.send('DELETE', `/api/phones/${id}`)
      hold(ended.status === 204, `ending a phone is answered with ${ended.status}`)
      hold(!(await isIn(lost)), 'an ended phone is still signed in')
      hold(await isIn(phone), 'ending one phone has ended another')
      await scene.untilReadable(scanned)
      const { claim } = scanned.review
      holdRefused(
        await lost.send('POST', '/api/qr/confirm', { body: { claim } }),
        'confirming by an ended phone',
        [401],
      )
      holdRefused(await lost.send('POST', '/api/qr/scan', { body: { code } }), 'scanning by an ended phone', [401])
      const { status } = await scene.statusOf(scanned)
      hold(status !== 'confirmed', 'an ended phone has confirmed')
    },
  },
]

/** @param {Phone} phone @returns {Promise<any[]>} */
async function readPhones(phone) {
  const { status, json } = await phone.send('GET', '/api/phones')
  hold(status === 200 && Array.isArray(json?.phones), `a person cannot see their phones: ${status}`)
  return json.phones
}

/** The ids of the person's phones. @param {Phone} phone */
async function listPhones(phone) {
  return (await readPhones(phone)).map(({ id }) => String(id))
}

/** @param {Phone} phone @returns {Promise<string>} */
async function currentPhoneOf(phone) {
  const current = (await readPhones(phone)).filter((each) => each.current === true)
  hold(current.length === 1, `${current.length} phones of the list are the current one`)
  return String(current[0].id)
}

/**
 * @param {import('./wire.mjs').Answer} a
 * @param {import('./wire.mjs').Answer} b
 */
function sameButForRequest(a, b) {
  const plain = (/** @type {import('./wire.mjs').Answer} */ { status, json, text }) => {
    if (json === null || typeof json !== 'object') return `${status} ${text}`
    const { requestId: _, ...rest } = json
    return `${status} ${JSON.stringify(rest)}`
  }
  return plain(a) === plain(b)
}
