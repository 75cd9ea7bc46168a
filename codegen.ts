import type { CodegenConfig } from '@graphql-codegen/cli'

const config: CodegenConfig = {
  schema: './schema.graphql',
  documents: ['test/**/*.ts', 'bench/**/*.ts', '!test/gql/**'],
  generates: {
    './test/gql/': {
      preset: 'client',
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
    },
  },
  importExtension: '.ts',
  ignoreNoDocuments: true,
}

export default config
