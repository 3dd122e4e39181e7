import { done, type Methods } from './operation'

const as = {
  as: {
    description: 'Which account counts for a browser that is both phone and computer.',
    words: ['phone', 'computer'],
  },
}
const CLEARED = { headers: ['Set-Cookie'] } as const

/** Section 4.3 of PROTOCOL.md. */
export const ACCOUNT_OPERATIONS: Readonly<Record<string, Methods>> = {
  '/api/phone/session': {
    get: {
      operationId: 'getPhoneSession',
      summary: 'Whether this phone is signed in',
      requester: 'phone',
      isOpen: true,
      responses: { 200: { description: 'Signed in or not.', json: 'PhoneState' } },
    },
    post: {
      operationId: 'signInPhone',
      summary: 'Sign this phone in',
      requester: 'any',
      body: 'PhoneSignInBody',
      responses: { 200: { description: 'Signed in.', json: 'PhoneSignedIn', headers: ['Set-Cookie'] } },
      codes: ['credentials_wrong', 'passkey_wrong', 'rate_limited'],
    },
    delete: {
      operationId: 'signOutPhone',
      summary: 'Sign this phone out',
      requester: 'phone',
      isOpen: true,
      responses: { 204: { description: 'Signed out.', ...CLEARED } },
    },
  },
  '/api/phone/session/oidc': {
    post: {
      operationId: 'beginProviderSignIn',
      summary: "Begin a sign-in at the team's OpenID provider; 404 without ACCOUNTS_OIDC_ISSUER",
      requester: 'any',
      body: 'OidcBody',
      takesForms: true,
      responses: {
        200: { description: 'Where to go, for a JSON body.', json: 'ProviderUrl', headers: ['Set-Cookie'] },
        303: { description: 'To the provider, for a form.', headers: ['Location', 'Set-Cookie'] },
      },
      codes: ['rate_limited'],
    },
  },
  '/api/phone/session/oidc/callback': {
    get: {
      operationId: 'endProviderSignIn',
      summary: 'The provider sends the browser back; `sign_in` in the address names a failure',
      requester: 'any',
      query: {
        code: { description: 'RFC 6749, section 4.1.2.', isText: true },
        state: { description: 'The same.', isText: true },
        iss: { description: 'RFC 9207.', isText: true },
        error: { description: 'RFC 6749, section 4.1.2.1.', isText: true },
      },
      responses: { 303: { description: 'Back to the page of the phone.', headers: ['Location', 'Set-Cookie'] } },
    },
  },
  '/api/phone/sources': {
    get: {
      operationId: 'listSources',
      summary: 'The ways to sign a phone in',
      requester: 'any',
      responses: { 200: { description: 'In the order they are offered.', json: 'Sources' } },
    },
  },
  '/api/phone/session/passkey/options': {
    post: {
      operationId: 'requestPasskey',
      summary: 'What a browser needs to sign in with a passkey; 404 without passkeys',
      requester: 'any',
      body: 'StartBody',
      responses: { 200: { description: 'The options.', json: 'PasskeyRequest' } },
    },
  },
  '/api/passkeys/options': {
    post: {
      operationId: 'createPasskey',
      summary: 'What a browser needs to add a passkey; 404 without passkeys',
      requester: 'phone',
      body: 'StartBody',
      responses: { 200: { description: 'The options.', json: 'PasskeyCreation' } },
      codes: ['passkey_limit'],
    },
  },
  '/api/passkeys': {
    get: {
      operationId: 'listPasskeys',
      summary: "The person's passkeys",
      requester: 'phone',
      responses: { 200: { description: 'Newest first.', json: 'Passkeys' } },
    },
    post: {
      operationId: 'addPasskey',
      summary: 'Add a passkey that the browser has created',
      requester: 'phone',
      body: 'PasskeyBody',
      responses: { 201: { description: 'Added.', json: 'Passkey' } },
      codes: ['passkey_wrong', 'passkey_limit'],
    },
  },
  '/api/passkeys/{id}': {
    patch: {
      operationId: 'renamePasskey',
      summary: 'Rename a passkey',
      requester: 'phone',
      body: 'PasskeyNameBody',
      responses: { 204: done('Renamed.') },
    },
    delete: {
      operationId: 'removePasskey',
      summary: 'Remove a passkey',
      requester: 'phone',
      responses: { 204: done('Removed.') },
      codes: ['passkey_last'],
    },
  },
  '/api/session': {
    get: {
      operationId: 'getSession',
      summary: 'Whether this computer is signed in',
      requester: 'computer',
      isOpen: true,
      responses: { 200: { description: 'Signed in or not.', json: 'ComputerState' } },
    },
    delete: {
      operationId: 'signOut',
      summary: 'Sign this computer out',
      requester: 'computer',
      isOpen: true,
      responses: { 204: { description: 'Signed out.', headers: ['Set-Cookie', 'Clear-Site-Data'] } },
    },
  },
  '/api/sessions': {
    get: {
      operationId: 'listSessions',
      summary: "The person's signed-in computers",
      requester: 'account',
      query: as,
      responses: { 200: { description: 'Newest first.', json: 'Sessions' } },
    },
    delete: {
      operationId: 'signOutAll',
      summary: 'Sign all computers out; requested by a computer: all others',
      requester: 'account',
      query: as,
      responses: { 204: done('Signed out.') },
    },
  },
  '/api/sessions/{id}': {
    delete: {
      operationId: 'signOutSession',
      summary: 'Sign that computer out',
      requester: 'account',
      query: as,
      responses: { 204: done('Signed out.') },
    },
  },
  '/api/sessions/{id}/acknowledge': {
    post: {
      operationId: 'acknowledgeSession',
      summary: 'Acknowledge the notice about that computer',
      requester: 'phone',
      responses: { 204: done('Its notice is not shown any more.') },
    },
  },
  '/api/phones': {
    get: {
      operationId: 'listPhones',
      summary: "The person's phones that are signed in by a cookie",
      requester: 'phone',
      responses: { 200: { description: 'Newest first.', json: 'Phones' } },
    },
    delete: {
      operationId: 'signOutOtherPhones',
      summary: 'Sign all other phones out',
      requester: 'phone',
      responses: { 204: done('Signed out.') },
    },
  },
  '/api/phones/{id}': {
    delete: {
      operationId: 'signOutOnePhone',
      summary: 'Sign that phone out',
      requester: 'phone',
      responses: { 204: done('Signed out.') },
    },
  },
  '/api/account/events': {
    get: {
      operationId: 'followAccount',
      summary: 'What changes in the account of a signed-in phone or computer',
      requester: 'account',
      query: as,
      responses: {
        200: {
          description: 'The stream.',
          events: { sessions: 'Sessions', attempt: 'ReviewEvent', signed_out: 'SignedOutEvent', bye: 'ByeEvent' },
        },
      },
      codes: ['rate_limited'],
    },
  },
}
