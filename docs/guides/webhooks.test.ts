import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { App, signedInPhone, signInComputer } from '@/test/support/app'
import { freePort } from '@/test/support/free-port'
import { until } from '@/test/support/until'
import { WEBHOOK_SECRET } from '@/test/support/webhook-receiver'

/** The receiver of this guide, in a process of its own, as a team would run it. */
test('docs/guides/webhooks.mjs prints what the guide says, and refuses what is not signed', async () => {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/`
  const env = { ...process.env, PORT: String(port), WEBHOOK_SECRET }
  const child = spawn(process.execPath, ['docs/guides/webhooks.mjs'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.on('data', (chunk) => {
    printed += chunk
  })
  const send = () => fetch(url, { method: 'POST', body: '{"type":"session.created","data":{"person":{"id":"eve"}}}' })
  await until(() =>
    send().then(
      () => true,
      () => false,
    ),
  )
  expect((await send()).status).toBe(400)
  const app = new App({ WEBHOOK_URL: url, WEBHOOK_SECRET, OUTBOUND_ALLOW: '127.0.0.1' }, Date.now)
  const phone = await signedInPhone(app, 'ada')
  await signInComputer(app, phone)
  await phone.send('DELETE', '/api/sessions')
  await expect.poll(() => printed).toBe('session.created ada \nsession.revoked ada phone\n')
  app.dispose()
  child.kill('SIGKILL')
  const guide = readFileSync('docs/guides/webhooks.md', 'utf8')
  for (const line of printed.trim().split('\n')) expect(guide).toContain(`\`${line.trim()}\``)
})
