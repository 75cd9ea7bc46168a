import { describe, expect, test } from '@jest/globals'
import type { PlanGraph, PlanNode } from '../../../src/engine/definition/plan.ts'
import type { JobEnd } from '../../../src/engine/record/journal.ts'
import type { RunEnd } from '../../../src/engine/run/run-end.ts'
import { fc } from '../../support/fast-check.ts'
import { Crash, isEnded } from '../../support/memory-journal.ts'
import {
  behavioursOf,
  documentOf,
  expectedOf,
  randomGraph,
  type Expected,
  type RandomGraph,
} from '../../support/random-graph.ts'
import { definition, settled, TestExecution, type Call, type TestRun } from '../../support/run-definition.ts'

const INPUT = { lead: 1 }
const anyGraph = randomGraph()
const concurrency = fc.constantFrom(1, 2, 10)

/** A random workflow whose scripted blocks check at every call what must hold at it. */
function prepare(graph: RandomGraph, limit = 10, workers = 1): TestExecution {
  const expected = expectedOf(graph, INPUT)
  const inFlight = new Set<Call>()
  const script = Object.entries(behavioursOf(graph)).map(([id, behave]) => {
    const checked = async (call: Call) => {
      inFlight.add(call)
      if (inFlight.size > limit * workers) throw new Error(`${inFlight.size} attempts run at the same time`)
      try {
        expectLanes(graph, inFlight, workers)
        expectCommitted(execution, expected, call)
      } catch (broken) {
        execution.journal.violations.push((broken as Error).message)
      }
      try {
        return await behave(call)
      } finally {
        inFlight.delete(call)
      }
    }
    return [id, checked] as const
  })
  const document = { ...documentOf(graph), limits: { concurrency: limit } }
  const execution = new TestExecution(document, Object.fromEntries(script), { input: INPUT })
  return execution
}

/** E1 and E12: everything that an external call follows from has ended and is committed, and so is the attempt before it. */
function expectCommitted(
  { plan, journal }: TestExecution,
  expected: Expected,
  { path, attempt, block }: Call,
): void {
  if (block !== 'test.call') return
  let graph: PlanGraph | null | undefined = plan.graph
  let prefix = ''
  for (const part of path.split('/')) {
    const id: string = part.replace(/\[\d+\]$/, '')
    const node: PlanNode | undefined = graph?.nodes.find((each) => each.id === id)
    if (!graph || !node) throw new Error(`the plan has no ${path}`)
    for (const before of ancestorsOf(graph, node)) {
      const at = `${prefix}${before.id}`
      const leavesNoRecord = before.block.effect === 'pure' || expected.steps.get(at)?.status === 'SKIPPED'
      if (prefix !== '' && leavesNoRecord) continue
      const status = journal.steps.get(at)?.status
      if (!status || !isEnded(status))
        throw new Error(`${path} is called while ${at} is ${status ?? 'not'} on record`)
    }
    graph = node.body
    prefix += `${part}/`
  }
  const recorded = journal.steps.get(path)
  if (attempt > 1 && (recorded?.attempts.length ?? 0) < attempt - 1)
    throw new Error(`${path} is called again although attempt ${attempt - 1} is not on record`)
}

/** The nodes before one, itself excluded. */
function ancestorsOf({ nodes }: PlanGraph, node: PlanNode): ReadonlySet<PlanNode> {
  const found = new Set<PlanNode>()
  const open = [node]
  for (let next = open.pop(); next; next = open.pop()) {
    for (const { source } of next.incoming) {
      const before = nodes[source]
      if (!before || found.has(before)) continue
      found.add(before)
      open.push(before)
    }
  }
  return found
}

/** E10: no more items of a loop are in work than it allows. */
function expectLanes({ nodes }: RandomGraph, inFlight: ReadonlySet<Call>, workers: number): void {
  for (const { id, concurrency: lanes } of nodes) {
    const items = [...inFlight].flatMap(({ path }) =>
      path.startsWith(`${id}[`) ? [path.slice(0, path.indexOf(']'))] : [],
    )
    if (new Set(items).size > lanes * workers)
      throw new Error(`${items.join(', ')} are in work at the same time`)
  }
}

/** What became of an execution is what the reference says, as far as that does not depend on time. */
function expectAsReference({ journal }: TestExecution, end: JobEnd, expected: Expected): void {
  if (expected.fatal.length > 0) {
    expect(end.status).toBe('FAILED')
    expect(expected.fatal).toContain(end.status === 'FAILED' ? end.error.path : null)
  } else expect(end).toMatchObject({ status: 'COMPLETED', output: JSON.stringify(expected.output) })
  for (const [path, { status, attempt, reusedFrom }] of journal.steps) {
    const step = expected.steps.get(path)
    if (status === 'CANCELED') {
      if (step?.isCertain) throw new Error(`${path} was cut off`)
      continue
    }
    // What was reused was not tried here.
    const attempts = reusedFrom === null ? step?.attempt : 0
    expect([path, status, attempt]).toEqual([path, step?.status, attempts])
    expect(journal.output(path)).toEqual(step?.output)
  }
  for (const [path, step] of expected.steps) {
    const isTopLevel = !path.includes('/')
    if (step.isCertain && isTopLevel && !journal.steps.has(path)) throw new Error(`${path} is not on record`)
  }
}

/** A pure step inside a loop leaves no record, and is replayed when its item goes on after a park. */
function isOnRecord({ path, block }: Call): boolean {
  return block === 'test.call' || !path.includes('/')
}

function expectToldOnce({ journal }: TestExecution): void {
  const ends = journal.events.filter(({ kind }) => /^STEP_(COMPLETED|FAILED|SKIPPED|CANCELED)$/.test(kind))
  const paths = ends.map(({ body }) => ('path' in body ? body.path : ''))
  expect(new Set(paths).size).toBe(paths.length)
  const items = [...journal.eventsOf('LOOP_ITEM_COMPLETED'), ...journal.eventsOf('LOOP_ITEM_FAILED')]
  const itemPaths = items.map(({ body }) => body.path)
  expect(new Set(itemPaths).size).toBe(itemPaths.length)
  expect(journal.events.map(({ seq }) => seq)).toEqual(journal.events.map((_, i) => i + 1))
  expect(journal.kinds().filter((kind) => /^JOB_(COMPLETED|FAILED|CANCELED)$/.test(kind))).toHaveLength(1)
  expect(journal.eventsOf('JOB_STARTED')).toHaveLength(1)
}

const ignoreCrash = (thrown: unknown): null => {
  if (thrown instanceof Crash) return null
  throw thrown
}

describe('any workflow, whatever its blocks do and in whatever order they finish', () => {
  test('ends as the reference says, every node decided, nothing called twice or too early', async () => {
    await fc.assert(
      fc.asyncProperty(anyGraph, concurrency, async (graph, limit) => {
        const execution = prepare(graph, limit)
        const end = await execution.finish()
        expectAsReference(execution, end, expectedOf(graph, INPUT))
        expectToldOnce(execution)
        const calls = execution.calls.filter(isOnRecord).map(({ path, attempt }) => `${path} ${attempt}`)
        expect(new Set(calls).size).toBe(calls.length)
      }),
      { numRuns: 300 },
    )
  })

  test('ends like the unbroken run when workers are lost at any entries of the journal', async () => {
    const lost = fc.array(fc.nat(20), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(anyGraph, concurrency, lost, async (graph, limit, crashes) => {
        const execution = prepare(graph, limit)
        let end: RunEnd | null = null
        for (let worker = 0; end?.kind !== 'ended'; worker++) {
          const run: TestRun = end === null && worker > 0 ? execution.recover() : execution.start()
          const crashAfter = crashes[worker]
          execution.journal.crashAt =
            crashAfter === undefined
              ? Number.POSITIVE_INFINITY
              : execution.journal.entries.length + crashAfter
          end = await execution.run(run).catch(ignoreCrash)
          if (end?.kind === 'parked') await execution.clock.advanceTo(end.wakeAt ?? Number.NaN)
          if (worker > 1_000) throw new Error('the job does not end')
        }
        expectAsReference(execution, end.end, expectedOf(graph, INPUT))
        expectToldOnce(execution)
      }),
      { numRuns: 300 },
    )
  })

  test('makes no call before everything that it follows from is committed, whatever commits take and whichever fail', async () => {
    const commitMs = fc.array(fc.constantFrom(0, 0, 1, 3, 40, 5_000), { minLength: 1, maxLength: 12 })
    const refused = fc.option(fc.integer({ min: 1, max: 20 }), { nil: Number.POSITIVE_INFINITY })
    const crashes = fc.option(fc.nat(20), { nil: Number.POSITIVE_INFINITY })
    await fc.assert(
      fc.asyncProperty(
        anyGraph,
        concurrency,
        fc.record({ commitMs, refused, crashes, delaysNotes: fc.boolean() }),
        async (graph, limit, { commitMs: delays, refused: refusedAt, crashes: crashAt, delaysNotes }) => {
          const execution = prepare(graph, limit)
          const { journal, clock } = execution
          let commits = 0
          let isRefused = false
          journal.gate = { pass: () => clock.wait(delays[commits++ % delays.length] ?? 0) }
          journal.delaysNotes = delaysNotes
          journal.crashAt = crashAt
          // Only the last entry may follow a refused one.
          journal.refuses = ({ job }) => !job.end && (isRefused ||= journal.entries.length >= refusedAt)
          const end = await execution.finish()
          if (isRefused) expect(end.status).toBe('FAILED')
          expectToldOnce(execution)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('never runs a recorded step again after a loss', async () => {
    await fc.assert(
      fc.asyncProperty(anyGraph, fc.nat(30), async (graph, crashAt) => {
        const execution = prepare(graph)
        execution.journal.crashAt = crashAt
        await execution.run().catch(ignoreCrash)
        const ended = [...execution.journal.steps.values()].filter(({ status }) => isEnded(status))
        execution.calls.length = 0
        if (!execution.journal.job.end) await execution.finish(execution.recover())
        for (const { path } of ended) expect(execution.called).not.toContain(path)
      }),
      { numRuns: 150 },
    )
  })

  test('goes on under a new worker while the old one, which does not know, still runs', async () => {
    const moments = fc.array(fc.constantFrom(0, 1, 5, 40, 900, 4_000), { minLength: 1, maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(anyGraph, moments, async (graph, delays) => {
        const execution = prepare(graph, 10, delays.length + 1)
        let run = execution.start()
        for (const delay of delays) {
          await execution.clock.advance(delay)
          if (run.result) break
          const old = run
          run = execution.recover()
          old.end.catch(() => {}) // told below
          expect(old.result).toBeNull()
        }
        const end = await execution.finish(run)
        await execution.clock.advance(60_000)
        expectAsReference(execution, end, expectedOf(graph, INPUT))
        expectToldOnce(execution)
      }),
      { numRuns: 150 },
    )
  })

  test('reaches an end when it is canceled at any moment, and leaves no step open', async () => {
    await fc.assert(
      fc.asyncProperty(anyGraph, concurrency, fc.nat(5_000), async (graph, limit, delay) => {
        const execution = prepare(graph, limit)
        const run = execution.start()
        await execution.clock.advance(delay)
        run.cancel()
        await settled()
        const ended = await execution.run(run)
        // It was parked, or had ended, before the cancel came.
        const end =
          ended.kind === 'parked' ? await execution.run(execution.start({ isCanceled: true })) : ended
        expect(end.kind).toBe('ended')
        expectToldOnce(execution)
      }),
      { numRuns: 150 },
    )
  })
})

/**
 * The same workflow with nothing failing any more, except for what a completed loop or item got over: that counts as
 * completed, with the output that it had.
 */
function mended({ nodes, edges }: RandomGraph, isInside = false): RandomGraph {
  return {
    nodes: nodes.map((node) => {
      const isGotOver = isInside && node.onError !== 'fail'
      const body = node.body && node.onItemError === 'fail' ? mended(node.body, true) : node.body
      return isGotOver ? node : { ...node, failures: 0, body }
    }),
    edges,
  }
}

/** Whether a call was made for good before: its step, or the loop's item that it belongs to, completed on this input. */
function hadCompleted({ journal, calls }: TestExecution, { path, input }: Call): boolean {
  const [, loop, index] = /^(.+)\[(\d+)\]\//.exec(path) ?? []
  if (loop !== undefined) return journal.items.get(loop)?.get(Number(index))?.status === 'COMPLETED'
  const isSame = (call: Call) => call.path === path && JSON.stringify(call.input) === JSON.stringify(input)
  return journal.steps.get(path)?.status === 'COMPLETED' && calls.some(isSame)
}

describe('a retry of any workflow, whatever had failed in it', () => {
  test('ends as if nothing had ever failed, and calls nothing again that had completed', async () => {
    await fc.assert(
      fc.asyncProperty(anyGraph, concurrency, fc.nat(25), async (graph, limit, crashAt) => {
        const execution = prepare(graph, limit)
        await execution.finish()
        const whole = mended(graph)
        const retry = execution.retry({ behaviours: behavioursOf(whole) })
        retry.journal.crashAt = crashAt
        await retry.run().catch(ignoreCrash)
        const end = retry.journal.job.end ?? (await retry.finish(retry.recover()))
        expectAsReference(retry, end, expectedOf(whole, INPUT))
        expectToldOnce(retry)
        const again = retry.calls.filter((call) => hadCompleted(execution, call))
        expect(again.map(({ path }) => path)).toEqual([])
      }),
      { numRuns: 100 },
    )
  })

  test('calls nothing and gives the same when nothing had failed', async () => {
    await fc.assert(
      fc.asyncProperty(anyGraph, async (graph) => {
        const execution = prepare(mended(graph))
        const end = await execution.finish()
        const retry = execution.retry()
        expect(await retry.finish()).toMatchObject({ ...end, at: retry.clock.now() })
        expect(retry.called).toEqual([])
      }),
      { numRuns: 50 },
    )
  })
})

describe('a costly call', () => {
  test('is made at most once per attempt, whenever workers are lost', async () => {
    const document = definition(
      {
        a: { type: 'test.costly' },
        b: { type: 'test.costly', onError: 'continue' },
        c: { type: 'test.costly' },
      },
      'a > b > c',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(8), { maxLength: 4 }), async (crashes) => {
        const execution = new TestExecution(document)
        let end: RunEnd | null = null
        for (let worker = 0; end?.kind !== 'ended'; worker++) {
          const run: TestRun = worker > 0 ? execution.recover() : execution.start()
          const crashAfter = crashes[worker]
          if (crashAfter !== undefined)
            execution.journal.crashAt = execution.journal.entries.length + crashAfter
          end = await execution.run(run).catch(ignoreCrash)
        }
        expect(new Set(execution.called).size).toBe(execution.called.length)
      }),
      { numRuns: 100 },
    )
  })
})
