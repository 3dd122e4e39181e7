/** Checks the settings and opens the store when the app starts, not at its first request. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME === 'nodejs') {
    const { qrLogin } = await import('./qr-login')
    qrLogin()
  }
}
