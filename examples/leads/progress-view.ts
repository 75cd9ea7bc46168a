const BAR_WIDTH = 30
const CLEAR_LINE = '\r\u001b[K'

/** One event of a job's timeline, as the demo asks for it. */
export interface TimelineEvent {
  readonly kind: string
  readonly seq: number
  /** Percent of the whole job. */
  readonly progress: number
  /** Which step it is about, `post[3]/send` inside a loop; missing on events about the job itself. */
  readonly path?: string
}

export interface ProgressView {
  show(event: TimelineEvent): void
  note(text: string): void
  /** Leaves the terminal at the start of a fresh line. */
  end(): void
}

/** A bar that redraws itself on a terminal; plain lines anywhere else. */
export function createProgressView(out: NodeJS.WriteStream): ProgressView {
  return out.isTTY ? barView(out) : lineView(out)
}

function barView(out: NodeJS.WriteStream): ProgressView {
  let batches = 0
  let line = ''
  const draw = () => out.write(CLEAR_LINE + line.slice(0, (out.columns || 80) - 1))
  return {
    show(event) {
      if (event.kind === 'LOOP_ITEM_COMPLETED') batches += 1
      line = `${bar(event.progress)} ${percent(event.progress)}  ${described(event, batches)}`
      draw()
    },
    note(text) {
      out.write(`${CLEAR_LINE}${text}\n`)
      draw()
    },
    end() {
      out.write('\n')
    },
  }
}

function lineView(out: NodeJS.WriteStream): ProgressView {
  let batches = 0
  return {
    show(event) {
      if (event.kind === 'LOOP_ITEM_COMPLETED') batches += 1
      out.write(`${percent(event.progress)}  ${described(event, batches)}\n`)
    },
    note(text) {
      out.write(`${text}\n`)
    },
    end() {},
  }
}

/** `STEP_COMPLETED` of `score` → "score: step completed". */
function described(event: TimelineEvent, batches: number): string {
  const words = event.kind.toLowerCase().replaceAll('_', ' ')
  const what = event.path ? `${event.path}: ${words}` : words
  return batches > 0 ? `${what}, ${batches} ${batches === 1 ? 'batch' : 'batches'} done` : what
}

function bar(progress: number): string {
  const filled = Math.round((progress / 100) * BAR_WIDTH)
  return `[${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}]`
}

function percent(progress: number): string {
  return `${String(Math.round(progress)).padStart(3)} %`
}
