/** Takes a name and greets, in three pure steps of which the last needs both others. */
export const GREETING = {
  name: 'Greeting',
  inputSchema: {
    type: 'object',
    required: ['name'],
    properties: { name: { type: 'string', maxLength: 50 } },
  },
  variables: { greeting: 'Hello', mark: '!' },
  nodes: [
    {
      id: 'greet',
      type: 'core.transform',
      name: 'Greet',
      config: { value: '{{ variables.greeting }} {{ input.name }}' },
      position: { x: 1.5, y: 2 },
      data: { color: 'blue' },
    },
    { id: 'length', type: 'core.transform', config: { value: '{{ size(input.name) }}' } },
    {
      id: 'shout',
      type: 'core.transform',
      config: {
        value: {
          text: '{{ upper(nodes.greet.output) }}{{ variables.mark }}',
          of: '{{ nodes.length.output }}',
        },
      },
    },
  ],
  edges: [
    { id: 'a', source: 'greet', target: 'shout' },
    { id: 'b', source: 'length', target: 'shout', sourceHandle: 'out' },
  ],
}

/** One node that cannot go wrong. */
export const SIMPLE = { nodes: [{ id: 'one', type: 'core.transform', config: { value: 1 } }], edges: [] }

/** Stands still at the gate of that name, once. */
export function gated(name: string) {
  return {
    nodes: [
      { id: 'before', type: 'core.transform', config: { value: 'before' } },
      { id: 'gate', type: 'test.gate', config: { name } },
      { id: 'after', type: 'core.transform', config: { value: '{{ nodes.gate.output }} and after' } },
    ],
    edges: [
      { source: 'before', target: 'gate' },
      { source: 'gate', target: 'after' },
    ],
  }
}
