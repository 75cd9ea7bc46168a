import vm from 'node:vm'
import { TestEnvironment } from 'jest-environment-node'

/**
 * The environment of Jest for Node, in a context whose global object is an ordinary one. In the context that Jest makes by
 * itself, each use of a global name (`Number`, `Array`, `Map`) calls an interceptor of Node, and code that computes takes up
 * to twice the time that it takes on a server. Jest has no setting for the context, so its call of `createContext` is
 * answered here.
 */
export default class PlainContext extends TestEnvironment {
  constructor(config, context) {
    const { createContext } = vm
    vm.createContext = () => createContext(vm.constants.DONT_CONTEXTIFY)
    try {
      super(config, context)
    } finally {
      vm.createContext = createContext
    }
  }
}
