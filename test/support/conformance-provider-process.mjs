// oidc-provider as it comes, with its own pages, for the conformance tests. Prints one line when it
// listens. PORT, CLIENTS (JSON: client metadata).
import Provider from 'oidc-provider'

const { PORT, CLIENTS = '[]' } = process.env
const issuer = `http://127.0.0.1:${PORT}`
const WITHOUT_GUARD = { dispatcher: undefined }

const provider = new Provider(issuer, {
  clients: JSON.parse(CLIENTS),
  // Those of OpenID Connect Core 1.0, section 5.4.
  claims: {
    openid: ['sub'],
    profile: ['name', 'preferred_username', 'picture'],
    email: ['email', 'email_verified'],
    address: ['address'],
    phone: ['phone_number', 'phone_number_verified'],
  },
  // Requests as a form need cookies that other sites' forms send.
  enableHttpPostMethods: true,
  cookies: { keys: ['a key for tests'], long: { sameSite: 'none' }, short: { sameSite: 'none' } },
  features: { backchannelLogout: { enabled: true }, claimsParameter: { enabled: true } },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      name: 'Ada Byron',
      preferred_username: id,
      picture: 'https://example.com/ada.png',
      email: `${id}@example.com`,
      email_verified: true,
      address: { country: 'UK' },
      phone_number: '+44 20 7946 0000',
      phone_number_verified: false,
    }),
  }),
  // The endpoint of the client is on this machine, which the guard refuses.
  fetch: (url, options) => fetch(url, { ...options, ...WITHOUT_GUARD }),
})

provider.listen(Number(PORT), '127.0.0.1', () => process.stdout.write(`listening at ${issuer}\n`))
