// Says who is signed in at your site: ACCOUNTS_SESSION_URL=https://www.example.com/qr-login/person.
// The cookie of the site needs Domain=example.com, so that browsers send it to login.example.com too.
import { createServer } from 'node:http'

// Your sessions instead. For better-auth and Auth.js: better-auth.md, authjs.md.
const sessions = new Map([['a-session-id', { id: 'user-1', name: 'Mei Tan', email: 'mei@example.com' }]])

createServer((request, response) => {
  const [, id] = /(?:^|; )sid=([^;]+)/.exec(request.headers.cookie ?? '') ?? []
  const person = sessions.get(id)
  if (person === undefined) return response.writeHead(401).end()
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(person))
}).listen(process.env.PORT ?? 8081)
