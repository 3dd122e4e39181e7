// Signs a program without a browser in (RFC 8628): `npx tsx sign-in.ts`. Prints a QR code and the
// user code, waits for the phone, and prints the tokens as JSON.
import { renderUnicodeCompact } from 'uqr'

const issuer = process.env.ISSUER ?? 'http://localhost:3000/oidc'
const clientId = process.env.CLIENT_ID ?? 'cli'

interface Device {
  device_code: string
  user_code: string
  verification_uri: string
  verification_uri_complete: string
  expires_in: number
  interval?: number
}

const sleep = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000))

async function post(url: string, fields: Record<string, string>): Promise<Record<string, unknown>> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(fields) })
  return (await response.json()) as Record<string, unknown>
}

async function signIn(): Promise<Record<string, unknown>> {
  const discovered = await fetch(`${issuer}/.well-known/openid-configuration`)
  const endpoints = (await discovered.json()) as { device_authorization_endpoint: string; token_endpoint: string }
  const scope = process.env.SCOPE ?? 'openid profile email offline_access'
  const begun = await post(endpoints.device_authorization_endpoint, { client_id: clientId, scope })
  if ('error' in begun) throw new Error(`${begun.error}: ${begun.error_description}`)
  const device = begun as unknown as Device
  console.error(renderUnicodeCompact(device.verification_uri_complete))
  console.error(`Scan the code, or open ${device.verification_uri} and type ${device.user_code}`)
  let interval = device.interval ?? 5
  for (const endsAt = Date.now() + device.expires_in * 1000; Date.now() < endsAt; ) {
    await sleep(interval)
    const tokens = await post(endpoints.token_endpoint, {
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: device.device_code,
      client_id: clientId,
    })
    if (!('error' in tokens)) return tokens
    if (tokens.error === 'slow_down') interval += 5
    else if (tokens.error !== 'authorization_pending') throw new Error(String(tokens.error))
  }
  throw new Error('expired_token')
}

try {
  console.log(JSON.stringify(await signIn(), null, 2))
} catch (error) {
  console.error(`Not signed in: ${(error as Error).message}`)
  process.exitCode = 1
}
