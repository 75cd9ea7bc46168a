import { rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { DurableNodeFS, syncFolder, syncPath, type SyncFile } from './durable-files.ts'

const SETTINGS = {
  search_path: 'public',
  timezone: 'UTC',
  exit_on_error: 'false',
  fsync: 'on',
  wal_sync_method: 'fsync', // see DurableNodeFS
  max_stack_depth: '1MB', // see STACK_MB
  io_method: 'sync',
  max_worker_processes: '0',
  max_parallel_workers: '0',
  max_parallel_workers_per_gather: '0',
  max_parallel_maintenance_workers: '0',
}
const START_PARAMETERS = [
  '--single',
  ...Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
]

export interface OpenClusterOptions {
  /** Receives what Postgres logs before it gives up. */
  readonly onComplaint?: (line: string) => void
  /** How files are put on the disk. Default: fsync. */
  readonly sync?: SyncFile
}

/** Opens the database in this folder with durable commits, recovering it first if it was not closed. */
export function openCluster(folder: string, { onComplaint, sync }: OpenClusterOptions = {}): Promise<PGlite> {
  return PGlite.create({
    fs: new DurableNodeFS(folder, sync),
    startParams: START_PARAMETERS,
    onStderr: (line) => {
      if (/FATAL|PANIC/.test(line)) onComplaint?.(line)
      return false
    },
  })
}

/**
 * Creates an empty database in this folder: under another name until it is whole and on the disk, so that a creation
 * that was cut off leaves nothing that looks usable, and one that failed takes no space.
 */
export async function createCluster(folder: string): Promise<void> {
  const draft = `${folder}.new`
  await rm(draft, { recursive: true, force: true })
  try {
    const postgres = await openCluster(draft)
    await postgres.close()
    await syncFolder(draft)
    await rename(draft, folder)
  } catch (failure) {
    await rm(draft, { recursive: true, force: true })
    throw failure
  }
  syncPath(dirname(folder))
}
