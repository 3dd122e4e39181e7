// Verifies name and password for qr-login: ACCOUNTS_VERIFY_URL=https://…/verify. `npm install standardwebhooks`
import { createServer } from 'node:http'
import { Webhook } from 'standardwebhooks'

const webhook = new Webhook(process.env.ACCOUNTS_VERIFY_SECRET)

// Your directory instead: a table, LDAP, an existing sign-in endpoint.
const people = { mei: { password: 'correct horse', person: { id: 'user-1', name: 'Mei Tan', groups: ['staff'] } } }

createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += chunk
  try {
    const { username, password } = webhook.verify(body, request.headers)
    const found = Object.hasOwn(people, username) ? people[username] : undefined
    if (found?.password !== password) return response.writeHead(401).end()
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(found.person))
  } catch {
    response.writeHead(400).end() // Not signed by qr-login.
  }
}).listen(process.env.PORT ?? 8080)
