import { readFileSync } from 'node:fs'

// The same place from src/lib and from dist/lib.
const PACKAGE = new URL('../../package.json', import.meta.url)

/** The version of this build: that of its package, such as `0.1.0`. */
export const BUILD_VERSION: string = (JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string })
  .version

/** Compares two versions by their major, minor and patch numbers: below 0 where `a` is older, 0 where these are equal. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)]
  for (const [place, number] of left.entries()) {
    const difference = number - (right[place] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** Whether `a` is older than `b` by at least one minor version. */
export function isEarlierMinor(a: string, b: string): boolean {
  const [left, right] = [numbersOf(a), numbersOf(b)]
  return compareVersions(`${left[0]}.${left[1]}.0`, `${right[0]}.${right[1]}.0`) < 0
}

function numbersOf(version: string): readonly [number, number, number] {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10) || 0)
  return [major, minor, patch]
}
