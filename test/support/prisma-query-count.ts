/**
 * A Prisma client whose queries are counted. Prisma may send several of them as one statement, but prepares each on the thread of
 * the process. `client` has models as properties, and queries as methods of those.
 */
export function countPrismaQueries<Client extends object>(
  client: Client,
): { readonly client: Client; take(): number } {
  let count = 0
  const counted = new Proxy(client, {
    get(target, name) {
      const model: unknown = Reflect.get(target, name)
      if (typeof name === 'symbol' || name.startsWith('$') || typeof model !== 'object' || model === null)
        return model
      return new Proxy(model, {
        get(queries, query) {
          const method: unknown = Reflect.get(queries, query)
          if (typeof method !== 'function') return method
          return (...given: unknown[]) => {
            count++
            return Reflect.apply(method, queries, given) as unknown
          }
        },
      })
    },
  })
  return {
    client: counted,
    take() {
      const taken = count
      count = 0
      return taken
    },
  }
}
