import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { basename } from 'node:path'
import { cpuMsOf, rssMbOf } from '../measure/process-usage.ts'
import { createHttpPoster } from './http-post.ts'
import type { System } from './system.ts'

/** How long a program may take to start, in milliseconds. */
const START_MS = 60_000
/** The line by which a program reports where it answers, and which processes belong to it. */
const READY = /^ready (http:\S+)(?: (\d+(?:,\d+)*))?$/m
/** The line by which a program reports that it cannot run on this machine. */
const SKIPPED = /^skipped (.+)$/m

export interface ServedProgram {
  /** Arguments of Node: the program's file is the last one. */
  readonly nodeArguments: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly countStatements: () => Promise<number | null>
}

/**
 * Starts a program that answers `POST { "shape": [1, 100, 1] }` once an execution of this shape has ended, and that stops
 * when its standard input ends. Resolves to a text, the reason, when the program cannot run on this machine.
 */
export async function startServedSystem({
  nodeArguments,
  environment,
  countStatements,
}: ServedProgram): Promise<System | string> {
  const name = basename(nodeArguments.at(-1) ?? '').replace(/\.[jt]s$/, '')
  const child = spawn(process.execPath, [...nodeArguments], {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const stop = () => end(child)
  try {
    const line = await firstLine(child, name)
    const skipped = SKIPPED.exec(line)?.[1]
    if (skipped !== undefined) {
      await stop()
      return `${name}: ${skipped}`
    }
    const [, url = '', others = ''] = READY.exec(line) ?? []
    const pids = [child.pid ?? 0, ...others.split(',').filter(Boolean).map(Number)]
    const poster = createHttpPoster(url)
    return {
      name,
      prepare: async () => {},
      run: async (shape) => void (await poster.post(JSON.stringify({ shape }))),
      async usage() {
        const [cpu, rss] = await Promise.all([Promise.all(pids.map(cpuMsOf)), Promise.all(pids.map(rssMbOf))])
        return { cpuMs: sum(cpu), rssMb: sum(rss), statements: await countStatements() }
      },
      async close() {
        poster.close()
        await stop()
      },
    }
  } catch (failure) {
    await stop()
    throw failure
  }
}

function firstLine(child: ChildProcess, name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = ''
    const timer = setTimeout(
      () => reject(new Error(`${name} is not ready after ${START_MS} ms: ${output}`)),
      START_MS,
    )
    const settle = (act: () => void) => {
      clearTimeout(timer)
      act()
    }
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text
      const found = READY.exec(output) ?? SKIPPED.exec(output)
      if (found) settle(() => resolve(found[0]))
    })
    child.once('error', (failure) => settle(() => reject(failure)))
    child.once('exit', (code) => settle(() => reject(new Error(`${name} ended with ${code}: ${output}`))))
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.stdin?.end()
  await exited
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
