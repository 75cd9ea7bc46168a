// What descriptions say alike of definitions and of the expressions in them, wherever somebody may look first.

/** One sentence on the look of a definition. */
export const DEFINITION_SHAPE =
  'A definition is an object such as `{ nodes: [{ id: "greet", type: "core.transform", config: { value: "Hello {{ input.name }}" } }], edges: [{ source: "greet", target: "send" }] }`; the query `definitionJsonSchema` tells all of its fields, `blocks` what a node may be.'

/** The language of templates and bare expressions, its names and some of its functions. */
export const EXPRESSION_WORDS =
  'strings in a config and in `output` may be templates: `{{ expression }}`, in CEL (https://cel.dev). Names in scope: `input`, `variables`, `nodes.<id>.output` of nodes upstream, `secrets.<name>` in the config of external blocks, `execution` (`id`, `mode`, `startedAt`), `item` and `index` inside loops and filters, `error` behind the handle `error` and in `retryIf`. Functions are those of CEL, such as `size`, `has`, `map` and `filter`, and more, such as `default`, `lower`, `join`, `sum`, `sortBy`, `merge` and `domain`. docs/expressions.md lists all of them.'
