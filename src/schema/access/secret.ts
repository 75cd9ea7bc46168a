import type { SecretEntry } from '../../access/index.ts'
import {
  InvalidArgumentError,
  NotFoundError,
  QuotaExceededError,
  SecretKeyMissingError,
} from '../errors/index.ts'
import { builder } from '../kit/index.ts'

const SecretSourceType = builder.enumType('SecretSource', {
  description: 'Where a secret comes from.',
  values: {
    ENVIRONMENT: { description: 'An environment variable of the server.' },
    STORED: { description: '`setSecret`; wins over the environment’s of the same name.' },
  },
})

const SecretType = builder.objectRef<SecretEntry>('Secret').implement({
  description: 'A value that workflows use by its name. The value itself is told to nobody.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'As in `{{ secrets.<name> }}`.' }),
    source: t.expose('source', { type: SecretSourceType, description: 'Where it comes from.' }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was last stored; null where it comes from the environment.',
    }),
  }),
})

builder.queryField('secrets', (t) =>
  t.field({
    type: [SecretType],
    description: 'The secrets that your workflows may use, by name, and never their values.',
    resolve: (_root, _args, { vault, ownerId }) => vault.list(ownerId),
  }),
)

const SetSecretPayload = builder.objectRef<{ readonly secret: SecretEntry }>('SetSecretPayload').implement({
  description: 'A secret was stored.',
  fields: (t) => ({
    secret: t.field({ type: SecretType, description: 'The secret.', resolve: ({ secret }) => secret }),
  }),
})

const DeleteSecretPayload = builder.simpleObject('DeleteSecretPayload', {
  description: 'A stored secret was deleted.',
  fields: (t) => ({ deletedName: t.string({ description: 'The name that it had.' }) }),
})

const SetSecretInput = builder.inputType('SetSecretInput', {
  description:
    'A secret to store. Pass it as a variable: documents are logged more often than variables are.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: 'A letter, then up to 63 letters, digits and underscores.',
    }),
    value: t.string({ required: true, description: '8 to 8,192 characters; replaces the one before.' }),
  }),
})

const DeleteSecretInput = builder.inputType('DeleteSecretInput', {
  description: 'Which secret to delete.',
  fields: (t) => ({ name: t.string({ required: true, description: 'Its name.' }) }),
})

builder.mutationFields((t) => ({
  setSecret: t.field({
    type: SetSecretPayload,
    authScopes: { role: 'ADMIN' },
    skipTypeScopes: true,
    description:
      'Stores a secret, encrypted; it cannot be read back. Every attempt that begins from now on uses it, also in runs that are under way. Needs the role ADMIN.',
    args: { input: t.arg({ type: SetSecretInput, required: true, description: 'The secret.' }) },
    errors: {
      types: [InvalidArgumentError, SecretKeyMissingError, QuotaExceededError],
      union: { name: 'SetSecretResult', description: 'The stored secret, or why it was not stored.' },
    },
    resolve: async (_root, { input: { name, value } }, { vault, ownerId }) => {
      const result = await vault.set(ownerId, name, value)
      switch (result.kind) {
        case 'saved':
          return result
        case 'invalid':
          throw new InvalidArgumentError(result.message, result.path)
        case 'noKey':
          throw new SecretKeyMissingError(result.message, ['input'])
        case 'quotaExceeded':
          throw new QuotaExceededError(result, ['input'])
      }
    },
  }),
  deleteSecret: t.field({
    type: DeleteSecretPayload,
    authScopes: { role: 'ADMIN' },
    skipTypeScopes: true,
    description:
      'Deletes a stored secret. One of the environment of the same name applies again. Needs the role ADMIN.',
    args: { input: t.arg({ type: DeleteSecretInput, required: true, description: 'Which one.' }) },
    errors: {
      types: [NotFoundError],
      union: { name: 'DeleteSecretResult', description: 'What came of a deletion.' },
    },
    resolve: async (_root, { input: { name } }, { vault, ownerId }) => {
      if (!(await vault.delete(ownerId, name))) throw new NotFoundError('stored secret', ['input', 'name'])
      return { deletedName: name }
    },
  }),
}))
