import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { signWebhook } from './standard-webhooks'

const KEYS = [Buffer.alloc(24, 1), Buffer.alloc(64, 2)]
const BODY = '{"text":"pässword"}'
const verifierOf = (key: Buffer) => new Webhook(`whsec_${key.toString('base64')}`)
const sign = (keys: Buffer[]) => signWebhook({ id: 'created_1', sentAt: Date.now(), body: BODY, keys })

test('a foreign verifier accepts the request with each of its keys, and with no other one', () => {
  const headers = sign(KEYS)
  for (const key of KEYS) expect(verifierOf(key).verify(BODY, headers)).toEqual({ text: 'pässword' })
  expect(() => verifierOf(Buffer.alloc(24, 3)).verify(BODY, headers)).toThrow('No matching signature')
})

test('a changed body, id or time is refused', () => {
  const verifier = verifierOf(KEYS[0] as Buffer)
  const headers = sign(KEYS)
  const later = String(Number(headers['webhook-timestamp']) + 1)
  expect(() => verifier.verify(`${BODY} `, headers)).toThrow()
  expect(() => verifier.verify(BODY, { ...headers, 'webhook-id': 'created_2' })).toThrow()
  expect(() => verifier.verify(BODY, { ...headers, 'webhook-timestamp': later })).toThrow()
})
