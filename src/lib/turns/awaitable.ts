/** A value that is there, or will be: what is there costs its reader no turn of the event loop. */
export type Awaitable<T> = T | Promise<T>
