// An app with openid-client and Express. The redirect URI is {the app}/callback.
//   npm install openid-client@6.9.0 express@4.22.3 express-session@1.19.0
import express from 'express'
import session from 'express-session'
import * as client from 'openid-client'

const { QR_LOGIN_ISSUER, QR_LOGIN_CLIENT_ID, QR_LOGIN_CLIENT_SECRET, APP_URL, SESSION_SECRET, PORT } = process.env
const config = await client.discovery(
  new URL(QR_LOGIN_ISSUER),
  QR_LOGIN_CLIENT_ID,
  undefined,
  client.ClientSecretBasic(QR_LOGIN_CLIENT_SECRET),
  // A qr-login on your own machine may have no https.
  { execute: QR_LOGIN_ISSUER.startsWith('http:') ? [client.allowInsecureRequests] : [] },
)

const app = express().set('trust proxy', 1) // The number of proxies in front.
app.use(
  session({
    secret: SESSION_SECRET,
    cookie: { httpOnly: true, sameSite: 'lax', secure: 'auto' },
    resave: false,
    saveUninitialized: false,
  }),
)

app.get('/sign-in', async (request, response, next) => {
  try {
    const [verifier, state, nonce] = [client.randomPKCECodeVerifier(), client.randomState(), client.randomNonce()]
    request.session.signIn = { verifier, state, nonce }
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: `${APP_URL}/callback`,
      scope: 'openid profile email groups',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    })
    response.redirect(url.href)
  } catch (error) {
    next(error)
  }
})

app.get('/callback', async (request, response, next) => {
  try {
    const { signIn } = request.session
    if (signIn === undefined) return response.redirect(`${APP_URL}/sign-in`)
    const url = new URL(`${APP_URL}/callback`)
    url.search = new URL(request.originalUrl, url).search
    const tokens = await client.authorizationCodeGrant(config, url, {
      pkceCodeVerifier: signIn.verifier,
      expectedState: signIn.state,
      expectedNonce: signIn.nonce,
      idTokenExpected: true,
    })
    const { sub, name, email, groups } = tokens.claims()
    // A new session id, so that a session from before the sign-in is of no use.
    request.session.regenerate((error) => {
      if (error) return next(error)
      Object.assign(request.session, { user: { id: sub, name, email, groups }, idToken: tokens.id_token })
      response.redirect(`${APP_URL}/`)
    })
  } catch (error) {
    next(error)
  }
})

app.post('/sign-out', (request, response, next) => {
  const { idToken } = request.session
  const after = {
    post_logout_redirect_uri: `${APP_URL}/`,
    ...(idToken === undefined ? {} : { id_token_hint: idToken }),
  }
  request.session.destroy((error) => {
    if (error) return next(error)
    response.redirect(303, client.buildEndSessionUrl(config, after).href)
  })
})

app.get('/', (request, response) => {
  if (request.session.user === undefined) response.status(401).send('<a href="/sign-in">Sign in</a>')
  else response.json(request.session.user)
})
app.listen(PORT)
