import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { lockFolder } from '../../../src/db/embedded/folder-lock.ts'
import { systemClock, type Clock } from '../../../src/lib/time/clock.ts'

let folder: string
let place: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lume-lock-'))
  place = join(folder, 'lock')
})

afterEach(async () => {
  jest.useRealTimers()
  await rm(folder, { recursive: true, force: true })
})

test('a second owner is refused, told who has the folder and how to mend it', async () => {
  const lock = await lockFolder(folder)
  await expect(lockFolder(folder)).rejects.toMatchObject({
    code: 'DATA_DIR_IN_USE',
    message: expect.stringMatching(
      new RegExp(`${folder} is in use by process ${process.pid}: .*LUME_DATA_DIR`),
    ),
  })
  await lock.release()
})

test('a released folder is free and holds nothing of the lock', async () => {
  const lock = await lockFolder(folder)
  await lock.release()
  expect(await readdir(folder)).toEqual([])
  await (await lockFolder(folder)).release()
})

test('of many who come at once one gets it', async () => {
  const outcomes = await Promise.allSettled(Array.from({ length: 30 }, () => lockFolder(folder)))
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})

test('of many who find a dead owner one gets it', async () => {
  await plantClaim({ pid: await deadPid() })
  const outcomes = await Promise.allSettled(Array.from({ length: 30 }, () => lockFolder(folder)))
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})

test('an owner that is gone is followed', async () => {
  await plantClaim({ pid: await deadPid() })
  await (await lockFolder(folder)).release()
})

test('an owner whose process number now belongs to another process is followed', async () => {
  if (process.platform !== 'linux') return
  await plantClaim({ start: '1' })
  await (await lockFolder(folder)).release()
})

test.each(['an empty file', 'rubbish'])(
  '%s in the place of the lock does not close the folder',
  async (content) => {
    await writeFile(place, content === 'rubbish' ? '{"pid": 1' : '')
    await (await lockFolder(folder)).release()
  },
)

test('rubbish inside the lock does not close the folder, nor does an empty lock', async () => {
  await mkdir(place)
  await (await lockFolder(folder)).release()
  await mkdir(place)
  await writeFile(join(place, 'rubbish'), '')
  await mkdir(join(place, '12.34'))
  await (await lockFolder(folder)).release()
})

test('an owner in another container is alive while it touches its claim', async () => {
  const claim = await plantClaim({ host: '0123456789abcdef' })
  const touchClaim = () => utimes(claim, new Date(), new Date(Date.now() + 5_000))
  await expect(lockFolder(folder, { clock: clockThat(touchClaim) })).rejects.toMatchObject({
    code: 'DATA_DIR_IN_USE',
  })
})

test('an owner in another container that falls silent is followed', async () => {
  await plantClaim({ host: '0123456789abcdef' })
  await (await lockFolder(folder, { clock: clockThat(async () => undefined) })).release()
})

test('an owner learns that its claim is gone', async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] })
  let onLost = () => {}
  const lost = new Promise<void>((resolve) => {
    onLost = resolve
  })
  await lockFolder(folder, { onLost })
  await rm(place, { recursive: true })
  jest.advanceTimersByTime(2_000)
  await lost
})

/** A claim as `lockFolder` writes it, with some of its facts changed. */
async function plantClaim(changes: { pid?: number; start?: string; host?: string }): Promise<string> {
  const lock = await lockFolder(folder)
  const [own = ''] = await readdir(place)
  await lock.release()
  const [pid, start, host, id] = own.split('.')
  const claim = join(place, [changes.pid ?? pid, changes.start ?? start, changes.host ?? host, id].join('.'))
  await mkdir(place)
  await writeFile(claim, '')
  return claim
}

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await once(child, 'exit')
  return child.pid as number
}

function clockThat(onWait: () => Promise<void>): Clock {
  return { ...systemClock, wait: onWait }
}
