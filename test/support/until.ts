interface UntilOptions {
  /** Rejects after this time. */
  withinMs?: number
  everyMs?: number
}

/** Resolves when `isTrue` returns true. By default it is called every 50 ms, for 20 s. */
export async function until(
  isTrue: () => Promise<boolean> | boolean,
  { withinMs = 20_000, everyMs = 50 }: UntilOptions = {},
): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`not true within ${withinMs / 1_000} s: ${isTrue}`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
