import { definitionJsonSchema } from '../engine/definition-json-schema.ts'
import { builder } from './builder.ts'

builder.queryField('definitionJsonSchema', (t) =>
  t.field({
    type: 'JSON',
    description:
      'JSON Schema (2020-12) of a definition, for editors; `definition.schema.json` holds the same.',
    resolve: () => definitionJsonSchema(),
  }),
)
