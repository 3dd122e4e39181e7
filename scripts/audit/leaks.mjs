// F6: who learns what, and when.
import { networkInterfaces } from 'node:os'
import { hold, Skip } from './check.mjs'

/** @type {import('./check.mjs').Check[]} */
export const leaks = [
  {
    id: 'leaks.computer',
    title: 'the computer learns a name and a picture, after the scan and not before',
    flaws: ['F6'],
    mitigations: ['6.1.9'],
    run: async (scene) => {
      const scanned = await scene.scan()
      hold(scanned.attempt.person === undefined, 'a person is named before anybody scanned')
      const { person, claim, match } = await scene.statusOf(scanned)
      hold(person !== undefined, 'the computer does not show whose account it is')
      hold(
        Object.keys(person).every((key) => key === 'name' || key === 'avatarUrl'),
        `the computer is told ${Object.keys(person)}`,
      )
      hold(claim === undefined && match?.number === undefined, 'the computer is told what is the phone’s')
    },
  },
  {
    id: 'leaks.phone',
    title: 'the phone learns what asks, but not its address',
    flaws: ['F6'],
    mitigations: ['6.1.16', '6.1.8'],
    run: async (scene) => {
      const { review } = await scene.scan()
      const text = JSON.stringify(review)
      const own = Object.values(networkInterfaces()).flatMap((each = []) => each.map(({ address }) => address))
      for (const address of [...own, '127.0.0.1', '::1']) {
        hold(!text.includes(`"${address}"`), 'the phone is told the computer’s address')
      }
      hold(!/\b\d{1,3}(\.\d{1,3}){3}\b/.test(text.replace(review.claim, '')), 'the phone is told an address')
      const { browser, os, requestedAgoMs, sameNetwork, known } = review.computer ?? {}
      hold(browser === 'Firefox' && os === 'Linux', `the phone is told of ${browser} on ${os}`)
      hold(typeof requestedAgoMs === 'number', 'the phone is not told since when')
      hold(
        typeof sameNetwork === 'boolean' && typeof known === 'boolean',
        'the phone is not told whether the computer is near or known',
      )
    },
  },
  {
    id: 'leaks.code',
    title: 'a code is in the fragment, where no server, log or preview sees it',
    flaws: ['F6'],
    run: async (scene) => {
      const { attempt } = await scene.start()
      const url = new URL(attempt.code.url)
      hold(url.hash.length > ID_LEAST && url.search === '', 'the code is not in the fragment')
      hold(url.origin === scene.origin, `the code leads to ${url.origin}`)
      hold(
        !attempt.code.url.includes('claim') && !url.pathname.includes(attempt.id),
        'the code’s path names the attempt',
      )
    },
  },
  {
    id: 'leaks.code-worth',
    title: 'whoever has the code alone learns nothing',
    flaws: ['F6', 'F1'],
    mitigations: ['6.1.9'],
    run: async (scene) => {
      const { code, attempt } = await scene.confirm()
      const nobody = scene.browser()
      for (const path of [
        `/api/qr/${code}`,
        `/api/qr/${code}/events`,
        `/api/qr/scan?code=${code}`,
        `/q?code=${code}`,
      ]) {
        const answer = await nobody.send('GET', path, { forMs: 1_000 })
        hold(
          !answer.text.includes('avatarUrl":"') || answer.status >= 400,
          `${path.replace(code, '…')} names the person`,
        )
        hold(!answer.text.includes(`"${attempt.id}"`), `${path.replace(code, '…')} names the attempt`)
      }
    },
  },
  {
    id: 'leaks.errors',
    title: 'errors say nothing about the inside',
    flaws: ['F6'],
    run: async (scene) => {
      const browser = scene.browser()
      /** @type {[string, string, Record<string, unknown>][]} */
      const asks = [
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
      for (const [method, path, sending] of asks) {
        const { status, text } = await browser.send(method, path, sending)
        hold(status >= 400 && status < 500, `${method} ${path.slice(0, 40)} is answered with ${status}`)
        hold(
          !/\n\s+at |node_modules|SQLITE|ECONN|ZodError|stack/i.test(text),
          `${method} ${path.slice(0, 40)} tells of the inside`,
        )
      }
    },
  },
  {
    id: 'leaks.told',
    title: 'a sign-in is told to the person’s phone at once',
    mitigations: ['6.1.6'],
    run: async (scene) => {
      const phone = await scene.phone()
      const stream = phone.send('GET', '/api/account/events', { forMs: 4_000 })
      const scanned = await scene.match(phone)
      await phone.send('POST', '/api/qr/confirm', { body: { claim: scanned.review.claim } })
      const { ticket } = await scene.statusOf(scanned)
      const redeemed = await scene.redeem({ ...scanned, ticket })
      const { status, text } = await stream
      if (status === 404) throw new Skip('there is no stream of the account')
      hold(text.includes(redeemed.json.session.id), 'the phone hears nothing of the new computer within 4 s')
      hold(!text.includes(scanned.review.claim), 'the stream of the account carries the claim')
    },
  },
]

/** A fragment that can hold 96 random bits. */
const ID_LEAST = 16
