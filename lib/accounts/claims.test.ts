import { describe, expect, test } from 'vitest'
import { toPerson } from './claims'

describe('a person from claims', () => {
  test('has all fields of the standard claims', () => {
    const claims = {
      sub: 'user-1',
      name: 'Mei Tan',
      picture: 'https://cdn.example.com/mei.png',
      preferred_username: 'mei',
      email: 'mei@example.com',
      email_verified: true,
      groups: ['staff', 'admins'],
    }
    expect(toPerson(claims)).toEqual({
      id: 'user-1',
      name: 'Mei Tan',
      avatarUrl: 'https://cdn.example.com/mei.png',
      username: 'mei',
      email: 'mei@example.com',
      emailVerified: true,
      groups: ['staff', 'admins'],
    })
  })

  test('with an id alone has that id as its name, and no other field', () => {
    const empty = { avatarUrl: null, username: null, email: null, emailVerified: false, groups: [] }
    expect(toPerson({ sub: 'user-1' })).toEqual({ id: 'user-1', name: 'user-1', ...empty })
  })

  test.each([undefined, null, 42, '', 'a\nb', 'x'.repeat(256), '\ud800'])('with the sub %j is refused', (sub) => {
    expect(toPerson({ sub })).toBeNull()
  })

  test('takes id and groups from the claims that the settings name', () => {
    const claims = { sub: 'pairwise', oid: 'object-1', roles: ['reader'], groups: ['other'] }
    expect(toPerson(claims, { id: 'oid', groups: 'roles' })).toMatchObject({ id: 'object-1', groups: ['reader'] })
    expect(toPerson({ sub: 'pairwise' }, { id: 'oid' })).toBeNull()
  })

  test.each([
    [true, true],
    ['true', false],
    [1, false],
    [undefined, false],
  ])('email_verified %j counts as %j', (email_verified, emailVerified) => {
    expect(toPerson({ sub: 'a', email: 'a@example.com', email_verified })?.emailVerified).toBe(emailVerified)
  })

  test('without a usable address has no verified one', () => {
    for (const email of [undefined, 42, 'no address', 'a@b@c', 'a @example.com', `${'x'.repeat(250)}@a.org`]) {
      expect(toPerson({ sub: 'a', email, email_verified: true })).toMatchObject({ email: null, emailVerified: false })
    }
  })

  test.each([
    [undefined, []],
    ['staff', ['staff']],
    [['staff', 42, '', 'a\u0000b', 'staff'], ['staff']],
    [{ staff: true }, []],
    [Array.from({ length: 300 }, (_, index) => `g${index}`), Array.from({ length: 200 }, (_, index) => `g${index}`)],
  ])('groups %j become %j', (groups, expected) => {
    expect(toPerson({ sub: 'a', groups })?.groups).toEqual(expected)
  })
})
