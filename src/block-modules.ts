import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { pendingBlocks, toBlock, type BlockArguments, type RegisterBlock } from './blocks/custom/index.ts'
import { callUserCode, type Block, type BlockRegistry } from './engine/block/index.ts'
import type { OnUnhandledError } from './engine/record/index.ts'
import { JobCode } from './jobs/library/index.ts'
import { codeOf, LumeError, messageOf } from './lib/index.ts'

/** What a user's module brought. */
export interface BlockModule {
  /** As it was named. */
  readonly name: string
  readonly blocks: readonly Block[]
}

const TYPESCRIPT = ['.ts', '.mts']
const JAVASCRIPT = ['.js', '.mjs']

/** By URL: a module is run once a process, so what it registered while it ran is kept for whoever names it again. */
const registeredBy = new Map<string, readonly Block[]>()

/**
 * Loads modules with blocks, one after the other, relative to the working directory. Blocks are what a module exports
 * (by name, as default, or in a list as default), what it registers by `registerBlock` while it runs, and what its
 * default function registers by the `registerBlock` that it is given. Throws `BLOCK_MODULE_FAILED`, naming the module.
 */
export async function loadBlockModules(
  names: readonly string[],
  onUnhandledError: OnUnhandledError = () => {},
): Promise<readonly BlockModule[]> {
  const modules: BlockModule[] = []
  for (const name of names) {
    const code = new JobCode({ kind: 'module', name, executionId: null }, onUnhandledError)
    modules.push(await callUserCode(code, () => loadBlockModule(name)))
  }
  return modules
}

/** Adds a module's blocks. Throws `BLOCK_MODULE_FAILED` where a type is taken or misspelt. */
export function registerModule(
  registry: Pick<BlockRegistry, 'register'>,
  { name, blocks }: BlockModule,
): void {
  for (const block of blocks) {
    try {
      registry.register(block)
    } catch (fault) {
      throw failed(name, messageOf(fault), { cause: fault })
    }
  }
}

async function loadBlockModule(name: string): Promise<BlockModule> {
  const path = resolve(name)
  const extension = extname(path)
  if (![...TYPESCRIPT, ...JAVASCRIPT].includes(extension)) {
    throw failed(name, `it ends in none of ${[...TYPESCRIPT, ...JAVASCRIPT].join(', ')}`)
  }
  if (!existsSync(path))
    throw failed(name, `there is no file ${path}; the name is relative to ${process.cwd()}`)
  if (TYPESCRIPT.includes(extension)) await teachTypeScript()
  const url = pathToFileURL(path).href
  const { exports, registered } = await importModule(name, url)
  const blocks = new Set([...registered, ...(await exportedBlocks(name, exports))])
  if (blocks.size === 0) {
    throw failed(
      name,
      'it brings no block: export what `defineBlock` gives, or call `registerBlock` with a type and a class',
    )
  }
  return { name, blocks: [...blocks] }
}

/** From then on `import()` takes TypeScript; what is imported by anybody else stays the same module. */
async function teachTypeScript(): Promise<void> {
  const { register } = await import('tsx/esm/api')
  register()
}

async function importModule(name: string, url: string) {
  const before = pendingBlocks.list.length
  try {
    const exports = (await import(url)) as Readonly<Record<string, unknown>>
    const registered = registeredBy.get(url) ?? pendingBlocks.list.splice(before)
    registeredBy.set(url, registered)
    return { exports, registered }
  } catch (fault) {
    pendingBlocks.list.splice(before)
    throw failed(name, reasonOf(fault, url), { cause: fault })
  }
}

async function exportedBlocks(
  name: string,
  { default: main, ...named }: Readonly<Record<string, unknown>>,
): Promise<readonly Block[]> {
  const listed = Array.isArray(main) ? (main as readonly unknown[]) : [main]
  const stranger = Array.isArray(main) ? listed.find((one) => !isBlock(one)) : undefined
  if (stranger !== undefined) throw failed(name, 'its default list holds something that is no block')
  return [...[...listed, ...Object.values(named)].filter(isBlock), ...(await blocksOfFunction(name, main))]
}

async function blocksOfFunction(name: string, main: unknown): Promise<readonly Block[]> {
  if (typeof main !== 'function' || isClass(main)) return []
  const blocks: Block[] = []
  const register: RegisterBlock = (...definition: BlockArguments) => void blocks.push(toBlock(...definition))
  try {
    await (main as (registerBlock: RegisterBlock) => unknown)(register)
  } catch (fault) {
    throw failed(name, `its default function threw: ${messageOf(fault)}`, { cause: fault })
  }
  return blocks
}

function isClass(value: object): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value))
}

/** By its form: a module may have its own copy of the library. */
function isBlock(value: unknown): value is Block {
  if (typeof value !== 'object' || value === null) return false
  const { type, run, config, handles } = value as Partial<Record<keyof Block, unknown>>
  const hasSchema = typeof config === 'object' && config !== null && 'safeParse' in config
  return typeof type === 'string' && typeof run === 'function' && typeof handles === 'function' && hasSchema
}

/** What a module failed with, and where, without the way that led there. */
function reasonOf(fault: unknown, url: string): string {
  const message = messageOf(fault).replaceAll(url, fileURLToPath(url)).trim()
  if (codeOf(fault) === 'ERR_MODULE_NOT_FOUND') {
    return `${message}. What it imports must be installed where it lies; \`lume\` is found in its node_modules, or inside of Lume's own folder`
  }
  if (codeOf(fault) === 'ERR_REQUIRE_CYCLE_MODULE') {
    return 'it cannot be read as a module, most likely for its syntax; name it .mts, or put `"type": "module"` into its package.json, to be told where'
  }
  const isSyntax = fault instanceof Object && 'name' in fault && fault.name === 'SyntaxError'
  const place = placeIn(fault, url) ?? (isSyntax ? syntaxPlace(fileURLToPath(url)) : null)
  return place === null || message.includes(place) ? message : `${message} (${place})`
}

/** The first line of the module that an error's stack names. */
function placeIn(fault: unknown, url: string): string | null {
  const stack = fault instanceof Object && 'stack' in fault ? String(fault.stack) : ''
  const path = fileURLToPath(url)
  for (const written of [url, path]) {
    const at = stack.indexOf(`${written}:`)
    const [, line] = /^:(\d+(?::\d+)?)/.exec(at < 0 ? '' : stack.slice(at + written.length)) ?? []
    if (line) return `${path}:${line}`
  }
  return null
}

/** Node tells where a module's syntax is broken only to whoever runs or checks it. */
function syntaxPlace(path: string): string | null {
  const { stderr } = spawnSync(process.execPath, ['--check', path], { encoding: 'utf8', timeout: 10_000 })
  const [line = ''] = stderr.split('\n')
  return line.startsWith(`${path}:`) ? line : null
}

function failed(name: string, reason: string, options?: ErrorOptions): LumeError {
  return new LumeError(
    'BLOCK_MODULE_FAILED',
    `the block module ${name} cannot be used: ${reason}. Mend it, or take it out of LUME_BLOCKS`,
    options,
  )
}
