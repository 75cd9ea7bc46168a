import { defineConfig } from 'prisma/config'

// `generate`, `validate` and `format` never run the schema engine, but the CLI insists on finding its binary and would
// download it. Any existing executable satisfies the check.
if (process.argv.some((word) => ['generate', 'validate', 'format'].includes(word))) {
  process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath
}

export default defineConfig({ schema: 'prisma/schema.prisma', migrations: { path: 'prisma/migrations' } })
