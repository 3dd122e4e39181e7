// Of concurrent requests one succeeds: one scanner, one result, one session.
import { hold } from './check.mjs'

const WAYS = 20

/** @type {import('./check.mjs').Check[]} */
export const races = [
  {
    id: 'races.scan',
    title: 'concurrent scans by phones: exactly one succeeds',
    flaws: ['F2'],
    mitigations: ['6.1.3'],
    run: async (scene) => {
      const { code, ...rest } = await scene.start()
      const phones = await Promise.all(scene.people.map((_, index) => scene.phoneOf(index)))
      const answers = await Promise.all(phones.map((phone) => phone.send('POST', '/api/qr/scan', { body: { code } })))
      const won = answers.filter(({ status }) => status === 200).length
      hold(won === 1, `${won} of ${phones.length} people have scanned one code`)
      hold((await scene.statusOf({ code, ...rest })).status === 'scanned', 'and the attempt is not scanned')
    },
  },
  {
    id: 'races.redeem',
    title: `${WAYS} concurrent redeems: one session`,
    flaws: ['F2'],
    run: async (scene) => {
      const confirmed = await scene.confirm()
      const path = `/api/qr/${confirmed.attempt.id}/redeem`
      const body = { ticket: confirmed.ticket }
      const answers = await Promise.all(
        Array.from({ length: WAYS }, () => confirmed.computer.send('POST', path, { body, impatient: true })),
      )
      const ids = answers.filter(({ status }) => status === 200).map(({ json }) => json.session.id)
      hold(ids.length > 0, 'none of them was granted')
      hold(new Set(ids).size === 1, `${new Set(ids).size} sessions from one ticket`)
      hold(
        answers.every(({ status }) => status < 500),
        'a redeem is answered with a 5xx',
      )
    },
  },
  {
    id: 'races.redeem-or-cancel',
    title: 'a concurrent redeem and cancel: exactly one succeeds',
    flaws: ['F2'],
    run: async (scene) => {
      for (const confirmed of await Promise.all([scene.confirm(), scene.confirm(), scene.confirm()])) {
        const [redeemed, cancelled] = await Promise.all([
          scene.redeem(confirmed),
          confirmed.phone.send('POST', '/api/qr/cancel', { body: { claim: confirmed.review.claim } }),
        ])
        const both = `${redeemed.status} and ${cancelled.status} (${cancelled.json?.status ?? cancelled.json?.code})`
        // A cancel after the redeem revokes the session ("Wasn't you?"): then both have succeeded,
        // in that order.
        const isRevoked = cancelled.status === 200 && cancelled.json?.status === 'revoked'
        const isCancelled = cancelled.status === 200 && !isRevoked
        hold((redeemed.status === 200) !== isCancelled, `redeem and cancel are answered with ${both}`)
        const { json } = await confirmed.computer.send('GET', '/api/session')
        hold(json?.signedIn === (redeemed.status === 200 && !isRevoked), `after ${both} the session does not match`)
      }
    },
  },
  {
    id: 'races.confirm-or-cancel',
    title: 'of a concurrent confirm and cancel, the cancel takes effect',
    flaws: ['F2'],
    run: async (scene) => {
      const scanned = await scene.match()
      const body = { claim: scanned.review.claim }
      await scene.untilReadable(scanned)
      await Promise.all(['confirm', 'cancel'].map((step) => scanned.phone.send('POST', `/api/qr/${step}`, { body })))
      const { status } = await scene.statusOf(scanned)
      hold(status === 'cancelled', `after a concurrent confirm and cancel the attempt is ${status}`)
    },
  },
]
