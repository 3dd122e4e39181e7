import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toIdentityHeaders } from './identity-headers'

const ADA = {
  id: '7',
  name: 'Ada Byron',
  avatarUrl: null,
  username: 'ada',
  email: 'ada@example.com',
  emailVerified: true,
  groups: ['admins', 'staff'],
}

const utf8 = (value = '') => Buffer.from(value, 'latin1').toString('utf8')

test('all four headers are there, empty ones too', () => {
  expect(toIdentityHeaders(ADA)).toEqual({
    'Remote-User': 'ada',
    'Remote-Name': 'Ada Byron',
    'Remote-Email': 'ada@example.com',
    'Remote-Groups': 'admins,staff',
  })
  expect(toIdentityHeaders({ id: '7', name: '', avatarUrl: null })).toEqual({
    'Remote-User': '7',
    'Remote-Name': '',
    'Remote-Email': '',
    'Remote-Groups': '',
  })
})

test('without a username the id is the user', () => {
  for (const username of [null, '']) expect(toIdentityHeaders({ ...ADA, username })?.['Remote-User']).toBe('7')
})

test('values are UTF-8', () => {
  const headers = toIdentityHeaders({ ...ADA, username: '李雷', name: 'Zoë 🙂', groups: ['Verwaltung Süd', '管理'] })
  expect(utf8(headers?.['Remote-User'])).toBe('李雷')
  expect(utf8(headers?.['Remote-Name'])).toBe('Zoë 🙂')
  expect(utf8(headers?.['Remote-Groups'])).toBe('Verwaltung Süd,管理')
})

test.each([
  'a\r\nRemote-User: root',
  'a\nb',
  'a\0',
  ' ada',
  'ada ',
  '\u00a0ada',
  'ada\u0085',
  'a\u2028b',
  '\ud800',
  '\t',
  ' ',
])('a person with the username %j passes to no app: changed, it could be another person', (username) => {
  expect(toIdentityHeaders({ ...ADA, username })).toBeNull()
})

test('a name without line breaks, an email and groups that a header can carry', () => {
  const groups = ['a,b', '', ' staff', 'staff\r\nX: y', 'admins']
  const headers = toIdentityHeaders({ ...ADA, name: ' Ada\r\nRemote-Groups: root ', email: 'a\n@example.com', groups })
  expect(headers).toEqual({
    'Remote-User': 'ada',
    'Remote-Name': 'Ada Remote-Groups: root',
    'Remote-Email': '',
    'Remote-Groups': 'admins',
  })
})

test('no text of a person makes a header that a server cannot send', () => {
  const text = fc.string({ unit: 'binary', maxLength: 20 })
  const person = fc.record({ name: text, username: text, email: text, groups: fc.array(text, { maxLength: 4 }) })
  fc.assert(
    fc.property(person, (given) => {
      const headers = toIdentityHeaders({ ...ADA, ...given })
      if (headers === null) return
      for (const [name, value] of Object.entries(headers)) {
        expect(value).toMatch(/^[\x20-\x7e\x80-\xff]*$/)
        expect(new Headers({ [name]: value }).get(name)).toBe(value)
      }
      expect(utf8(headers['Remote-User'])).toBe(given.username === '' ? '7' : given.username)
    }),
  )
})
