import { Agent } from './support/agent'
import { expect, test } from './support/test'

const CONCURRENCY = 50

test('50 concurrent scans by 50 phones: exactly one wins', async ({ server }) => {
  const computer = new Agent(server.origin)
  const phones = await Promise.all(
    Array.from({ length: CONCURRENCY }, async () => {
      const phone = new Agent(server.origin)
      await phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
      return phone
    }),
  )
  const { json: attempt } = await computer.send('POST', '/api/qr', {})
  const code = attempt.code.url.split('#')[1]
  const responses = await Promise.all(phones.map((phone) => phone.send('POST', '/api/qr/scan', { code })))
  const statuses = responses.map(({ status }) => status).sort()
  expect(statuses).toEqual([200, ...Array<number>(CONCURRENCY - 1).fill(409)])
})

test('50 concurrent scans and 50 confirms by one phone get the same response each', async ({ server }) => {
  const { computer, phone, attempt } = await startAttempt(server.origin)
  const code = attempt.code.url.split('#')[1]
  const scans = await Promise.all(
    Array.from({ length: CONCURRENCY }, () => phone.send('POST', '/api/qr/scan', { code })),
  )
  expect(new Set(scans.map(({ status, json }) => `${status} ${json.claim}`)).size).toBe(1)
  const { claim } = scans[0]?.json ?? {}
  const confirms = await Promise.all(
    Array.from({ length: CONCURRENCY }, () => phone.send('POST', '/api/qr/confirm', { claim })),
  )
  expect(new Set(confirms.map(({ status }) => status))).toEqual(new Set([200]))
  expect((await computer.send('GET', `/api/qr/${attempt.id}`)).json).toMatchObject({ status: 'confirmed', version: 3 })
})

test('50 concurrent redeems: exactly one session', async ({ server }) => {
  const { computer, phone, attempt } = await startAttempt(server.origin)
  const { json: review } = await phone.send('POST', '/api/qr/scan', { code: attempt.code.url.split('#')[1] })
  await phone.send('POST', '/api/qr/confirm', { claim: review.claim })
  const { json: confirmed } = await computer.send('GET', `/api/qr/${attempt.id}`)
  const { ticket } = confirmed
  const before = (await phone.send('GET', '/api/sessions')).json.sessions.length
  const path = `/api/qr/${attempt.id}/redeem`
  const responses = await Promise.all(
    Array.from({ length: CONCURRENCY }, () => computer.send('POST', path, { ticket })),
  )
  expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]))
  expect(new Set(responses.map(({ json }) => json.session.id)).size).toBe(1)
  expect((await phone.send('GET', '/api/sessions')).json.sessions).toHaveLength(before + 1)
})

test('a concurrent redeem and cancel: exactly one wins, and the computer is not signed in', async ({ server }) => {
  for (let round = 0; round < 20; round += 1) {
    const { computer, phone, attempt } = await startAttempt(server.origin)
    const { json: review } = await phone.send('POST', '/api/qr/scan', { code: attempt.code.url.split('#')[1] })
    const { claim } = review
    await phone.send('POST', '/api/qr/confirm', { claim })
    const { ticket } = (await computer.send('GET', `/api/qr/${attempt.id}`)).json
    const [redeemed, cancelled] = await Promise.all([
      computer.send('POST', `/api/qr/${attempt.id}/redeem`, { ticket }),
      phone.send('POST', '/api/qr/cancel', { claim }),
    ])
    // A cancel after the redeem signs that computer out.
    expect([
      [200, 'revoked'],
      [410, 'cancelled'],
    ]).toContainEqual([redeemed.status, cancelled.json.status])
    expect((await computer.send('GET', '/api/session')).json).toEqual({ signedIn: false })
  }
})

async function startAttempt(origin: string) {
  const computer = new Agent(origin)
  const phone = new Agent(origin)
  await phone.send('POST', '/api/phone/session', { username: 'sam', password: 'demo' })
  const { json: attempt } = await computer.send('POST', '/api/qr', {})
  return { computer, phone, attempt }
}
