/**
 * Lume inside a Node program, without a server: a block of one's own as a class, one as a description, and a workflow
 * that uses both, run as a durable job on the embedded database. `npx tsx --conditions=lume:source examples/library.ts`
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BaseBlockExecutor, completed, createLume, defineBlock, registerBlock, type LumeConfig } from 'lume'
import { z } from 'zod'

/** A block as a class: for code that already has such classes. */
class Shout extends BaseBlockExecutor {
  constructor() {
    super('custom.shout')
  }

  override async execute(config: { text: string }) {
    return { status: 'completed' as const, output: `${config.text.toUpperCase()}!` }
  }
}
registerBlock('custom.shout', Shout, { name: 'Shout', category: 'custom' })

/** A block as a description: its schemas check every config and output, and show in the catalogue. */
const count = defineBlock({
  type: 'custom.count',
  name: 'Count letters',
  description: 'Counts the letters of a text.',
  effect: 'pure',
  config: z.object({ text: z.string() }),
  output: z.int(),
  sample: 5,
  run: async ({ config }) => completed(config.text.match(/\p{Letter}/gu)?.length ?? 0),
})
registerBlock(count)

const workflowDefinition = {
  nodes: [
    { id: 'shout', type: 'custom.shout', config: { text: 'hello {{ input.name }}' } },
    { id: 'count', type: 'custom.count', config: { text: '{{ nodes.shout.output }}' } },
  ],
  edges: [{ source: 'shout', target: 'count' }],
  output: { text: '{{ nodes.shout.output }}', letters: '{{ nodes.count.output }}' },
}

/** Runs the workflow once in a folder of its own and gives back what came out. */
export async function main(print: (line: string) => void = console.log, config: Partial<LumeConfig> = {}) {
  const dataDir = await mkdtemp(join(tmpdir(), 'lume-library-'))
  const lume = await createLume({ dataDir, logLevel: 'warn', ...config })
  try {
    const { id } = await lume.jobs.createWorkflowJob('user-1', {
      workflowId: 'inline',
      workflowDefinition,
      input: { name: 'kettle' },
      mode: 'production',
    })
    const job = await lume.jobs.startJob(id, undefined, {
      onProgress: (_jobId, progress) => print(`${Math.round(progress)} %`),
    })
    const { status, completedNodes, totalNodes } = await lume.jobs.getWorkflowJobProgress(job)
    print(`${status}: ${completedNodes} of ${totalNodes} nodes`)
    print(JSON.stringify(job.result))
    return job.result
  } finally {
    await lume.close()
    await rm(dataDir, { recursive: true, force: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
