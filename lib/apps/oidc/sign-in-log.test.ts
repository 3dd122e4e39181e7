import { expect, test } from 'vitest'
import { AppServer } from '../../../test/support/app-server'
import { clientOf, OidcApp } from '../../../test/support/oidc-app'
import { signedInPhone, signInWithPhone, UserAgent } from '../../../test/support/user-agent'

test('the audit log names the app of a sign-in, and none without an app', async () => {
  const lines: Record<string, unknown>[] = []
  const clients = [clientOf('wiki', { first_party: true })]
  const server = await AppServer.start({ clients, onLine: (line) => lines.push(line) })
  const phone = await signedInPhone(server.origin)
  const wiki = await OidcApp.discover(server, 'wiki')
  const appsOf = (event: string) =>
    lines.filter((line) => line.event === event && line.kind !== 'phone').map(({ app = null }) => app)
  await signInWithPhone(server.origin, new UserAgent(), phone)
  await wiki.signIn(new UserAgent(), phone)
  await server.stop()
  expect(appsOf('attempt.started')).toEqual([null, 'wiki'])
  expect(appsOf('session.created')).toEqual([null, 'wiki'])
})
