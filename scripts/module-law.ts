import { posix } from 'node:path'

/** A TypeScript file of the repository: its path from the root, with slashes, and its text. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

export type ModuleRule = 'layer' | 'entry' | 'private' | 'cycle' | 'promise'

/** One place where the law of modules is broken. */
export interface Violation {
  readonly rule: ModuleRule
  /** The file to change; for a cycle, one of its files. */
  readonly path: string
  readonly message: string
}

/**
 * The folders under `src/`, from left to right. A folder imports folders of earlier rows only. `blocks` comes after `net`
 * because blocks send their requests through it.
 */
export const LAYERS: readonly (readonly string[])[] = [
  ['lib'],
  ['cel', 'example-receiver'],
  ['engine'],
  ['net'],
  ['blocks'],
  ['db'],
  ['jobs', 'watchdog', 'live', 'workflows', 'access'],
  ['schema'],
  ['http'],
]

/** Modules that only the module around them imports; its entry re-exports what others need. A slash at the end: all inside. */
export const PRIVATE_MODULES: readonly string[] = [
  'src/cel/functions',
  'src/cel/values',
  'src/db/embedded',
  'src/engine/run/',
  'src/engine/validate/checks',
  'src/http/',
  'src/schema/',
]

/** The name by which programs import Lume, and what it means. */
const LIBRARY = 'lume'
const LIBRARY_ENTRY = 'src/index.ts'

/** Generated code belongs to the module around it. */
const GENERATED = 'src/db/generated/'

/** Every place where a text names a module: import and export declarations, `import()` in code and in types, `require()`. */
const SPECIFIER = /\b(?:from|import|require)\b\s*\(?\s*(?:\/\*.*?\*\/\s*)?(['"`])([^'"`\n]+)\1/g
const ENTRY_FORM =
  /^\/\*\* [A-Z](?:(?!\. )[^\n])*\. \*\/\n(?:(?:import '\.\/[^']+'|export(?: type)? \{[^}]*\} from '\.\/[^']+')\n)+$/

/** Returns every place where the files break the law of modules. Files under `test/` may import any file. */
export function findViolations(files: readonly SourceFile[]): readonly Violation[] {
  const imports = files.filter(({ path }) => !path.startsWith('test/')).flatMap(importsOf)
  const inSource = imports.filter(({ from, to }) => isSource(from) && isSource(to))
  return [
    ...imports.flatMap(checkLayer),
    ...imports.flatMap(checkEntry),
    ...checkPromises(files),
    ...checkCycles(
      inSource.map(({ from, to }) => [moduleOf(from) ?? from, moduleOf(to) ?? to]),
      'modules',
    ),
    ...checkCycles(
      inSource.map(({ from, to }) => [from, to]),
      'files',
    ),
  ]
}

interface Import {
  readonly from: string
  readonly to: string
}

/** The relative imports of a file, type-only imports included. */
function importsOf({ path, text }: SourceFile): readonly Import[] {
  if (path.startsWith(GENERATED)) return []
  return [...text.matchAll(SPECIFIER)]
    .map(([, , specifier = '']) => specifier)
    .filter((specifier) => specifier.startsWith('.') || (specifier === LIBRARY && isSource(path)))
    .map((specifier) => ({
      from: path,
      to: specifier === LIBRARY ? LIBRARY_ENTRY : posix.join(posix.dirname(path), specifier),
    }))
}

function isSource(path: string): boolean {
  return path.startsWith('src/')
}

/** The folder of a file; null for files directly under `src/`, which put the modules together, and outside of it. */
function moduleOf(path: string): string | null {
  if (path.startsWith(GENERATED)) return posix.dirname(GENERATED)
  const folder = posix.dirname(path)
  return isSource(path) && folder !== 'src' ? folder : null
}

function rankOf(module: string): number {
  const folder = module.split('/')[1] ?? ''
  return LAYERS.findIndex((layer) => layer.includes(folder))
}

function checkLayer({ from, to }: Import): readonly Violation[] {
  const [importer, imported] = [moduleOf(from), moduleOf(to)]
  const broken = (message: string): readonly Violation[] => [{ rule: 'layer', path: from, message }]
  if (isSource(from) && !isSource(to)) return broken(`imports ${to}, which is not a part of the sources`)
  if (!importer || !isSource(to)) return []
  if (!imported) return broken(`imports ${to}, which puts the modules together`)
  if (importer.split('/')[1] === imported.split('/')[1]) return []
  for (const module of [importer, imported]) {
    if (rankOf(module) < 0) return broken(`${module} is in no layer: add its folder to LAYERS`)
  }
  return rankOf(imported) < rankOf(importer)
    ? []
    : broken(`imports ${imported}, which is not to the left of ${importer}`)
}

function checkEntry({ from, to }: Import): readonly Violation[] {
  const [importer, imported] = [moduleOf(from), moduleOf(to)]
  if (!imported) return []
  const entry = `${imported}/index.ts`
  if (importer === imported) {
    if (to !== entry) return []
    const message = 'imports the entry of its own module: name the defining file'
    return [{ rule: 'entry', path: from, message }]
  }
  if (to !== entry) return [{ rule: 'entry', path: from, message: `imports ${to}: go through ${entry}` }]
  const owner = ownerOf(imported)
  if (!owner || importer === owner || importer?.startsWith(`${owner}/`)) return []
  const message = `imports ${imported}, which is private to ${owner}: go through ${owner}/index.ts`
  return [{ rule: 'private', path: from, message }]
}

function ownerOf(module: string): string | null {
  const isPrivate = PRIVATE_MODULES.some((name) =>
    name.endsWith('/') ? module.startsWith(name) : module === name,
  )
  return isPrivate ? posix.dirname(module) : null
}

/** Each module has an entry that begins with one sentence and only hands names on. */
function checkPromises(files: readonly SourceFile[]): readonly Violation[] {
  const texts = new Map(files.map(({ path, text }) => [path, text]))
  const modules = new Set(files.map(({ path }) => moduleOf(path)).filter((module) => module !== null))
  return [...modules].flatMap((module): readonly Violation[] => {
    const path = `${module}/index.ts`
    const text = texts.get(path)
    if (text === undefined) return [{ rule: 'promise', path, message: 'is missing' }]
    if (ENTRY_FORM.test(text)) return []
    const message = 'is not one sentence in a doc comment, followed by named exports from its own files'
    return [{ rule: 'promise', path, message }]
  })
}

/** One violation per set of nodes that reach each other. */
function checkCycles(
  arrows: readonly (readonly [string, string])[],
  kind: 'modules' | 'files',
): readonly Violation[] {
  const next = new Map<string, Set<string>>()
  for (const [from, to] of arrows) {
    if (from === to) continue
    next.set(from, (next.get(from) ?? new Set()).add(to))
  }
  const reached = new Map([...next.keys()].map((node) => [node, reachedFrom(node, next)]))
  const found = new Set<string>()
  return [...reached].flatMap(([node, nodes]): readonly Violation[] => {
    if (!nodes.has(node) || found.has(node)) return []
    const cycle = [...nodes].filter((other) => reached.get(other)?.has(node)).sort()
    for (const member of cycle) found.add(member)
    return [{ rule: 'cycle', path: node, message: `${kind} import each other: ${cycle.join(', ')}` }]
  })
}

function reachedFrom(start: string, next: ReadonlyMap<string, ReadonlySet<string>>): ReadonlySet<string> {
  const reached = new Set<string>()
  const open = [start]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const target of next.get(node) ?? []) {
      if (reached.has(target)) continue
      reached.add(target)
      open.push(target)
    }
  }
  return reached
}
