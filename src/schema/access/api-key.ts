import type { ApiKeyId, Role } from '../../access/index.ts'
import { readGlobalId } from '../../lib/index.ts'
import { InvalidArgumentError, NotFoundError, QuotaExceededError } from '../errors/index.ts'
import { builder, rowId } from '../kit/index.ts'
import { newestFirst } from '../pages/index.ts'
import { RoleEnum } from './viewer.ts'

const ApiKeyType = builder.prismaNode('ApiKey', {
  id: { field: 'id' },
  findUnique: (id, { ownerId }) => ({ id: rowId(id), ownerId }),
  nullable: true,
  // However it is reached: `node` is open to all roles.
  authScopes: { role: 'ADMIN' },
  description: 'A credential of this owner. Its value is told once, when it is made.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'For people.' }),
    prefix: t.exposeString('prefix', { description: 'How the key begins, to know it again.' }),
    role: t.field({
      type: RoleEnum,
      description: 'What it may do.',
      select: { role: true },
      resolve: ({ role }) => role as Role,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it ends by itself; null: never.',
    }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was last used, to the minute; null: never.',
    }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was revoked; null: it was not.',
    }),
  }),
})

const ApiKeyConnection = builder.connectionObject(
  { type: ApiKeyType, name: 'ApiKeyConnection', description: 'A page of API keys.' },
  { name: 'ApiKeyEdge', description: 'An API key and its place in the list.' },
)

builder.queryField('apiKeys', (t) =>
  t.prismaConnection(
    {
      type: 'ApiKey',
      cursor: 'id',
      authScopes: { role: 'ADMIN' },
      description: 'Your API keys, newest first, revoked ones included. Needs the role ADMIN.',
      totalCount: (_root, _args, { prisma, ownerId }) => prisma.apiKey.count({ where: { ownerId } }),
      resolve: (query, _root, _args, { prisma, ownerId }) =>
        prisma.apiKey.findMany(newestFirst(query, { ownerId })),
    },
    ApiKeyConnection,
  ),
)

interface CreatedKey {
  readonly id: ApiKeyId
  readonly key: string
}

const CreateApiKeyPayload = builder.objectRef<CreatedKey>('CreateApiKeyPayload').implement({
  description: 'A key was made.',
  fields: (t) => ({
    key: t.exposeString('key', {
      description: 'The key itself. It is told now and never again: store it where secrets are kept.',
    }),
    apiKey: t.prismaField({
      type: 'ApiKey',
      description: 'What is on record of it.',
      resolve: (query, { id }, _args, { prisma, ownerId }) =>
        prisma.apiKey.findFirstOrThrow({ ...query, where: { id, ownerId } }),
    }),
  }),
})

const RevokeApiKeyPayload = builder.objectRef<ApiKeyId>('RevokeApiKeyPayload').implement({
  description: 'A key was revoked.',
  fields: (t) => ({
    apiKey: t.prismaField({
      type: 'ApiKey',
      description: 'The key, with the time of its revocation.',
      resolve: (query, id, _args, { prisma, ownerId }) =>
        prisma.apiKey.findFirstOrThrow({ ...query, where: { id, ownerId } }),
    }),
  }),
})

const CreateApiKeyInput = builder.inputType('CreateApiKeyInput', {
  description: 'A new key.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'For people, such as "CI of the shop".' }),
    role: t.field({
      type: RoleEnum,
      required: true,
      description: 'What it may do; give the least that will do.',
    }),
    expiresAt: t.field({ type: 'DateTime', description: 'When it ends by itself; default: never.' }),
  }),
})

const RevokeApiKeyInput = builder.inputType('RevokeApiKeyInput', {
  description: 'Which key to revoke.',
  fields: (t) => ({ id: t.id({ required: true, description: 'The key’s global id.' }) }),
})

builder.mutationFields((t) => ({
  createApiKey: t.field({
    type: CreateApiKeyPayload,
    authScopes: { role: 'ADMIN' },
    skipTypeScopes: true, // so that whoever has less is told of ADMIN, and not of EDITOR first
    description:
      'Makes an API key of this owner. Its value is in the answer, and nowhere else. Needs the role ADMIN.',
    args: { input: t.arg({ type: CreateApiKeyInput, required: true, description: 'The new key.' }) },
    errors: {
      types: [InvalidArgumentError, QuotaExceededError],
      union: { name: 'CreateApiKeyResult', description: 'The new key, or why there is none.' },
    },
    resolve: async (_root, { input: { name, role, expiresAt } }, { apiKeys, ownerId }) => {
      const result = await apiKeys.create(ownerId, { name, role, expiresAt: expiresAt ?? null })
      if (result.kind === 'invalid') throw new InvalidArgumentError(result.message, result.path)
      if (result.kind === 'quotaExceeded') throw new QuotaExceededError(result, ['input'])
      return result
    },
  }),
  revokeApiKey: t.field({
    type: RevokeApiKeyPayload,
    authScopes: { role: 'ADMIN' },
    skipTypeScopes: true,
    description:
      'Ends a key at once, with every connection that it opened. Revoking it again changes nothing. Needs the role ADMIN.',
    args: { input: t.arg({ type: RevokeApiKeyInput, required: true, description: 'Which one.' }) },
    errors: {
      types: [NotFoundError],
      union: { name: 'RevokeApiKeyResult', description: 'What came of a revocation.' },
    },
    resolve: async (_root, { input }, { apiKeys, ownerId }) => {
      const id = readGlobalId<ApiKeyId>('ApiKey', input.id)
      if (!id || !(await apiKeys.revoke(ownerId, id))) throw new NotFoundError('API key', ['input', 'id'])
      return id
    },
  }),
}))
