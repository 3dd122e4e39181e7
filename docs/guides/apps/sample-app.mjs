// A small app of its own that signs people in with qr-login: node:http and openid-client alone.
// `npm run demo` starts it. The redirect URI is {APP_URL}/callback.
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import * as client from 'openid-client'

const { QR_LOGIN_ISSUER, QR_LOGIN_CLIENT_ID, QR_LOGIN_CLIENT_SECRET, APP_URL, PORT } = process.env
// Where browsers open qr-login, if that is not the origin of the issuer: localhost, in the demo.
const { QR_LOGIN_BROWSER_ORIGIN = new URL(QR_LOGIN_ISSUER).origin } = process.env
const toBrowser = ({ pathname, search }) => QR_LOGIN_BROWSER_ORIGIN + pathname + search
const secret = client.ClientSecretBasic(QR_LOGIN_CLIENT_SECRET)
const config = await client.discovery(new URL(QR_LOGIN_ISSUER), QR_LOGIN_CLIENT_ID, undefined, secret, {
  // A qr-login on your own machine may have no https.
  execute: QR_LOGIN_ISSUER.startsWith('http:') ? [client.allowInsecureRequests] : [],
})

/** The tokens of signed-in browsers, by the random id in their cookie. */
const sessions = new Map()
const MAX_SESSIONS = 1000
const COOKIE = `HttpOnly; SameSite=Lax; Path=/${APP_URL.startsWith('https:') ? '; Secure' : ''}`

const readCookie = ({ headers }, name) => headers.cookie?.match(new RegExp(`(?:^|; )${name}=([\\w.-]+)`))?.[1]
const redirect = (response, location, cookies) =>
  response.writeHead(303, { Location: location, 'Set-Cookie': cookies, 'Cache-Control': 'no-store' }).end()

async function signIn(_, response) {
  const [verifier, state, nonce] = [client.randomPKCECodeVerifier(), client.randomState(), client.randomNonce()]
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: `${APP_URL}/callback`,
    scope: 'openid profile email groups',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  })
  redirect(response, toBrowser(url), [`sample_sign_in=${verifier}.${state}.${nonce}; Max-Age=1800; ${COOKIE}`])
}

async function finishSignIn(request, response) {
  const [pkceCodeVerifier, expectedState, expectedNonce] = readCookie(request, 'sample_sign_in')?.split('.') ?? []
  if (expectedNonce === undefined) return redirect(response, '/', [])
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true }
  const tokens = await client.authorizationCodeGrant(config, new URL(request.url, APP_URL), checks)
  const id = randomBytes(32).toString('base64url')
  sessions.set(id, tokens)
  if (sessions.size > MAX_SESSIONS) sessions.delete(sessions.keys().next().value)
  redirect(response, '/', [`sample_session=${id}; ${COOKIE}`, `sample_sign_in=; Max-Age=0; ${COOKIE}`])
}

async function signOut(request, response) {
  const id = readCookie(request, 'sample_session')
  const hint = sessions.get(id)?.id_token
  sessions.delete(id)
  const after = { post_logout_redirect_uri: `${APP_URL}/`, ...(hint === undefined ? {} : { id_token_hint: hint }) }
  redirect(response, toBrowser(client.buildEndSessionUrl(config, after)), [`sample_session=; Max-Age=0; ${COOKIE}`])
}

/** The person as qr-login has them now; null once they are signed out, wherever that was. */
async function findPerson(request) {
  const tokens = sessions.get(readCookie(request, 'sample_session'))
  if (tokens === undefined) return null
  return await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub).catch(() => null)
}

const EN = { app: 'Sample app', in: 'Sign in', out: 'Sign out', groups: 'Groups', no: 'You were not signed in.' }
const ZH = { app: '示例应用', in: '登录', out: '退出登录', groups: '群组', no: '没有登录。' }
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src *; frame-ancestors 'none'"
const STYLE = `:root { color-scheme: light dark; font: 17px/1.6 system-ui; text-align: center }
  img { border-radius: 27% } button { padding: 10px 24px; font: inherit }`
const toHtml = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

/** `status` 400: the sign-in has failed. */
async function showPage(request, response, status = 200) {
  const isChinese = /^zh/i.test(request.headers['accept-language'] ?? '')
  const text = isChinese ? ZH : EN
  const person = await findPerson(request)
  const { name = '', picture, email = '', groups = [] } = person ?? {}
  const portrait = picture === undefined ? '' : `<img src="${toHtml(picture)}" alt="" width="96" height="96">`
  const facts = `${portrait}<h2>${toHtml(name)}</h2><p>${toHtml(email)}</p>
    <p>${text.groups}: ${toHtml(groups.join(', ')) || '–'}</p>`
  const [action, label] = person === null ? ['/sign-in', text.in] : ['/sign-out', text.out]
  response.writeHead(status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': POLICY,
    'Cache-Control': 'no-store',
  })
  response.end(`<!doctype html><html lang="${isChinese ? 'zh-CN' : 'en'}"><title>${text.app}</title>
    <meta name="viewport" content="width=device-width"><style>${STYLE}</style>
    <main><h1>${text.app}</h1><p role="alert">${status === 200 ? '' : text.no}</p>${person === null ? '' : facts}
    <form method="post" action="${action}"><button>${label}</button></form></main></html>`)
}

const ROUTES = { 'GET /': showPage, 'POST /sign-in': signIn, 'GET /callback': finishSignIn, 'POST /sign-out': signOut }
createServer((request, response) => {
  const handle = ROUTES[`${request.method} ${request.url.split('?')[0]}`]
  if (handle === undefined) return response.writeHead(404).end()
  // The person has declined, or the response of qr-login is not for this browser.
  handle(request, response).catch(() => showPage(request, response, 400))
}).listen(PORT, '127.0.0.1')
