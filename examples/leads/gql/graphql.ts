/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** Everything that can be wrong with a definition. The codes are stable. */
export type DiagnosticCode =
  /** The block is going away; another one takes its place. */
  | 'BLOCK_DEPRECATED'
  /** No block of this type is registered. */
  | 'BLOCK_UNKNOWN'
  /** A config does not fit its block’s schema. */
  | 'CONFIG_INVALID'
  /** A config lacks a field that its block needs. */
  | 'CONFIG_REQUIRED'
  /** The graph has no nodes. */
  | 'DEFINITION_EMPTY'
  /** A part of the document does not have the shape that a definition has there. */
  | 'DEFINITION_MALFORMED'
  /** The definition has too many expressions, or too much JSON Schema. */
  | 'DEFINITION_TOO_COMPLEX'
  /** Loops are nested too deep. */
  | 'DEFINITION_TOO_DEEP'
  /** The definition has too many nodes, edges, variables, values or bytes, or JSON pointers that are too long together. */
  | 'DEFINITION_TOO_LARGE'
  /** An edge names a node that does not exist. */
  | 'EDGE_DANGLING'
  /** Two edges join the same nodes by the same handle. */
  | 'EDGE_DUPLICATE'
  /** An expression or template cannot be compiled. */
  | 'EXPRESSION_INVALID'
  /** Nodes follow each other in a circle. */
  | 'GRAPH_CYCLE'
  /** An edge leaves by a handle that the block does not have. */
  | 'HANDLE_UNKNOWN'
  /** The input schema is not a valid JSON Schema. */
  | 'INPUT_SCHEMA_INVALID'
  /** An expression names a field of the input that the input schema does not allow. */
  | 'INPUT_UNDECLARED'
  /** An expression uses a name that is not in scope. */
  | 'NAME_UNKNOWN'
  /** Two nodes have the same id. */
  | 'NODE_ID_DUPLICATE'
  /** An expression names a node whose result is not known yet when it is evaluated. */
  | 'NODE_NOT_UPSTREAM'
  /** An expression names a node that does not exist. */
  | 'NODE_UNKNOWN'
  /** A node can never start: it is only reached through a cycle, a dangling edge or a handle that does not exist. */
  | 'NODE_UNREACHABLE'
  /** A control block’s config names a secret, which it would hand on to the timeline, to a wait or to a child. */
  | 'SECRET_IN_CONTROL_BLOCK'
  /** A secret is a part of a larger expression, or is not named one by one. */
  | 'SECRET_IN_EXPRESSION'
  /** A pure block’s config names a secret. */
  | 'SECRET_IN_PURE_BLOCK'
  /** A secret that a node needs is not set. */
  | 'SECRET_UNAVAILABLE'
  /** An expression names a field that cannot be there, or yields a value of a type that cannot fit. */
  | 'TYPE_CLASH'
  /** No expression uses the variable. */
  | 'VARIABLE_UNUSED';

/** What to run: exactly one of `workflowId` and `definition`. */
export type ExecuteWorkflowInput = {
  /** A definition in place. A definition is an object such as `{ nodes: [{ id: "greet", type: "core.transform", config: { value: "Hello {{ input.name }}" } }], edges: [{ source: "greet", target: "send" }] }`; the query `definitionJsonSchema` tells all of its fields, `blocks` what a node may be. */
  definition?: unknown;
  /** Of the stored workflow, the draft. */
  draft?: boolean | null | undefined;
  /** The same key with the same input gives the same job and execution for 30 days, however often it is sent. */
  idempotencyKey?: string | null | undefined;
  /** The execution’s input, at most 1 MiB; default null. */
  input?: unknown;
  /** An object of free data, kept with the execution. */
  metadata?: unknown;
  /** With the mode TEST: an object by node id or step path of `{ output }` or `{ error: { code, message, retryable } }`, with `durationMs` where that matters, or of lists of them. The one node of a job of type SEARCH has the id `search`, that of UPLOAD_TO_META the id `upload`. */
  mocks?: unknown;
  /** What the run is meant for. */
  mode?: ExecutionMode | null | undefined;
  /** Among the jobs that want a worker: from -100 to 100, the higher the sooner. */
  priority?: number | null | undefined;
  /** The instant before which no worker takes it up; it stays QUEUED until then. Default: at once. */
  runAt?: string | null | undefined;
  /** Free words to find it by. At most 50 items; a list of more than 100 is refused unread. */
  tags?: Array<string> | null | undefined;
  /** An object on top of the definition’s defaults. */
  variables?: unknown;
  /** Of the stored workflow, the version of this number. */
  version?: number | null | undefined;
  /** A stored workflow: its newest version, or its draft when none is published. `simulateWorkflow` takes the draft unless it is given a `version`. */
  workflowId?: string | number | null | undefined;
};

/** Whether a run touches the outside. It is recorded, and templates see it as `execution.mode`. Pure blocks, waits, loops and logs do the same in every mode. */
export type ExecutionMode =
  /** A show that needs no key and no network: blocks that would call out give their samples after a short while. */
  | 'DEMO'
  /** Real work: blocks call out, with your secrets. */
  | 'PRODUCTION'
  /** A test: blocks that would call out do what `mocks` says, and fail with MOCK_MISSING where it says nothing. */
  | 'TEST';

/** What an event tells. */
export type JobEventKind =
  /** The job ended by a cancel. Nothing follows. */
  | 'JOB_CANCELED'
  /** The worker obeys a cancel. */
  | 'JOB_CANCELING'
  /** The job ended well. Nothing follows. */
  | 'JOB_COMPLETED'
  /** The job ended with an error. Nothing follows. */
  | 'JOB_FAILED'
  /** The job was asked to pause, and nothing of it runs any more. */
  | 'JOB_PAUSED'
  /** A handler function reported its progress. */
  | 'JOB_PROGRESS'
  /** The job wants a worker. */
  | 'JOB_QUEUED'
  /** A worker was lost and another one goes on. */
  | 'JOB_RECOVERED'
  /** The job goes on after a pause. */
  | 'JOB_RESUMED'
  /** A worker took the job up for the first time. */
  | 'JOB_STARTED'
  /** Only waits are left: no worker is held. */
  | 'JOB_WAITING'
  /** One item of a loop ended well. */
  | 'LOOP_ITEM_COMPLETED'
  /** One item of a loop failed. */
  | 'LOOP_ITEM_FAILED'
  /** A signal did not fit the wait that it would have ended, and was thrown away. */
  | 'SIGNAL_DISCARDED'
  /** A waiting step took a signal. */
  | 'SIGNAL_RECEIVED'
  /** The step was cut off. */
  | 'STEP_CANCELED'
  /** The step ended well. */
  | 'STEP_COMPLETED'
  /** The step failed for good. */
  | 'STEP_FAILED'
  /** A block wrote a line. */
  | 'STEP_LOG'
  /** A block says what it is at. */
  | 'STEP_PROGRESS'
  /** An attempt failed and another will be made. */
  | 'STEP_RETRYING'
  /** No live edge leads to the step: it will not run. */
  | 'STEP_SKIPPED'
  /** An attempt of an external step, or a loop, began. */
  | 'STEP_STARTED'
  /** A piece of text that a block hands out as it comes; told only to those who ask for this kind. */
  | 'STEP_STREAM'
  /** The step waits and holds nothing. */
  | 'STEP_WAITING';

/** Where a job and its execution stand. */
export type JobStatus =
  /** Ended by a cancel. */
  | 'CANCELED'
  /** A cancel was accepted and is being carried out. */
  | 'CANCELING'
  /** Ended well. */
  | 'COMPLETED'
  /** Stored by a program that has not started it yet. */
  | 'CREATED'
  /** Ended with an error. */
  | 'FAILED'
  /** Nothing starts until it is resumed. */
  | 'PAUSED'
  /** Wants a worker. */
  | 'QUEUED'
  /** A worker runs it. */
  | 'RUNNING'
  /** Only waits are left; no worker is held. */
  | 'WAITING';

export type ExecuteMutationVariables = Exact<{
  input: ExecuteWorkflowInput;
}>;


export type ExecuteMutation = { executeWorkflow:
    | { __typename: 'ExecuteWorkflowPayload', job: { id: string }, execution: { id: string } }
    | { __typename: 'IdempotencyConflict', code: string, message: string }
    | { __typename: 'InputInvalid', code: string, message: string }
    | { __typename: 'InvalidArgument', code: string, message: string }
    | { __typename: 'NotFound', code: string, message: string }
    | { __typename: 'QuotaExceeded', code: string, message: string }
    | { __typename: 'ValidationFailed', code: string, message: string, diagnostics: Array<{ code: DiagnosticCode, message: string }> }
    | { __typename: 'WorkflowArchived', code: string, message: string }
   };

export type FollowSubscriptionVariables = Exact<{
  jobId: string | number;
  after: number;
}>;


export type FollowSubscription = { jobEvents: { cursor: number, events: Array<
      | { seq: number, kind: JobEventKind, progress: number }
      | { seq: number, kind: JobEventKind, progress: number }
      | { seq: number, kind: JobEventKind, progress: number }
      | { seq: number, kind: JobEventKind, progress: number }
      | { seq: number, kind: JobEventKind, progress: number }
      | { seq: number, kind: JobEventKind, progress: number }
      | { seq: number, kind: JobEventKind, progress: number }
      | { seq: number, kind: JobEventKind, progress: number }
      | { seq: number, kind: JobEventKind, progress: number }
      | { seq: number, kind: JobEventKind, progress: number }
      | { seq: number, kind: JobEventKind, progress: number }
      | { path: string, seq: number, kind: JobEventKind, progress: number }
      | { path: string, seq: number, kind: JobEventKind, progress: number }
      | { path: string, seq: number, kind: JobEventKind, progress: number }
      | { path: string, seq: number, kind: JobEventKind, progress: number }
      | { path: string, seq: number, kind: JobEventKind, progress: number }
      | { path: string, seq: number, kind: JobEventKind, progress: number }
      | { path: string, seq: number, kind: JobEventKind, progress: number }
      | { path: string, seq: number, kind: JobEventKind, progress: number }
      | { path: string, seq: number, kind: JobEventKind, progress: number }
      | { path: string, seq: number, kind: JobEventKind, progress: number }
      | { path: string, seq: number, kind: JobEventKind, progress: number }
      | { path: string, seq: number, kind: JobEventKind, progress: number }
      | { path: string, seq: number, kind: JobEventKind, progress: number }
      | { path: string, seq: number, kind: JobEventKind, progress: number }
    > } };

export type EndingQueryVariables = Exact<{
  executionId: string | number;
}>;


export type EndingQuery = { execution: { status: JobStatus, output: unknown, error: { code: string, message: string, path: string | null } | null } | null };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}

export const ExecuteDocument = new TypedDocumentString(`
    mutation Execute($input: ExecuteWorkflowInput!) {
  executeWorkflow(input: $input) {
    __typename
    ... on ExecuteWorkflowPayload {
      job {
        id
      }
      execution {
        id
      }
    }
    ... on ValidationFailed {
      diagnostics {
        code
        message
      }
    }
    ... on Error {
      code
      message
    }
  }
}
    `) as unknown as TypedDocumentString<ExecuteMutation, ExecuteMutationVariables>;
export const FollowDocument = new TypedDocumentString(`
    subscription Follow($jobId: ID!, $after: Int!) {
  jobEvents(jobId: $jobId, after: $after) {
    cursor
    events {
      seq
      kind
      progress
      ... on StepEvent {
        path
      }
      ... on LoopItemCompletedEvent {
        path
      }
      ... on LoopItemFailedEvent {
        path
      }
    }
  }
}
    `) as unknown as TypedDocumentString<FollowSubscription, FollowSubscriptionVariables>;
export const EndingDocument = new TypedDocumentString(`
    query Ending($executionId: ID!) {
  execution(id: $executionId) {
    status
    output
    error {
      code
      message
      path
    }
  }
}
    `) as unknown as TypedDocumentString<EndingQuery, EndingQueryVariables>;