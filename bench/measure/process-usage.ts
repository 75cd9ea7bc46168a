import { readFile } from 'node:fs/promises'

/** The unit of times in `/proc`, which is the same on every Linux that Node runs on. */
const MS_PER_TICK = 10

/** The processor time that a process has used, user and system together, in milliseconds. */
export async function cpuMsOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The second field is the command in parentheses, and may contain spaces.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK
}

/** The resident memory of a process, in MB (2^20 bytes). */
export async function rssMbOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? NaN) / 1_024
}
