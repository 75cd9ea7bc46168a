// The small definitions that GraphiQL's examples run.

export const GREETING = {
  name: 'Greeting',
  nodes: [
    { id: 'greet', type: 'core.transform', config: { value: { text: 'Hello {{ input.name }}' } } },
    { id: 'pause', type: 'core.delay', config: { duration: '3s' } },
    { id: 'shout', type: 'core.transform', config: { value: '{{ upper(nodes.greet.output.text) }}!' } },
  ],
  edges: [
    { source: 'greet', target: 'pause' },
    { source: 'pause', target: 'shout' },
  ],
}

/** The same greeting, edited: it pauses for less time. */
export const EDITED_GREETING = {
  ...GREETING,
  nodes: GREETING.nodes.map((node) => (node.id === 'pause' ? { ...node, config: { duration: '1s' } } : node)),
}

export const BROKEN = {
  nodes: [
    { id: 'keep', type: 'core.filtre', config: { items: '{{ input.leads }}', condition: 'item.score > ' } },
    { id: 'sum', type: 'core.transform', config: { value: '{{ size(nodes.kep.output.items) }}' } },
  ],
  edges: [{ source: 'keep', target: 'sum' }],
}

export const APPROVED_GREETING = {
  name: 'Greeting with approval',
  nodes: [
    { id: 'greet', type: 'core.transform', config: { value: { text: 'Hello {{ input.name }}' } } },
    { id: 'approve', type: 'core.waitForSignal', config: { name: 'approval' } },
    {
      id: 'answer',
      type: 'core.transform',
      config: { value: '{{ nodes.greet.output.text }}, said {{ nodes.approve.output.by }}' },
    },
  ],
  edges: [
    { source: 'greet', target: 'approve' },
    { source: 'approve', target: 'answer' },
  ],
}
