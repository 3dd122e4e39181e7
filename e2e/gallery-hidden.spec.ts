import { expect, test } from './support/test'

test('in production the gallery is 404', async ({ request, server }) => {
  expect((await request.get(`${server.origin}/dev/states`)).status()).toBe(404)
  expect((await request.get(`${server.origin}/dev/states?pseudo=1`)).status()).toBe(404)
})
