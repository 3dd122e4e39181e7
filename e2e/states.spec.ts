import type { Route } from '@playwright/test'
import { expect, test } from './support/test'

/** A route handler that responds with a problem document. */
const refuse = (status: number, code: string, headers: Record<string, string> = {}) => {
  const contentType = 'application/problem+json'
  const body = JSON.stringify({ type: 'about:blank', title: '', status, code, requestId: '01234567-89ab' })
  return (route: Route) => route.fulfill({ status, headers, contentType, body })
}

test('a 429 start shows a countdown, and is repeated automatically', async ({ computer }) => {
  await computer.page.route('**/api/qr', refuse(429, 'rate_limited', { 'Retry-After': '3' }))
  await computer.openLogin()
  await computer.expectState('rate_limited')
  await expect(computer.panel).toContainText('Too many tries')
  await expect(computer.panel).toContainText(/Try again in 0:0[123]\./)
  await computer.page.unroute('**/api/qr')
  await computer.readCode()
})

test('a 503 start shows `unavailable`, and is repeated automatically', async ({ computer }) => {
  await computer.page.route('**/api/qr', refuse(503, 'unavailable', { 'Retry-After': '1' }))
  await computer.openLogin()
  await computer.expectState('unavailable')
  await expect(computer.panel).toContainText('Sign-in is down for a moment')
  await computer.page.unroute('**/api/qr')
  await computer.readCode()
})

test('a 500 start shows its reference, and a button repeats it', async ({ computer }) => {
  await computer.page.route('**/api/qr', refuse(500, 'internal'))
  await computer.openLogin()
  await computer.expectState('error')
  await expect(computer.panel).toContainText('Ref 01234567-89ab')
  await computer.page.unroute('**/api/qr')
  await computer.page.getByRole('button', { name: 'Try again' }).click()
  await computer.readCode()
})

test('on a narrow screen the page asks before it shows the code', async ({ newPhone }) => {
  const { page, server } = await newPhone(null)
  await page.goto(`${server.origin}/login`)
  await expect(page.getByText("You're on your phone")).toBeVisible()
  await expect(page.getByTestId('qr-code')).toBeHidden()
  await page.getByRole('button', { name: 'Show the code anyway' }).click()
  await expect(page.getByTestId('qr-code')).toBeVisible()
})

test('leaving the page ends the attempt', async ({ computer, phone }) => {
  await computer.openLogin()
  const link = await computer.readCode()
  await computer.page.goto('about:blank')
  await expect(async () => {
    await phone.open(link)
    await phone.expectState(/expired|cancelled_on_computer|review/)
    // The phone may have scanned it before it ended.
    await expect(phone.review).toHaveAttribute('data-state', /expired|cancelled_on_computer/, { timeout: 500 })
  }).toPass()
})
