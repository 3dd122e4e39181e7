import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { App, ORIGIN } from '../../test/support/app'
import { isMethod } from '../http/resource'
import { findRoute, ROUTES } from './routes'

test('the table and app/api have the same routes', () => {
  const files = readdirSync('app/api', { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('route.ts'),
  )
  const bound = files.map((path) => `/api/${dirname(path).replace('[id]', '{id}')}`)
  expect([...ROUTES].sort()).toEqual(bound.filter((path) => path !== '/api/[...path]').sort())
})

test('a path that is a route of its own is not an id', () => {
  expect(findRoute('/api/qr/scan')?.params).toEqual({})
  expect(findRoute('/api/qr/scam')?.params).toEqual({ id: 'scam' })
})

test.each(['/api/qr/', '/api/qr/a/', '/api//qr', '/api/qr/a/events/', '/api', '/qr', ''])(
  '%s is not in the table',
  (path) => {
    expect(findRoute(path)).toBeNull()
  },
)

test.each(['/api/qr/a/b', '/api/health', '/api/qr/{id}/none', '/api/__proto__'])('%s is 404', async (path) => {
  const app = new App()
  expect((await app.handle(new Request(ORIGIN + path))).status).toBe(404)
  app.dispose()
})

test.each(['__proto__', 'route', 'constructor', 'get', 'TRACE', ''])('%s is not a method', (method) => {
  expect(isMethod(method)).toBe(false)
})
