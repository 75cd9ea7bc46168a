/** Receives the batches that the example workflow sends, and counts them. */
export { createExampleReceiver, EXAMPLE_RECEIVER_PATH, type ExampleReceiver } from './example-receiver.ts'
