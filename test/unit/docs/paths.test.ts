import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from '@jest/globals'

const PATH = /^[\w.-]+(?:\/[\w.-]+)*\/(?:[\w.-]+\.(?:ts|md|json|prisma))?$/

test.each(['docs/architecture.md', 'docs/decisions/modules.md', 'CONTRIBUTING.md', 'src/cel/README.md'])(
  '%s names only files and folders that exist',
  (page) => {
    const named = [...readFileSync(page, 'utf8').matchAll(/`([^`\s]+)`/g)].map(([, name = '']) => name)
    const paths = named.filter((name) => PATH.test(name) && !name.startsWith('dist/'))
    expect(paths.length).toBeGreaterThan(0)
    const folders = ['', 'src/', 'src/cel/']
    expect(paths.filter((path) => !folders.some((folder) => existsSync(folder + path)))).toEqual([])
  },
)

const PAGES = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'src/cel/README.md', ...pagesIn('docs')]

test.each(PAGES)('every relative link of %s leads to a file', (page) => {
  const links = [...readFileSync(page, 'utf8').matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(
    ([, to = '']) => to,
  )
  const relative = links.filter((link) => !/^[a-z]+:/.test(link))
  expect(relative.filter((link) => !existsSync(join(dirname(page), link)))).toEqual([])
})

function pagesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`)
}
