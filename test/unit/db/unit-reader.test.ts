import { expect, test } from '@jest/globals'
import { fc } from '../../support/fast-check.ts'
import { UnitReader } from '../../../src/db/embedded/unit-reader.ts'

const START = Buffer.from([0, 0, 0, 9, 0, 3, 0, 0, 0])
const TERMINATE = message('X')

test('a unit ends where Postgres answers: at a query, a sync or a flush', () => {
  const prepare = Buffer.concat([message('P', 'a'), message('B'), message('E')])
  const units = new UnitReader().read(
    Buffer.concat([START, message('Q', 'select 1'), prepare, message('S'), prepare, message('H')]),
  )
  expect(units).toEqual([
    START,
    message('Q', 'select 1'),
    Buffer.concat([prepare, message('S')]),
    Buffer.concat([prepare, message('H')]),
  ])
})

test('a farewell is a unit of its own, whatever was prepared before it', () => {
  expect(new UnitReader().read(Buffer.concat([START, message('P', 'a'), TERMINATE]))).toEqual([
    START,
    TERMINATE,
  ])
})

test('the units are the same however the bytes are cut', () => {
  const sent = fc.array(fc.tuple(fc.constantFrom('P', 'B', 'Q', 'S', 'H'), fc.string()), { maxLength: 12 })
  fc.assert(
    fc.property(sent, fc.array(fc.nat(200)), (messages, cuts) => {
      const bytes = Buffer.concat([START, ...messages.map(([type, body]) => message(type, body))])
      const whole = new UnitReader().read(bytes)
      const reader = new UnitReader()
      expect(pieces(bytes, cuts).flatMap((piece) => reader.read(piece))).toEqual(whole)
    }),
  )
})

function message(type: string, body = ''): Buffer {
  const content = Buffer.from(body)
  const head = Buffer.from([type.charCodeAt(0), 0, 0, 0, 0])
  head.writeUInt32BE(content.length + 4, 1)
  return Buffer.concat([head, content])
}

function pieces(bytes: Buffer, cuts: readonly number[]): readonly Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length]
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end))
}
