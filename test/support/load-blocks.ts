// Loads the modules that its arguments name, each by itself, as a server does when it starts. Prints one JSON list: the
// error of each module, null where it loads.
import { loadBlockModules } from '../../src/block-modules.ts'

const errors = []
for (const name of process.argv.slice(2)) {
  const error = await loadBlockModules([name]).then(
    () => null,
    ({ code, message }) => ({ code, message }),
  )
  errors.push(error)
}
console.log(JSON.stringify(errors))
