/** A path as it is written: `input.company`, `nodes["my-node"].output`. */
export function referenceTo(path: readonly string[]): string {
  return path.map((key, i) => (i === 0 ? key : linkTo(key))).join('')
}

function linkTo(key: string): string {
  return /^[A-Za-z_]\w*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
}
