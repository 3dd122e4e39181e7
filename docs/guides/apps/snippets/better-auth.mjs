// An app with better-auth. In an app that exists you need the plugin. People need an email address.
// The redirect URI is {the app}/api/auth/callback/qr-login.
//   npm install better-auth@1.7.25
import { createServer } from 'node:http'
import { betterAuth } from 'better-auth'
import { fromNodeHeaders, toNodeHandler } from 'better-auth/node'
import { genericOAuth } from 'better-auth/plugins'

const auth = betterAuth({
  // Your database: without one, sessions are in the cookie only.
  plugins: [
    genericOAuth({
      config: [
        {
          providerId: 'qr-login',
          discoveryUrl: `${process.env.QR_LOGIN_ISSUER}/.well-known/openid-configuration`,
          requireIdTokenVerification: true,
          clientId: process.env.QR_LOGIN_CLIENT_ID,
          clientSecret: process.env.QR_LOGIN_CLIENT_SECRET,
          tokenEndpointAuth: { method: 'client_secret_basic' },
          pkce: true,
          scopes: ['openid', 'profile', 'email', 'groups'],
          // Name and address follow the person at each sign-in. Groups are in the ID token only.
          overrideUserInfo: true,
        },
      ],
    }),
  ],
})
const handleAuth = toNodeHandler(auth)

createServer(async (request, response) => {
  if (request.url.startsWith('/api/auth/')) return handleAuth(request, response)
  const headers = fromNodeHeaders(request.headers)
  if (request.url === '/sign-in') {
    // In a page: `authClient.signIn.social({ provider: 'qr-login' })`.
    const answer = await auth.api.signInSocial({
      body: { provider: 'qr-login', callbackURL: '/' },
      headers,
      asResponse: true,
    })
    const { url } = await answer.json()
    return response.writeHead(302, { Location: url, 'Set-Cookie': answer.headers.getSetCookie() }).end()
  }
  const session = await auth.api.getSession({ headers })
  if (session === null) response.writeHead(401, { 'Content-Type': 'text/html' }).end('<a href="/sign-in">Sign in</a>')
  else response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(session.user))
}).listen(process.env.PORT)
