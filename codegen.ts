import type { CodegenConfig } from '@graphql-codegen/cli'

/** The typed documents of some files. */
const typedDocuments = (documents: readonly string[]) => ({
  documents: [...documents],
  preset: 'client' as const,
  presetConfig: { fragmentMasking: false },
  config: {
    documentMode: 'string',
    useTypeImports: true,
    enumsAsTypes: true,
    strictScalars: true,
    scalars: {
      DateTime: { input: 'string', output: 'string' },
      // What a client sends as a definition is checked by the server; here it is any JSON.
      JSON: { input: 'unknown', output: 'unknown' },
      RetryFrom: { input: 'string', output: 'string' },
    },
  },
})

const config: CodegenConfig = {
  schema: './schema.graphql',
  generates: {
    './test/gql/': typedDocuments(['test/**/*.ts', 'bench/**/*.ts', '!bench/peers/**', '!test/gql/**']),
    './examples/leads/gql/': typedDocuments(['examples/leads/*.ts']),
  },
  importExtension: '.ts',
  ignoreNoDocuments: true,
}

export default config
