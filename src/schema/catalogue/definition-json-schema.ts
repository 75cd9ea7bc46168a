import { definitionJsonSchema } from '../../engine/definition/index.ts'
import { JsonText } from '../../lib/json/index.ts'
import { builder, EXPRESSION_WORDS } from '../kit/index.ts'

/** Made when it is first asked for: it never changes. */
let known: JsonText | null = null

builder.queryField('definitionJsonSchema', (t) =>
  t.field({
    type: 'JSON',
    description: `JSON Schema (2020-12) of a definition, for editors; \`definition.schema.json\` holds the same. What it cannot say: ${EXPRESSION_WORDS}`,
    resolve: () => (known ??= new JsonText(JSON.stringify(definitionJsonSchema()))),
  }),
)
