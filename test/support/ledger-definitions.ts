/** Definitions whose external steps all call the ledger; what they give depends on nothing but their input. */

const post = (id: string, url: string, more: object = {}) => ({
  id,
  type: 'api.http',
  config: { method: 'POST', url: `{{ input.ledger }}${url}`, ...more },
})

const chain = (...ids: readonly string[]) => ids.slice(1).map((target, i) => ({ source: ids[i], target }))

/** A call, a loop over three, a short delay, a call. */
export const ORDER = {
  nodes: [
    post('first', '/first'),
    {
      id: 'each',
      type: 'core.forEach',
      config: {
        items: ['a', 'b', 'c'],
        concurrency: 1,
        body: {
          nodes: [post('book', '/items/{{ item }}')],
          edges: [],
          output: '{{ nodes.book.output.body.receipt }}',
        },
      },
    },
    { id: 'rest', type: 'core.delay', config: { duration: '{{ input.delayMs }}' } },
    post('last', '/last'),
  ],
  edges: chain('first', 'each', 'rest', 'last'),
  output: {
    first: '{{ nodes.first.output.body.receipt }}',
    items: '{{ nodes.each.output }}',
    last: '{{ nodes.last.output.body.receipt }}',
  },
}

/** What `ORDER` gives, whatever happens to the process. */
export const ORDERED = {
  first: 'receipt of /first',
  items: ['receipt of /items/a', 'receipt of /items/b', 'receipt of /items/c'],
  last: 'receipt of /last',
}

/** A call, somebody's approval, a call. */
export const APPROVAL = {
  nodes: [
    post('first', '/first'),
    { id: 'ask', type: 'core.waitForSignal', config: { name: 'approval' } },
    post('last', '/last'),
  ],
  edges: chain('first', 'ask', 'last'),
  output: { by: '{{ nodes.ask.output.by }}', last: '{{ nodes.last.output.body.receipt }}' },
}

export const APPROVED = { by: 'Ada', last: 'receipt of /last' }

/** Three calls side by side, and one behind them. */
export const FAN = {
  nodes: [post('left', '/left'), post('middle', '/middle'), post('right', '/right'), post('join', '/join')],
  edges: ['left', 'middle', 'right'].map((source) => ({ source, target: 'join' })),
  output: '{{ nodes.join.output.body.receipt }}',
}

export const JOINED = 'receipt of /join'

/** Another workflow, that makes one call, and a call behind it. */
export const parentOf = (workflowId: string) => ({
  nodes: [
    { id: 'child', type: 'core.callWorkflow', config: { workflowId, input: '{{ input }}' } },
    post('last', '/last'),
  ],
  edges: chain('child', 'last'),
  output: { child: '{{ nodes.child.output }}', last: '{{ nodes.last.output.body.receipt }}' },
})

export const CHILD = {
  nodes: [post('inside', '/inside')],
  edges: [],
  output: '{{ nodes.inside.output.body.receipt }}',
}

export const WITH_CHILD = { child: 'receipt of /inside', last: 'receipt of /last' }

const purchase = (more: object = {}) => ({
  nodes: [
    { id: 'buy', type: 'test.buy', config: { url: '{{ input.ledger }}/purchase', ...more } },
    post('last', '/last'),
  ],
  edges: chain('buy', 'last'),
  output: { bought: '{{ nodes.buy.output.body.receipt }}', last: '{{ nodes.last.output.body.receipt }}' },
})

/** A purchase that its seller would make twice if asked twice, and a call behind it. */
export const PURCHASE = purchase()

/** The same, whose block writes down what it has bought and then waits for the delivery. */
export const DELIVERY = purchase({ deliveryUrl: '{{ input.ledger }}/delivery' })

export const BOUGHT = { bought: 'receipt of /purchase', last: 'receipt of /last' }
