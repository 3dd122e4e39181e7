// A real OpenID provider (oidc-provider) in a process of its own. Prints one line when it listens.
// PORT, CLIENT_ID, CLIENT_SECRET ('' for a public client), REDIRECT_URI, SIGNED_OUT_URI,
// CLAIMS_IN_ID_TOKEN.
import Provider from 'oidc-provider'

const {
  PORT,
  CLIENT_ID = '',
  CLIENT_SECRET = '',
  REDIRECT_URI = '',
  SIGNED_OUT_URI = '',
  CLAIMS_IN_ID_TOKEN,
} = process.env
const issuer = `http://127.0.0.1:${PORT}`
const isPublic = CLIENT_SECRET === ''

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: CLIENT_ID,
      ...(isPublic ? { token_endpoint_auth_method: 'none' } : { client_secret: CLIENT_SECRET }),
      redirect_uris: [REDIRECT_URI],
      post_logout_redirect_uris: [SIGNED_OUT_URI],
    },
    { client_id: 'another-client', client_secret: CLIENT_SECRET || 'its own secret', redirect_uris: [REDIRECT_URI] },
  ],
  claims: {
    openid: ['sub'],
    profile: ['name', 'preferred_username', 'picture', 'groups'],
    email: ['email', 'email_verified'],
  },
  conformIdTokenClaims: CLAIMS_IN_ID_TOKEN !== 'true',
  cookies: { keys: ['a key for tests'] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: (use) => ({
      sub: id,
      name: `${id.charAt(0).toUpperCase()}${id.slice(1)} of the team`,
      preferred_username: id,
      // The account `split` has one address in the ID token, and another, verified one at userinfo.
      email: `${id === 'split' && use === 'id_token' ? 'ada' : id}@example.com`,
      ...(id === 'split' && use === 'id_token' ? {} : { email_verified: id !== 'unverified' }),
      groups: ['staff'],
    }),
  }),
})

// SIGUSR2: the token endpoint is down from now on, behind the proxy of a data centre; again: it is
// back.
let isDown = false
process.on('SIGUSR2', () => {
  isDown = !isDown
})
provider.use(async (context, next) => {
  if (!isDown || context.path !== '/token') return await next()
  context.status = 503
})

provider.listen(Number(PORT), '127.0.0.1', () => process.stdout.write(`listening at ${issuer}\n`))
