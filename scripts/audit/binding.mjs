// F1: whose attempt it is. An attempt belongs to the browser that started it, a claim to the phone that scanned.
import { Flaw, hold, holdRefused } from './check.mjs'

const UNKNOWN_ID = 'AAAAAAAAAAAAAAAA'

/** @type {import('./check.mjs').Check[]} */
export const binding = [
  {
    id: 'binding.status',
    title: 'knowing an id does not show the attempt, nor that it exists',
    flaws: ['F1', 'F6'],
    mitigations: ['6.1.12'],
    run: async (scene) => {
      const confirmed = await scene.confirm()
      const { id } = confirmed.attempt
      const nobody = scene.browser()
      const other = (await scene.start()).computer
      for (const suffix of ['', '?after=0&waitMs=100']) {
        for (const browser of [nobody, other]) {
          const theirs = await browser.send('GET', `/api/qr/${id}${suffix}`)
          const unknown = await browser.send('GET', `/api/qr/${UNKNOWN_ID}${suffix}`)
          hold(!theirs.text.includes(confirmed.ticket), 'another browser reads the ticket')
          hold(theirs.status >= 400, `another browser reads the attempt: ${theirs.status}`)
          hold(sameButForRequest(theirs, unknown), 'an attempt of somebody else is told apart from one that never was')
        }
      }
    },
  },
  {
    id: 'binding.stream',
    title: 'nor does it open its stream',
    flaws: ['F1', 'F6'],
    mitigations: ['6.1.12'],
    run: async (scene) => {
      const confirmed = await scene.confirm()
      const other = (await scene.start()).computer
      for (const browser of [scene.browser(), other]) {
        const answer = await browser.send('GET', `/api/qr/${confirmed.attempt.id}/events`, { forMs: 500 })
        hold(!answer.text.includes(confirmed.ticket), 'another browser hears the ticket')
        hold(answer.status >= 400, `another browser opens the stream: ${answer.status}`)
      }
    },
  },
  {
    id: 'binding.redeem',
    title: 'a ticket is worth nothing in another browser',
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
      hold((await scene.redeem(confirmed)).status === 200, 'the attempt did not survive the strangers')
    },
  },
  {
    id: 'binding.match-and-cancel',
    title: 'nobody else types its number or ends it',
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
        holdRefused(await browser.send('DELETE', `/api/qr/${id}`), 'the end from another browser')
      }
      const { status, match } = await scene.statusOf(scanned)
      hold(status === 'scanned' && match?.passed !== true, `strangers have moved the attempt: ${status}`)
    },
  },
  {
    id: 'binding.confirm',
    title: 'only the phone that scanned can confirm or cancel',
    flaws: ['F1'],
    mitigations: ['6.1.15'],
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
      for (const { who, phone } of others) {
        holdRefused(await phone.send('POST', '/api/qr/confirm', { body: { claim } }), `${who} confirming`)
        holdRefused(await phone.send('POST', '/api/qr/cancel', { body: { claim } }), `${who} cancelling`)
      }
      const nobody = scene.browser()
      holdRefused(await nobody.send('POST', '/api/qr/confirm', { body: { claim } }), 'nobody confirming')
      holdRefused(
        await scanned.computer.send('POST', '/api/qr/confirm', { body: { claim } }),
        'the computer confirming',
      )
      const { status } = await scene.statusOf(scanned)
      hold(status === 'scanned', `the attempt was moved by somebody else: ${status}`)
    },
  },
  {
    id: 'binding.signed-in',
    title: 'scanning takes a phone that is signed in',
    flaws: ['F1'],
    mitigations: ['6.1.15', '6.1.7'],
    run: async (scene) => {
      const started = await scene.start()
      const body = { code: started.code }
      holdRefused(await scene.browser().send('POST', '/api/qr/scan', { body }), 'a scan by nobody', [401])
      const computer = (await scene.signIn()).computer
      holdRefused(await computer.send('POST', '/api/qr/scan', { body }), 'a scan by a signed-in computer', [401])
      const { status } = await scene.statusOf(started)
      hold(status === 'pending', `it counts as scanned all the same: ${status}`)
    },
  },
  {
    id: 'binding.signed-out',
    title: 'a phone that was signed out can confirm nothing more',
    flaws: ['F1'],
    mitigations: ['6.1.6'],
    run: async (scene) => {
      const index = scene.people.length - 1
      if ('token' in (scene.people[index] ?? {})) return
      const phone = await scene.newPhone(index)
      const scanned = await scene.match(phone)
      const cookies = new Map(phone.browser.cookies)
      await phone.send('DELETE', '/api/phone/session')
      phone.browser.cookies = cookies
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
]

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
