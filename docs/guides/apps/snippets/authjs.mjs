// An app with Auth.js and Express. In an app that exists you need the provider and the callbacks.
// The redirect URI is {the app}/auth/callback/qr-login; in Next.js /api/auth/callback/qr-login.
//   npm install @auth/core@0.41.3 @auth/express@0.12.3 express@4.22.3
import { ExpressAuth, getSession } from '@auth/express'
import express from 'express'

const config = {
  trustHost: true,
  providers: [
    {
      id: 'qr-login',
      name: 'qr-login',
      type: 'oidc',
      issuer: process.env.QR_LOGIN_ISSUER,
      clientId: process.env.QR_LOGIN_CLIENT_ID,
      clientSecret: process.env.QR_LOGIN_CLIENT_SECRET,
      checks: ['pkce', 'state', 'nonce'],
      authorization: { params: { scope: 'openid profile email groups' } },
    },
  ],
  callbacks: {
    // `profile` is there at the sign-in only. Its `sub` never changes, unlike the id of Auth.js.
    jwt: ({ token, profile }) => (profile ? { ...token, personId: profile.sub, groups: profile.groups } : token),
    session: ({ session, token }) => ({
      ...session,
      user: { ...session.user, id: token.personId, groups: token.groups ?? [] },
    }),
  },
}

const app = express().set('trust proxy', 1) // The number of proxies in front.
app.use('/auth/*', ExpressAuth(config))
app.get('/', async (request, response) => {
  const session = await getSession(request, config)
  if (session === null) response.status(401).send('<a href="/auth/signin">Sign in</a>')
  else response.json(session.user)
})
app.listen(process.env.PORT)
