import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { deriveKeyring } from '../keys'
import { CHALLENGE_MS, challengeEndsAt, createChallenge } from './challenge'

const T0 = 1_800_000_000_000
const [oldSecret, newSecret] = ['an old secret that is long enough, too', 'a new secret that is long enough, too']
const KEYS = deriveKeyring([oldSecret])
const create = (purpose = 'confirm a', now = T0) => createChallenge(KEYS[0], purpose, { now, randomBytes })

test('a challenge is valid for its purpose, for 5 minutes', () => {
  const challenge = create()
  expect(challengeEndsAt(KEYS, challenge, 'confirm a', T0)).toBe(T0 + CHALLENGE_MS)
  expect(challengeEndsAt(KEYS, challenge, 'confirm b', T0)).toBeNull()
  expect(challengeEndsAt(KEYS, challenge, 'confirm a', T0 + CHALLENGE_MS - 1)).not.toBeNull()
  expect(challengeEndsAt(KEYS, challenge, 'confirm a', T0 + CHALLENGE_MS)).toBeNull()
})

test('a challenge of a clock that is ahead is valid up to 5 s', () => {
  expect(challengeEndsAt(KEYS, create('x', T0 + 5_000), 'x', T0)).not.toBeNull()
  expect(challengeEndsAt(KEYS, create('x', T0 + 5_001), 'x', T0)).toBeNull()
})

test('a challenge is valid while its secret is, and no longer', () => {
  const challenge = create()
  expect(challengeEndsAt(deriveKeyring([newSecret, oldSecret]), challenge, 'confirm a', T0)).not.toBeNull()
  expect(challengeEndsAt(deriveKeyring([newSecret]), challenge, 'confirm a', T0)).toBeNull()
})

test('each challenge is new, and has one spelling; a changed one is not valid', () => {
  const challenge = create()
  expect(create()).not.toBe(challenge)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  for (let at = 0; at < challenge.length; at += 1) {
    const valid = [...alphabet].filter((character) => {
      const changed = challenge.slice(0, at) + character + challenge.slice(at + 1)
      return challengeEndsAt(KEYS, changed, 'confirm a', T0) !== null
    })
    expect(valid).toEqual([challenge[at]])
  }
  for (const text of ['', 'x', `${challenge}A`, challenge.slice(1)]) {
    expect(challengeEndsAt(KEYS, text, 'confirm a', T0)).toBeNull()
  }
})
