import { createRequire } from 'node:module'

/**
 * Loads graphql-js in its production mode, before any other module loads it. In its other mode it inspects each object that a type
 * is compared with, to find a second copy of itself, which is a hundredth of what the server does. `NODE_ENV` itself stays as it is:
 * the default of a setting depends on it.
 */
const { NODE_ENV } = process.env
process.env.NODE_ENV = 'production'
createRequire(import.meta.url)('graphql')
if (NODE_ENV === undefined) delete process.env.NODE_ENV
else process.env.NODE_ENV = NODE_ENV
