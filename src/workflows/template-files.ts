import { readdir, readFile } from 'node:fs/promises'
import { LumeError, messageOf } from '../lib/index.ts'
import { templateSchema, type Template } from './templates.ts'

/** The templates that come with Lume, by id. */
export interface Templates {
  list(): Promise<readonly Template[]>
  find(id: string): Promise<Template | null>
}

/** One folder per template, in the package: from `src/workflows` and from `dist/workflows` it is the same way up. */
const FOLDER = new URL('../../examples/templates/', import.meta.url)

/** Reads the templates when they are first asked for. Rejects with `TEMPLATE_INVALID` for a file that is none. */
export function createTemplates(folder: URL = FOLDER): Templates {
  let read: Promise<readonly Template[]> | null = null
  const all = () => (read ??= readTemplates(folder))
  return {
    list: all,
    find: async (id) => (await all()).find((template) => template.id === id) ?? null,
  }
}

async function readTemplates(folder: URL): Promise<readonly Template[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  return Promise.all(names.toSorted().map((name) => readTemplate(folder, name)))
}

async function readTemplate(folder: URL, name: string): Promise<Template> {
  try {
    const text = await readFile(new URL(`${name}/template.json`, folder), 'utf8')
    const template = templateSchema.parse(JSON.parse(text))
    if (template.id !== name) throw new Error(`its id is "${template.id}", not the name of its folder`)
    return template
  } catch (fault) {
    const message = `examples/templates/${name}/template.json is no template: ${messageOf(fault)}`
    throw new LumeError('TEMPLATE_INVALID', message, { cause: fault })
  }
}
