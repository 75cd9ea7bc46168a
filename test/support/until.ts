const PATIENCE_MS = 10_000
const LOOK_AGAIN_MS = 5

/** Waits for a fact that others bring about, and gives it; fails loudly when it does not come. */
export async function until<T>(
  what: string,
  look: () => Promise<T | false | null | undefined> | T | false | null | undefined,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const fact = await look()
    if (fact !== false && fact !== null && fact !== undefined) return fact
    if (performance.now() > deadline) throw new Error(`waited ${patienceMs} ms in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
  }
}
