import { definitionJsonSchema } from '../../engine/definition/definition-json-schema.ts'
import { JsonText } from '../../lib/json/json-text.ts'
import { builder } from '../kit/builder.ts'
import { EXPRESSION_WORDS } from '../kit/definition-words.ts'

/** Made when it is first asked for: it never changes. */
let known: JsonText | null = null

builder.queryField('definitionJsonSchema', (t) =>
  t.field({
    type: 'JSON',
    description: `JSON Schema (2020-12) of a definition, for editors; \`definition.schema.json\` holds the same. What it cannot say: ${EXPRESSION_WORDS}`,
    resolve: () => (known ??= new JsonText(JSON.stringify(definitionJsonSchema()))),
  }),
)
