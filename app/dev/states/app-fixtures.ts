import type { Recipe } from '@/app/(home)/read-recipes'
import type { AgreedApp, OpenableApp } from '@/lib/apps/apps'
import type { AppView, AskingApp } from '@/lib/core/attempt/app'

/** Apps as they are in the product: with and without a logo, of the team and of others. */

export const WIKI = { clientId: 'wiki', name: 'Wiki', logoUrl: '/icon.svg', host: 'wiki.example.com' }
export const CHAT = { clientId: 'chat', name: '聊天室', logoUrl: null, host: 'chat.example.com' }
/** As long as a name may be. */
export const LONG_APP = {
  clientId: 'long',
  name: 'Wolfeschlegelsteinhausen-Bergerdorff documentation and tasks',
  logoUrl: null,
  host: 'documents-and-tasks-of-every-team.northwind-traders.example',
}

/** Scopes: null for an app of the team. */
export const asking = ({ name, logoUrl, host }: AppView, scopes: string[] | null): AskingApp => ({
  name,
  logoUrl,
  host,
  scopes,
})

export const EVERY_SCOPE = ['openid', 'profile', 'email', 'groups', 'offline_access']

export const USER_CODE = 'WDJB-MJHT'

/** Apps of the team and of others, as the login page shows them. */
export const APPS: readonly AppView[] = [WIKI, CHAT, LONG_APP]

export const OPENABLE: readonly OpenableApp[] = [
  ...[WIKI, CHAT, LONG_APP].map((app) => ({ ...app, url: `https://${app.host}/` })),
  { clientId: 'tool', name: 'Tool', logoUrl: null, host: null, url: 'https://tool.example.com/' },
]

export const listAgreed = (): AgreedApp[] =>
  [CHAT, LONG_APP, { ...WIKI, scopes: ['openid'] }].map(({ clientId, name, logoUrl, ...app }, index) => ({
    clientId,
    name,
    logoUrl,
    scopes: 'scopes' in app ? app.scopes : EVERY_SCOPE,
    agreedAt: new Date(Date.now() - index * 26 * 3_600_000).toISOString(),
  }))

export const RECIPES: readonly Recipe[] = [
  {
    kind: 'openid',
    files: [{ name: 'authjs.env', code: 'QR_LOGIN_ISSUER=https://login.example.com/oidc\nPORT=8080' }],
  },
  { kind: 'proxy', files: [{ name: 'nginx.conf', code: 'location / {\n  auth_request /.qr-login/authz;\n}' }] },
  {
    kind: 'shell',
    files: [{ name: 'sign-in.sh', code: 'curl --silent --request POST https://login.example.com/api/qr' }],
  },
]
