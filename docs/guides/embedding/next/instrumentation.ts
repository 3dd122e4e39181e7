/** Checks the settings and opens the store when the app starts, not at its first request. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME === 'nodejs') {
    const { qrLogin } = await import('./qr-login')
    const { drain } = qrLogin()
    // Open streams hold the server open: they are told to reconnect elsewhere.
    for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, drain)
  }
}
