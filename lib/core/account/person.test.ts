import { expect, test } from 'vitest'
import { personOf, shownOf } from './person'

const STORED = { id: 'ada', name: 'Ada Byron', avatarUrl: null }

test('a record of an older version has no username, no email and no groups', () => {
  expect(personOf(STORED)).toEqual({ ...STORED, username: null, email: null, emailVerified: false, groups: [] })
})

test('screens receive name and picture, and nothing else', () => {
  const person = personOf({ ...STORED, username: 'ada', email: 'ada@example.com', groups: ['admins'] })
  expect(shownOf(person)).toEqual({ name: 'Ada Byron', avatarUrl: null })
})
