import type { CDPSession, Page } from '@playwright/test'
import { Agent } from './support/agent'
import { Server } from './support/server'
import { Computer, expect, Phone, test } from './support/test'

/** Passkeys of a real browser, with a virtual authenticator in the place of the phone's lock. */

test.use({ settings: { CONFIRM_POLICY: 'passkey', MATCH_POLICY: 'never' } })

const DEVICE = {
  protocol: 'ctap2',
  transport: 'internal',
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
} as const

interface PhoneLock {
  /** Sets the signature counter of the passkey back. */
  resetCounter: () => Promise<void>
  /** Whether the owner of the phone unlocks it from now on. */
  setUnlocked: (isUnlocked: boolean) => Promise<void>
}

/** Gives the page's browser an authenticator with a lock, which its owner unlocks. */
async function addLock(page: Page): Promise<PhoneLock> {
  const devtools: CDPSession = await page.context().newCDPSession(page)
  await devtools.send('WebAuthn.enable')
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', { options: DEVICE })
  return {
    resetCounter: async () => {
      const { credentials } = await devtools.send('WebAuthn.getCredentials', { authenticatorId })
      for (const credential of credentials) {
        const { credentialId } = credential
        await devtools.send('WebAuthn.removeCredential', { authenticatorId, credentialId })
        await devtools.send('WebAuthn.addCredential', { authenticatorId, credential: { ...credential, signCount: 1 } })
      }
    },
    setUnlocked: async (isUserVerified) =>
      void (await devtools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified })),
  }
}

const rows = (page: Page) => page.getByTestId('passkey-row')
const note = (phone: Phone) => phone.page.getByTestId('lock-note')

/** Adds a passkey in the phone's list. */
async function addPasskey({ page }: Phone): Promise<void> {
  await page.getByTestId('add-passkey').click()
  await expect(rows(page)).toHaveCount(1)
}

/**
 * Taps until the tap counts: taps right after the review appeared are ignored. `path`: what it
 * leads to.
 */
async function tap({ page }: Phone, button: 'approve' | 'add-passkey', path: string): Promise<void> {
  await expect(async () => {
    const sent = page.waitForRequest((request) => request.url().endsWith(path), { timeout: 1_000 })
    await Promise.all([sent, page.getByTestId(button).click({ timeout: 1_000 })])
  }).toPass()
}

async function scan(computer: Computer, phone: Phone): Promise<void> {
  await computer.openLogin()
  await phone.open(await computer.readCode())
  await phone.expectState('review')
}

/** Removes every passkey of the person, from another phone. */
async function removePasskeys(origin: string, username: string): Promise<void> {
  const other = new Agent(origin)
  expect((await other.send('POST', '/api/phone/session', { username, password: 'demo' })).status).toBe(200)
  const { passkeys } = (await other.send('GET', '/api/passkeys')).json as { passkeys: { id: string }[] }
  for (const { id } of passkeys) expect((await other.send('DELETE', `/api/passkeys/${id}`)).status).toBe(204)
}

/** Signs the phone out on its own page. */
async function signOut({ page }: Phone): Promise<void> {
  await page.getByRole('button', { name: 'Sign out of this phone' }).click()
  await expect(page.getByTestId('demo-account')).toHaveCount(4)
}

test('a passkey is added, renamed, signs the phone in without a name, and is removed', async ({ newPhone }) => {
  const phone = await newPhone('ada')
  const { page } = phone
  await addLock(page)
  await addPasskey(phone)
  await expect(rows(page)).toContainText('Safari')
  await expect(page.getByRole('alert').filter({ hasText: /./ })).toHaveCount(0)

  await page.getByTestId('rename-passkey').click()
  await page.getByRole('textbox', { name: 'Name' }).fill('My old phone')
  await page.keyboard.press('Enter')
  await expect(rows(page)).toContainText('My old phone')

  await page.getByTestId('add-passkey').click()
  await expect(page.getByText('This phone has a passkey already.')).toBeVisible()

  await signOut(phone)
  await page.getByTestId('passkey-sign-in').click()
  await expect(page.getByRole('heading', { name: 'Hi, Ada Byron' })).toBeVisible()
  await expect(rows(page)).toContainText('My old phone')
  await expect(rows(page)).toContainText('Last used just now')

  await page.getByTestId('remove-passkey').click()
  await expect(page.getByRole('dialog')).toContainText('Remove My old phone?')
  await page.keyboard.press('Escape')
  await expect(rows(page)).toHaveCount(1)
  await page.getByTestId('remove-passkey').click()
  await page.getByTestId('remove-passkey-confirm').click()
  await expect(page.getByText('No passkeys yet.')).toBeVisible()
})

test('a passkey that another phone has removed is refused in words', async ({ newPhone, server }) => {
  const phone = await newPhone('lin')
  await addLock(phone.page)
  await addPasskey(phone)
  await signOut(phone)
  await removePasskeys(server.origin, 'lin')
  await phone.page.getByTestId('passkey-sign-in').click()
  await expect(
    phone.page.getByText("This passkey wasn't accepted. Try again, or sign in another way and add it again."),
  ).toBeVisible()
  await expect(phone.page.getByTestId('demo-account')).toHaveCount(4)
})

test("the phone's lock confirms a scan; without it the review stays", async ({ computer, newPhone, server }) => {
  const phone = await newPhone('ada')
  const lock = await addLock(phone.page)
  await addPasskey(phone)

  await scan(computer, phone)
  await expect(note(phone)).toHaveText("Your team asks for your phone's lock: fingerprint, face or code.")
  await lock.setUnlocked(false)
  await tap(phone, 'approve', '/api/qr/scan')
  await expect(note(phone)).toContainText('Not confirmed. Tap Sign in to try again.')
  await phone.expectState('review')
  await computer.expectState('scanned')

  await lock.setUnlocked(true)
  await phone.answer('approve')
  await phone.expectState('approved')
  await computer.expectSignedIn('Ada Byron')

  await phone.signOutComputers()
  await scan(computer, phone)
  await removePasskeys(server.origin, 'ada')
  await tap(phone, 'approve', '/api/qr/confirm')
  await expect(note(phone)).toContainText("That passkey wasn't accepted.")
  await phone.expectState('review')
})

/** Signs a challenge on any page that may use the passkey, and returns the response as JSON. */
const sign = (page: Page, options: object): Promise<object> =>
  page.evaluate(async (json) => {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(json as PublicKeyCredentialRequestOptionsJSON)
    const credential = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential
    return credential.toJSON() as object
  }, options)

test('a wrong origin, a replay, a counter set back and the claim of another attempt are refused', async ({
  newPhone,
  server,
}) => {
  const phone = await newPhone('yuki')
  const { page } = phone
  const lock = await addLock(page)
  await addPasskey(phone)
  const send = (path: string, body: object) =>
    page.evaluate(
      async ([to, text]) => {
        const headers = { 'Content-Type': 'application/json' }
        const response = await fetch(to, { method: 'POST', headers, body: text })
        return { status: response.status, json: await response.json() }
      },
      [path, JSON.stringify(body)] as const,
    )
  const options = async () => (await send('/api/phone/session/passkey/options', {})).json as object
  const signIn = async (passkey: object) => {
    const { status, json } = await send('/api/phone/session', { passkey })
    return [status, json.code]
  }
  const scanNew = async () => {
    const { json } = await new Agent(server.origin).send('POST', '/api/qr', {})
    return (await send('/api/qr/scan', { code: json.code.url.split('#')[1] })).json
  }
  const [first, second] = [await scanNew(), await scanNew()]
  const confirm = async (claim: string, passkey: object) => {
    const { status, json } = await send('/api/qr/confirm', { claim, passkey })
    return [status, json.code ?? json.status]
  }
  expect(await confirm(second.claim, await sign(page, first.passkey))).toEqual([403, 'passkey_wrong'])
  expect(await confirm(first.claim, await sign(page, first.passkey))).toEqual([200, 'confirmed'])

  const passkey = await sign(page, await options())
  expect(await signIn(passkey)).toEqual([200, undefined])
  expect(await signIn(passkey)).toEqual([403, 'passkey_wrong'])

  // Another port of the same host may use the passkey, and is another origin.
  const given = await options()
  const other = await Server.start()
  await page.goto(`${other.origin}/phone`)
  const foreign = await sign(page, given)
  await page.goto(`${server.origin}/phone`)
  await other.dispose()
  expect(await signIn(foreign)).toEqual([403, 'passkey_wrong'])

  await lock.resetCounter()
  expect(await signIn(await sign(page, await options()))).toEqual([403, 'passkey_wrong'])
})

test('passkey-always: a person without a passkey adds one in the question, then confirms with it', async ({
  newComputer,
  newPhone,
}) => {
  const always = await Server.start({ CONFIRM_POLICY: 'passkey-always', MATCH_POLICY: 'never' })
  try {
    const computer = new Computer((await newComputer()).page, always)
    const phone = new Phone((await newPhone(null)).page, always)
    await phone.signIn('sam')
    await addLock(phone.page)
    await scan(computer, phone)
    await expect(note(phone)).toHaveText('Your team asks for a passkey. Add one first.')
    await expect(phone.page.getByTestId('approve')).toHaveCount(0)
    await tap(phone, 'add-passkey', '/api/passkeys')
    await expect(phone.page.getByTestId('approve')).toBeEnabled()
    await phone.answer('approve')
    await phone.expectState('approved')
    await computer.expectSignedIn('Sam Okoro')
  } finally {
    await always.dispose()
  }
})
