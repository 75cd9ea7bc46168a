import { expiryOf, type Role, type Viewer } from '../../access/index.ts'
import type { QuotaUse } from '../../jobs/start/index.ts'
import { QuotaEnum } from '../errors/index.ts'
import { builder } from '../kit/index.ts'

export const RoleEnum = builder.enumType('Role', {
  description: 'What a credential may do.',
  values: {
    VIEWER: {
      description:
        'Read everything of its owner, names of secrets included; API keys excepted, and nobody reads the values of secrets.',
    },
    EDITOR: { description: 'Also change and execute.' },
    ADMIN: { description: 'Also see and make API keys, and set secrets.' },
  } satisfies Record<Role, { description: string }>,
})

const AuthenticationEnum = builder.enumType('Authentication', {
  description: 'How a viewer has shown who they are.',
  values: {
    LOCAL: { description: 'Not at all: this server asks nobody, and only this machine reaches it.' },
    SETTINGS: { description: 'By a key of the server’s settings.' },
    API_KEY: { description: 'By an API key made with `createApiKey`.' },
    JWT: { description: 'By a signed token of the server’s issuer.' },
  } satisfies Record<Viewer['authentication'], { description: string }>,
})

const QuotaType = builder.objectRef<QuotaUse>('Quota').implement({
  description: 'How much you use of what the operator bounds per owner.',
  fields: (t) => ({
    name: t.field({
      type: QuotaEnum,
      description: 'What is bounded; its unit is bytes for `STORED_BYTES`, else a number of things.',
      resolve: ({ quota }) => quota,
    }),
    used: t.exposeFloat('used', {
      description:
        'What you use of it, approximately, as of `countedAt`. Where things are counted, it does not exceed `limit`.',
    }),
    limit: t.exposeFloat('limit', {
      description: 'The most that you may use. Beyond it mutations answer `QuotaExceeded`.',
    }),
    countedAt: t.expose('countedAt', {
      type: 'DateTime',
      description:
        'When it was counted, at most five seconds ago. Ended executions enter `STORED_BYTES` some seconds after they end.',
    }),
  }),
})

const ViewerType = builder.objectRef<Viewer>('Viewer').implement({
  description: 'Who is asking.',
  fields: (t) => ({
    ownerId: t.exposeString('ownerId', { description: 'The owner whose rows the credential sees.' }),
    role: t.field({
      type: RoleEnum,
      description: 'What it may do.',
      resolve: ({ role }): Role => role,
    }),
    authentication: t.field({
      type: AuthenticationEnum,
      description: 'How it was shown who is asking.',
      resolve: ({ authentication }) => authentication,
    }),
    name: t.exposeString('name', { description: 'The key’s name, or the token’s subject.' }),
    quotas: t.field({
      type: [QuotaType],
      description: 'What your owner may hold and how much of it is used: one entry per `QuotaName`.',
      resolve: (_viewer, _args, { quotas, ownerId }) => quotas.list(ownerId),
    }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the credential expires; null when it does not.',
      resolve: (viewer) => {
        const expiresAt = expiryOf(viewer)
        return expiresAt === null ? null : new Date(expiresAt)
      },
    }),
  }),
})

builder.queryField('viewer', (t) =>
  t.field({
    type: ViewerType,
    description: 'Who you are here, by the credential that came with the request.',
    resolve: (_root, _args, { viewer }) => viewer,
  }),
)
