import { describe, expect, test } from '@jest/globals'
import {
  definition,
  Gate,
  held,
  returns,
  settled,
  takes,
  TestExecution,
} from '../../support/run-definition.ts'

describe('E3: inputs', () => {
  test('a root gets the execution’s input', async () => {
    const execution = new TestExecution(definition({ a: {} }), {}, { input: { n: 1 } })
    await execution.finish()
    expect(execution.calls[0]?.input).toEqual({ n: 1 })
  })

  test('a node gets the output of its only live predecessor', async () => {
    const execution = new TestExecution(definition({ a: {}, b: {} }, 'a > b'), { a: returns({ x: 1 }) })
    await execution.finish()
    expect(execution.calls[1]?.input).toEqual({ x: 1 })
  })

  test('a node with several live predecessors gets an object by their ids, in the definition’s order', async () => {
    const nodes = { a: {}, 'b-1': {}, c: {}, join: {} }
    const execution = new TestExecution(definition(nodes, 'c > join', 'b-1 > join', 'a > join'), {
      a: takes(30, returns(1)),
      'b-1': takes(20, returns(null)),
      c: returns([3]),
    })
    await execution.finish()
    expect(JSON.stringify(execution.calls.at(-1)?.input)).toBe('{"a":1,"b-1":null,"c":[3]}')
  })

  test('a join of which one branch is live gets that branch’s output alone', async () => {
    const document = definition(
      { a: { config: { handles: ['x', 'y'] } }, b: {}, c: {}, join: {} },
      'a:x > b > join',
      'a:y > c > join',
    )
    const execution = new TestExecution(document, { a: returns('a', ['y']), c: returns('c') })
    await execution.finish()
    expect(execution.calls.at(-1)).toMatchObject({ path: 'join', input: 'c' })
    expect(execution.journal.steps.get('join')?.inputFrom).toEqual(['c'])
  })

  test('the output is that of the only leaf, or an object by the ids of the leaves that were reached', async () => {
    const one = new TestExecution(definition({ a: {}, b: {} }, 'a > b'), { b: returns('last') })
    expect(await one.finish()).toMatchObject({ status: 'COMPLETED', output: '"last"' })
    const nodes = { a: { config: { handles: ['x', 'y'] } }, b: {}, c: {}, d: {} }
    const many = new TestExecution(definition(nodes, 'a:x > b', 'a:y > c', 'a:x > d'), {
      a: returns(0, ['x']),
      b: returns(1),
      d: returns(2),
    })
    expect(await many.finish()).toMatchObject({ output: '{"b":1,"d":2}' })
  })

  test('the definition’s own output template wins, and may ask what was skipped', async () => {
    const nodes = { a: { config: { handles: ['x', 'y'] } }, b: {}, c: {} }
    const document = {
      ...definition(nodes, 'a:x > b', 'a:y > c'),
      output: { b: '{{ has(nodes.b) }}', c: '{{ nodes.c.output }}' },
    }
    const execution = new TestExecution(document, { a: returns(0, ['y']), c: returns([1, 2]) })
    expect(await execution.finish()).toMatchObject({ output: '{"b":false,"c":[1,2]}' })
  })

  test('an output template that cannot be filled in fails the execution and says why', async () => {
    const document = { ...definition({ a: {} }), output: '{{ nodes.a.output.missing }}' }
    const end = await new TestExecution(document, { a: returns({}) }).finish()
    expect(end).toMatchObject({ status: 'FAILED', error: { message: expect.stringContaining('The output') } })
  })

  test('every name of the scope means what the documentation says', async () => {
    const document = {
      ...definition(
        {
          a: {},
          b: {
            config: {
              input: '{{ input.x }}',
              variable: '{{ variables.given }} and {{ variables.standing }}',
              node: '{{ nodes.a.output }}',
              execution: '{{ execution }}',
            },
          },
        },
        'a > b',
      ),
      variables: { given: 'default', standing: 'default' },
    }
    const execution = new TestExecution(
      document,
      { a: returns([1]) },
      {
        input: { x: 5 },
        variables: { given: 'mine' },
      },
    )
    await execution.finish()
    expect(execution.calls[1]?.config).toEqual({
      input: 5,
      variable: 'mine and default',
      node: [1],
      execution: { id: 'execution', mode: 'test', startedAt: '2027-01-01T00:00:00.000Z' },
    })
  })

  test('a node called __proto__ is a node like any other', async () => {
    const nodes = { ['__proto__']: {}, b: { config: { seen: '{{ nodes["__proto__"].output }}' } } }
    const execution = new TestExecution(definition(nodes, '__proto__ > b'), {}, { input: 'x' })
    await execution.finish()
    expect(execution.calls.at(-1)?.config).toEqual({ seen: 'x' })
  })
})

describe('E4: order and concurrency', () => {
  const wide = definition(Object.fromEntries('abcdefgh'.split('').map((id) => [id, {}])))
  const limited = (concurrency: number) => ({ ...wide, limits: { concurrency } })

  test('never more attempts run than `limits.concurrency` allows, and as many as it allows', async () => {
    const gate = new Gate()
    let running = 0
    let most = 0
    const execution = new TestExecution(
      limited(3),
      Object.fromEntries(
        'abcdefgh'.split('').map((id) => [
          id,
          held(gate, () => {
            running--
          }),
        ]),
      ),
    )
    const push = execution.calls.push.bind(execution.calls)
    execution.calls.push = (...calls) => {
      most = Math.max(most, ++running)
      return push(...calls)
    }
    const run = execution.start()
    await settled()
    expect(execution.called).toEqual(['a', 'b', 'c'])
    gate.open()
    await execution.run(run)
    expect(most).toBe(3)
    expect(execution.calls).toHaveLength(8)
  })

  test('ready steps start in the definition’s order, not in the order in which they became ready', async () => {
    const gate = new Gate()
    const nodes = { first: {}, second: {}, holder: {}, a: {}, b: {} }
    const document = { ...definition(nodes, 'first > b', 'second > a'), limits: { concurrency: 1 } }
    const execution = new TestExecution(document, { holder: held(gate) })
    const run = execution.start()
    await settled()
    expect(execution.called).toEqual(['first', 'second', 'holder'])
    gate.open()
    await execution.run(run)
    expect(execution.called).toEqual(['first', 'second', 'holder', 'a', 'b'])
  })

  test('with one place everything runs one after the other', async () => {
    const execution = new TestExecution(limited(1), { a: takes(10), b: takes(10), c: takes(10) })
    await execution.finish()
    expect(execution.called.join('')).toBe('abcdefgh')
    expect(execution.calls[3]?.at).toBe((execution.calls[0]?.at ?? 0) + 30)
  })

  test('a step that waits holds no place', async () => {
    const document = {
      ...definition({ wait: { type: 'core.delay', config: { duration: '1h' } }, work: {} }),
      limits: { concurrency: 1 },
    }
    const execution = new TestExecution(document)
    await execution.run()
    expect(execution.called).toEqual(['work'])
  })

  test('a chain of 2,000 pure nodes runs to its end', async () => {
    const ids = Array.from({ length: 2_000 }, (_, i) => `n${i}`)
    const nodes = Object.fromEntries(ids.map((id) => [id, { type: 'test.pure' }]))
    const execution = new TestExecution(definition(nodes, ids.join(' > ')), {}, { input: 7 })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: '7' })
    expect(execution.called).toEqual(ids)
  })
})

test('a chain of 10,000 nodes overflows no stack: its first half runs in order, its second half is skipped', async () => {
  const ids = Array.from({ length: 10_000 }, (_, i) => `n${i}`)
  const half = ids.length / 2
  const fork = { type: 'test.pure', config: { handles: ['out', 'left'] } }
  const nodes = Object.fromEntries(ids.map((id) => [id, id === `n${half}` ? fork : { type: 'test.pure' }]))
  const execution = new TestExecution(
    definition(nodes, ids.join(' > ')),
    { [`n${half}`]: returns('left', ['left']) },
    { maxNodes: ids.length },
  )
  expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
  expect(execution.called).toEqual(ids.slice(0, half + 1))
  expect(execution.journal.steps.get('n9999')).toMatchObject({ status: 'SKIPPED' })
})
