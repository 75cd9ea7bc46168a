import { describe, expect, test } from '@jest/globals'
import { breakdownOf, folderError, startError, stoppedError } from '../../../src/db/embedded/folder-errors.ts'

describe('a refusal of the operating system is described with its code and what to do:', () => {
  test.each([
    ['EROFS', 'DATA_DIR_NOT_WRITABLE', 'mount it writable'],
    ['EACCES', 'DATA_DIR_NOT_WRITABLE', 'chown'],
    ['EPERM', 'DATA_DIR_NOT_WRITABLE', 'chown'],
    ['ENOSPC', 'DATA_DIR_FULL', 'free space'],
    ['EDQUOT', 'DATA_DIR_FULL', 'free space'],
    ['ENOTDIR', 'DATA_DIR_NOT_A_FOLDER', 'move the file'],
    ['EIO', 'DATA_DIR_UNUSABLE', 'EIO: refused'],
  ])('%s while the folder is locked is %s', (system, code, remedy) => {
    const failure = Object.assign(new Error(`${system}: refused`), { code: system })
    expect(folderError('/data', failure)).toMatchObject({ code, message: expect.stringContaining(remedy) })
  })

  test.each([
    ['could not write to file "pg_wal/xlogtemp.42": No space left on device', 'DATA_DIR_FULL'],
    ['could not open file "base/5/1259": Permission denied', 'DATA_DIR_NOT_WRITABLE'],
    ['could not create file "postmaster.pid": Read-only file system', 'DATA_DIR_NOT_WRITABLE'],
    ['could not fsync file "base/5/1259": I/O error', 'DATA_DIR_UNUSABLE'],
    ['could not locate a valid checkpoint record at 0/18CAE98', 'EMBEDDED_DATABASE_DAMAGED'],
    ['out of memory', 'EMBEDDED_DATABASE_STOPPED'],
  ])('Postgres that ends with "%s" does not start with %s', (words, code) => {
    const complaint = `2026-11-30 22:27:41.335 UTC [42] PANIC:  ${words}`
    const error = startError('/data', {
      message: 'Aborted(). Build with -sASSERTIONS for more info.',
      complaint,
    })
    expect(error.code).toBe(code)
    expect(error.message).not.toMatch(/ASSERTIONS|\[42\]/)
  })

  test('a number of the file system of PGlite is one of its codes, not "[object Object]"', () => {
    const breakdown = breakdownOf({ name: 'ErrnoError', errno: 51 }, '')
    expect(breakdown).toEqual({ message: 'ENOSPC', code: 'ENOSPC', complaint: '' })
    expect(startError('/data', breakdown).code).toBe('DATA_DIR_FULL')
  })

  test('a disk that is full while the database is in use is a stop that says so', () => {
    const complaint = 'PANIC:  could not write to file "pg_wal/xlogtemp.42": No space left on device'
    expect(
      stoppedError({ message: 'Aborted(). Build with -sASSERTIONS for more info.', complaint }),
    ).toMatchObject({
      code: 'EMBEDDED_DATABASE_STOPPED',
      message: expect.stringMatching(/^the embedded database stopped: could not write.*free space/),
    })
  })
})
