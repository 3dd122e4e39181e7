// Receives webhooks of qr-login: WEBHOOK_URL=https://…/webhooks. `npm install standardwebhooks`
import { createServer } from 'node:http'
import { Webhook } from 'standardwebhooks'

const webhook = new Webhook(process.env.WEBHOOK_SECRET)
const seen = new Set() // Your database instead.

createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += chunk
  try {
    const { type, data } = webhook.verify(body, request.headers)
    const id = request.headers['webhook-id']
    if (!seen.has(id)) process.stdout.write(`${type} ${data.person.id} ${data.by ?? ''}\n`)
    seen.add(id) // Repeats have the same id.
    response.writeHead(204).end()
  } catch {
    response.writeHead(400).end() // Not signed by qr-login.
  }
}).listen(process.env.PORT ?? 8080)
