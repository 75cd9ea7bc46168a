/** The part of a step's global id behind the type: identifies it among all of an owner. */
export function stepId(executionId: string, path: string): string {
  return `${executionId}:${path}`
}
