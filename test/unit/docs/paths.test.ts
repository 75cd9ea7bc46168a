import { existsSync, readFileSync } from 'node:fs'
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
