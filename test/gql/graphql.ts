/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** Where a block stands in the catalogue. */
export type BlockCategory =
  /** Asks a model. */
  | 'AI'
  /** Calls somebody’s API. */
  | 'API'
  /** Control and data, without the outside. */
  | 'CORE'
  /** Made by the people who run this Lume. */
  | 'CUSTOM';

/** What a block touches. */
export type BlockEffect =
  /** The outside: its result is committed before anything depends on it. */
  | 'EXTERNAL'
  /** Nothing: its result depends on recorded facts alone. */
  | 'PURE';

/** Whether a test of a block touches the outside. */
export type BlockTestMode =
  /** One attempt for real, with your secrets: it may cost money and change things. */
  | 'REAL'
  /** It does what `mocks` says, else gives its sample; all attempts, on a virtual clock. */
  | 'SIMULATED';

/** A new workflow. */
export type CreateWorkflowInput = {
  /** The draft; may be unfinished or wrong. */
  definition?: unknown;
  /** For people. */
  description?: string | null | undefined;
  /** For people; default: the definition’s `name`, else "Untitled workflow". */
  name?: string | null | undefined;
  /** Free words to find it by. */
  tags?: Array<string> | null | undefined;
};

/** Which workflow to delete. */
export type DeleteWorkflowInput = {
  /** Refuse when it has another revision by now. */
  expectedRevision?: number | null | undefined;
  /** The workflow’s global id. */
  id: string | number;
};

/** Everything that can be wrong with a definition. The codes are stable. */
export type DiagnosticCode =
  /** No block of this type is registered. */
  | 'BLOCK_UNKNOWN'
  /** A config does not fit its block’s schema. */
  | 'CONFIG_INVALID'
  /** The graph has no nodes. */
  | 'DEFINITION_EMPTY'
  /** The document does not have the shape of a definition. */
  | 'DEFINITION_MALFORMED'
  /** The definition has too many nodes or bytes. */
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
  /** An expression uses a name that is not in scope. */
  | 'NAME_UNKNOWN'
  /** Two nodes have the same id. */
  | 'NODE_ID_DUPLICATE'
  /** An expression names a node whose result is not known yet when it is evaluated. */
  | 'NODE_NOT_UPSTREAM'
  /** An expression names a node that does not exist. */
  | 'NODE_UNKNOWN'
  /** A pure block’s config names a secret. */
  | 'SECRET_IN_PURE_BLOCK';

/** What to run: exactly one of `workflowId` and `definition`. */
export type ExecuteWorkflowInput = {
  /** A definition in place. */
  definition?: unknown;
  /** The same key with the same input gives the same execution for 30 days, however often it is sent. */
  idempotencyKey?: string | null | undefined;
  /** The execution’s input, at most 1 MiB; default null. */
  input?: unknown;
  /** An object of free data, kept with the execution. */
  metadata?: unknown;
  /** With the mode TEST: an object by node id or step path of `{ output }` or `{ error: { code, message, retryable } }`, with `durationMs` where that matters, or of lists of them. */
  mocks?: unknown;
  /** What the run is meant for. */
  mode?: ExecutionMode | null | undefined;
  /** An object on top of the definition’s defaults. */
  variables?: unknown;
  /** A stored workflow. */
  workflowId?: string | number | null | undefined;
};

/** Which executions; all conditions must hold. */
export type ExecutionFilter = {
  /** In one of these states. */
  status?: Array<JobStatus> | null | undefined;
  /** Of this workflow. */
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

/** What kind of work a job is. */
export type JobType =
  /** Searches people or profiles. */
  | 'SEARCH'
  /** Uploads contacts to a Meta audience. */
  | 'UPLOAD_TO_META'
  /** Runs a workflow. */
  | 'WORKFLOW';

/** How much a line matters. */
export type LogLevel =
  /** For whoever writes the block. */
  | 'DEBUG'
  /** Something went wrong. */
  | 'ERROR'
  /** What goes on. */
  | 'INFO'
  /** Somebody may want to know. */
  | 'WARN';

/** What a failed step leads to. */
export type OnError =
  /** The run goes on with the node’s default output. */
  | 'CONTINUE'
  /** The execution fails, or the loop’s item does. */
  | 'FAIL'
  /** The run goes on by the handle `error`. */
  | 'ROUTE';

/** How bad a diagnostic is. */
export type Severity =
  /** The definition cannot run. */
  | 'ERROR'
  /** It can run, but something is probably not meant so. */
  | 'WARNING';

/** What to simulate: exactly one of `workflowId` and `definition`. */
export type SimulateWorkflowInput = {
  /** A definition in place. */
  definition?: unknown;
  /** The run’s input, at most 1 MiB; default null. */
  input?: unknown;
  /** An object by node id or step path of `{ output }`, `{ error: { code, message, retryable, retryAfterMs, details } }` or, for a wait, `{ timeout: true }`, each with `durationMs` where that matters; or of lists of them, by attempt or loop item, of which the last entry repeats. Default: the blocks’ samples. */
  mocks?: unknown;
  /** The virtual instant of the start; default: now. */
  startedAt?: string | null | undefined;
  /** An object on top of the definition’s defaults. */
  variables?: unknown;
  /** A stored workflow, whose draft is simulated. */
  workflowId?: string | number | null | undefined;
};

/** Where a step stands. */
export type StepStatus =
  /** Cut off, or never reached. */
  | 'CANCELED'
  /** Ended well. */
  | 'COMPLETED'
  /** Failed for good; `handles` says whether the run went on. */
  | 'FAILED'
  /** Not begun. */
  | 'PENDING'
  /** An attempt failed; another will be made at `dueAt`. */
  | 'RETRYING'
  /** An attempt is being made. */
  | 'RUNNING'
  /** No live edge led to it. */
  | 'SKIPPED'
  /** Waits until `dueAt`, holding nothing. */
  | 'WAITING';

/** Which block to try, and on what. */
export type TestBlockInput = {
  /** Its config; templates in it see `input` and `variables`. Default: an object without members. */
  config?: unknown;
  /** What the block is given; default null. */
  input?: unknown;
  /** With SIMULATED: `{ output }` or `{ error: { code, message, retryable } }`, with `durationMs` where that matters, or a list of them by attempt. Default: the block’s sample. */
  mocks?: unknown;
  /** Whether to call out. */
  mode?: BlockTestMode | null | undefined;
  /** As a node’s `onError`; default FAIL. */
  onError?: OnError | null | undefined;
  /** As a node’s `retry`; default: the block’s own. */
  retry?: unknown;
  /** How long an attempt may take; default: the block’s own. */
  timeoutMs?: number | null | undefined;
  /** The block type, such as `api.http`. */
  type: string;
  /** An object that templates see as `variables`. */
  variables?: unknown;
};

/** Changes of a workflow; what is left out stays. */
export type UpdateWorkflowInput = {
  /** The whole draft; replaces the one it had. */
  definition?: unknown;
  /** For people. */
  description?: string | null | undefined;
  /** Refuse when it has another revision by now. */
  expectedRevision?: number | null | undefined;
  /** The workflow’s global id. */
  id: string | number;
  /** For people. */
  name?: string | null | undefined;
  /** All tags; replaces those it had. */
  tags?: Array<string> | null | undefined;
};

/** What to validate: exactly one of the two. */
export type ValidateWorkflowInput = {
  /** A definition in place. */
  definition?: unknown;
  /** A stored workflow, whose draft is validated. */
  workflowId?: string | number | null | undefined;
};

/** What a step waits for. */
export type WaitKind =
  /** The end of an execution that it has started. */
  | 'CHILD'
  /** A signal from outside: `signalExecution` sends one. */
  | 'SIGNAL'
  /** An instant. */
  | 'TIMER';

export type BenchChainMutationVariables = Exact<{
  definition: unknown;
}>;


export type BenchChainMutation = { executeWorkflow:
    | { job: { id: string } }
    | Record<PropertyKey, never>
   };

export type BenchLatencyMutationVariables = Exact<{
  definition: unknown;
}>;


export type BenchLatencyMutation = { executeWorkflow:
    | { job: { id: string } }
    | Record<PropertyKey, never>
   };

export type BenchWatchSubscriptionVariables = Exact<{
  jobId: string | number;
}>;


export type BenchWatchSubscription = { jobEvents: { events: Array<
      | { kind: JobEventKind }
      | { kind: JobEventKind }
      | { kind: JobEventKind }
      | { kind: JobEventKind }
      | { kind: JobEventKind }
      | { kind: JobEventKind }
      | { kind: JobEventKind }
      | { kind: JobEventKind }
      | { kind: JobEventKind }
      | { kind: JobEventKind }
      | { kind: JobEventKind }
      | { kind: JobEventKind }
      | { kind: JobEventKind }
      | { kind: JobEventKind }
      | { kind: JobEventKind }
      | { kind: JobEventKind }
      | { kind: JobEventKind }
      | { kind: JobEventKind }
      | { kind: JobEventKind }
      | { kind: JobEventKind }
      | { kind: JobEventKind }
      | { kind: JobEventKind }
      | { kind: JobEventKind }
      | { kind: JobEventKind }
      | { kind: JobEventKind }
    > } };

export type ReadAfterBadInputQueryVariables = Exact<{
  id: string | number;
}>;


export type ReadAfterBadInputQuery = { execution: { status: JobStatus, input: unknown, output: unknown, variables: unknown, metadata: unknown, error: { code: string, message: string } | null } | null };

export type StoreWorkflowMutationVariables = Exact<{
  definition: unknown;
}>;


export type StoreWorkflowMutation = { createWorkflow:
    | { workflow: { id: string } }
    | { message: string }
   };

export type ReadExecutionQueryVariables = Exact<{
  id: string | number;
}>;


export type ReadExecutionQuery = { execution: { id: string, status: JobStatus, progress: number, mode: ExecutionMode, input: unknown, variables: unknown, output: unknown, metadata: unknown, definition: unknown, createdAt: string, startedAt: string | null, finishedAt: string | null, error: { code: string, message: string, path: string | null, details: unknown } | null, graph: { nodes: Array<{ id: string }> }, workflow: { id: string, name: string } | null, job: { id: string, type: JobType, status: JobStatus, progress: number, result: unknown, completedNodes: number, totalNodes: number, currentStep: string | null, lastSeq: number, execution: { id: string } }, steps: { totalCount: number, edges: Array<{ node: { id: string, path: string, nodeId: string, type: string, status: StepStatus, attempt: number, handles: Array<string>, input: unknown, config: unknown, output: unknown, dueAt: string | null, startedAt: string | null, finishedAt: string | null, error: { code: string, message: string, details: unknown } | null, attempts: Array<{ number: number, status: StepStatus, startedAt: string, finishedAt: string, callMayHaveHappened: boolean, error: { code: string, message: string } | null }> } }> } } | null };

export type PageStepsQueryVariables = Exact<{
  id: string | number;
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
}>;


export type PageStepsQuery = { execution: { steps: { totalCount: number, pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null }, edges: Array<{ node: { path: string, type: string } }> } } | null };

export type ListExecutionsQueryVariables = Exact<{
  filter?: ExecutionFilter | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type ListExecutionsQuery = { executions: { totalCount: number, pageInfo: { hasNextPage: boolean, endCursor: string | null }, edges: Array<{ node: { id: string, status: JobStatus } }> } };

export type ExecutionsOfWorkflowQueryVariables = Exact<{
  id: string | number;
  after?: string | null | undefined;
}>;


export type ExecutionsOfWorkflowQuery = { workflow: { executions: { totalCount: number, pageInfo: { endCursor: string | null, hasNextPage: boolean }, edges: Array<{ node: { id: string } }> } } | null };

export type CancelMutationVariables = Exact<{
  id: string | number;
}>;


export type CancelMutation = { cancelExecution:
    | { __typename: 'AlreadyEnded', code: string, message: string, path: Array<string> }
    | { __typename: 'CancelExecutionPayload', execution: { id: string, status: JobStatus } }
    | { __typename: 'NotFound', code: string, message: string, path: Array<string> }
   };

export type ReplaceMutationVariables = Exact<{
  id: string | number;
  definition: unknown;
}>;


export type ReplaceMutation = { updateWorkflow:
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'RevisionConflict' }
    | { __typename: 'UpdateWorkflowPayload' }
   };

export type RemoveMutationVariables = Exact<{
  id: string | number;
}>;


export type RemoveMutation = { deleteWorkflow:
    | { __typename: 'DeleteWorkflowPayload' }
    | { __typename: 'NotFound' }
    | { __typename: 'RevisionConflict' }
   };

export type ResultOfLeadsQueryVariables = Exact<{
  id: string | number;
}>;


export type ResultOfLeadsQuery = { execution: { output: unknown } | null };

export type BlocksThatFaultQueryVariables = Exact<{ [key: string]: never; }>;


export type BlocksThatFaultQuery = { blocks: Array<{ type: string }> };

export type ReadJobQueryVariables = Exact<{
  id: string | number;
}>;


export type ReadJobQuery = { job: { id: string, type: JobType, status: JobStatus, progress: number, currentStep: string | null, completedNodes: number, totalNodes: number, lastSeq: number, result: unknown, createdAt: string, startedAt: string | null, finishedAt: string | null, error: { code: string } | null, execution: { id: string, status: JobStatus } } | null };

export type PageJobEventsQueryVariables = Exact<{
  id: string | number;
  after?: number | null | undefined;
  first?: number | null | undefined;
}>;


export type PageJobEventsQuery = { job: { events: { cursor: number, hasMore: boolean, events: Array<
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { id: string, seq: number, at: string, kind: JobEventKind, progress: number }
      > }, execution: { events: { cursor: number, hasMore: boolean, events: Array<
          | { id: string }
          | { id: string }
          | { id: string }
          | { id: string }
          | { id: string }
          | { id: string }
          | { id: string }
          | { id: string }
          | { id: string }
          | { id: string }
          | { id: string }
          | { id: string }
          | { id: string }
          | { id: string }
          | { id: string }
          | { id: string }
          | { id: string }
          | { id: string }
          | { id: string }
          | { id: string }
          | { id: string }
          | { id: string }
          | { id: string }
          | { id: string }
          | { id: string }
        > } } } | null };

export type ReadNodeQueryVariables = Exact<{
  id: string | number;
}>;


export type ReadNodeQuery = { node:
    | { __typename: 'Execution', output: unknown, id: string }
    | { __typename: 'Job', result: unknown, id: string }
    | { __typename: 'Step', path: string, config: unknown, type: string, id: string }
    | { __typename: 'Workflow', name: string, id: string }
   | null };

export type ReadNodesQueryVariables = Exact<{
  ids: Array<string | number> | string | number;
}>;


export type ReadNodesQuery = { nodes: Array<
    | { __typename: 'Execution', id: string }
    | { __typename: 'Job', id: string }
    | { __typename: 'Step', id: string }
    | { __typename: 'Workflow', id: string }
   | null> };

export type ReadBlocksQueryVariables = Exact<{
  category?: BlockCategory | null | undefined;
}>;


export type ReadBlocksQuery = { blocks: Array<{ type: string, name: string, description: string, category: BlockCategory, effect: BlockEffect, configSchema: unknown, outputSchema: unknown, handles: Array<string>, sample: unknown }> };

export type ReadBlockQueryVariables = Exact<{
  type: string;
}>;


export type ReadBlockQuery = { block: { type: string, category: BlockCategory, effect: BlockEffect, handles: Array<string>, configSchema: unknown } | null };

export type FirstStepIdQueryVariables = Exact<{
  id: string | number;
}>;


export type FirstStepIdQuery = { execution: { steps: { edges: Array<{ node: { id: string } }> } } | null };

export type MakeNodeMutationVariables = Exact<{ [key: string]: never; }>;


export type MakeNodeMutation = { createWorkflow:
    | { workflow: { id: string } }
    | Record<PropertyKey, never>
   };

export type SimulateMutationVariables = Exact<{
  input: SimulateWorkflowInput;
}>;


export type SimulateMutation = { simulateWorkflow:
    | { __typename: 'InputInvalid', code: string, message: string, path: Array<string>, problems: Array<{ pointer: string, message: string }> }
    | { __typename: 'InvalidArgument', code: string, message: string, path: Array<string> }
    | { __typename: 'NotFound', code: string, message: string, path: Array<string> }
    | { __typename: 'SimulateWorkflowPayload', status: JobStatus, output: unknown, stepCount: number, eventCount: number, unusedMocks: Array<string>, startedAt: string, finishedAt: string, estimatedDurationMs: number | null, estimatedCostUsd: number | null, error: { code: string, path: string | null, message: string } | null, steps: Array<{ path: string, nodeId: string, type: string, status: StepStatus, attempt: number, handles: Array<string>, input: unknown, config: unknown, output: unknown, startedAt: string | null, finishedAt: string | null, attempts: Array<{ number: number, status: StepStatus }> }>, events: Array<
        | { id: string, seq: number, at: string, kind: JobEventKind }
        | { id: string, seq: number, at: string, kind: JobEventKind }
        | { id: string, seq: number, at: string, kind: JobEventKind }
        | { id: string, seq: number, at: string, kind: JobEventKind }
        | { id: string, seq: number, at: string, kind: JobEventKind }
        | { id: string, seq: number, at: string, kind: JobEventKind }
        | { id: string, seq: number, at: string, kind: JobEventKind }
        | { id: string, seq: number, at: string, kind: JobEventKind }
        | { id: string, seq: number, at: string, kind: JobEventKind }
        | { id: string, seq: number, at: string, kind: JobEventKind }
        | { id: string, seq: number, at: string, kind: JobEventKind }
        | { id: string, seq: number, at: string, kind: JobEventKind }
        | { id: string, seq: number, at: string, kind: JobEventKind }
        | { path: string, id: string, seq: number, at: string, kind: JobEventKind }
        | { path: string, id: string, seq: number, at: string, kind: JobEventKind }
        | { path: string, id: string, seq: number, at: string, kind: JobEventKind }
        | { path: string, id: string, seq: number, at: string, kind: JobEventKind }
        | { path: string, id: string, seq: number, at: string, kind: JobEventKind }
        | { path: string, id: string, seq: number, at: string, kind: JobEventKind }
        | { path: string, id: string, seq: number, at: string, kind: JobEventKind }
        | { path: string, id: string, seq: number, at: string, kind: JobEventKind }
        | { path: string, id: string, seq: number, at: string, kind: JobEventKind }
        | { path: string, id: string, seq: number, at: string, kind: JobEventKind }
        | { path: string, id: string, seq: number, at: string, kind: JobEventKind }
        | { path: string, id: string, seq: number, at: string, kind: JobEventKind }
      >, firstEvents: Array<
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
      >, edges: Array<{ loop: string | null, source: string, target: string, sourceHandle: string, taken: boolean }>, callsOut: Array<{ nodeId: string, nodePath: string, type: string, count: number }>, diagnostics: Array<{ code: DiagnosticCode }> }
    | { __typename: 'ValidationFailed', code: string, message: string, path: Array<string>, diagnostics: Array<{ code: DiagnosticCode }> }
   };

export type TestBlockMutationVariables = Exact<{
  input: TestBlockInput;
}>;


export type TestBlockMutation = { testBlock:
    | { __typename: 'InputInvalid', code: string, message: string, path: Array<string> }
    | { __typename: 'InvalidArgument', code: string, message: string, path: Array<string> }
    | { __typename: 'TestBlockPayload', status: StepStatus, config: unknown, output: unknown, handles: Array<string>, willRetry: boolean, nextAttemptAt: string | null, handledBy: OnError | null, durationMs: number, outputProblems: Array<{ pointer: string, message: string }>, error: { code: string, message: string } | null, waitsFor: { kind: WaitKind, signal: string | null } | null, attempts: Array<{ number: number, status: StepStatus }>, logs: Array<{ level: LogLevel, message: string, fields: unknown }>, usage: { costUsd: number | null, quantities: unknown } | null }
    | { __typename: 'ValidationFailed', code: string, message: string, path: Array<string>, diagnostics: Array<{ code: DiagnosticCode, pointer: string }> }
   };

export type ModeOfQueryVariables = Exact<{
  id: string | number;
}>;


export type ModeOfQuery = { execution: { status: JobStatus, mode: ExecutionMode, output: unknown, error: { code: string, message: string, path: string | null } | null } | null };

export type StoreForSimulationMutationVariables = Exact<{
  definition: unknown;
}>;


export type StoreForSimulationMutation = { createWorkflow:
    | { workflow: { id: string } }
    | Record<PropertyKey, never>
   };

export type ExecutionEventsSubscriptionVariables = Exact<{
  executionId: string | number;
  after?: number | null | undefined;
  kinds?: Array<JobEventKind> | JobEventKind | null | undefined;
}>;


export type ExecutionEventsSubscription = { executionEvents: { cursor: number, job: { id: string }, events: Array<
      | { id: string, seq: number, kind: JobEventKind }
      | { id: string, seq: number, kind: JobEventKind }
      | { id: string, seq: number, kind: JobEventKind }
      | { id: string, seq: number, kind: JobEventKind }
      | { id: string, seq: number, kind: JobEventKind }
      | { id: string, seq: number, kind: JobEventKind }
      | { id: string, seq: number, kind: JobEventKind }
      | { id: string, seq: number, kind: JobEventKind }
      | { id: string, seq: number, kind: JobEventKind }
      | { id: string, seq: number, kind: JobEventKind }
      | { id: string, seq: number, kind: JobEventKind }
      | { id: string, seq: number, kind: JobEventKind }
      | { id: string, seq: number, kind: JobEventKind }
      | { id: string, seq: number, kind: JobEventKind }
      | { id: string, seq: number, kind: JobEventKind }
      | { id: string, seq: number, kind: JobEventKind }
      | { id: string, seq: number, kind: JobEventKind }
      | { id: string, seq: number, kind: JobEventKind }
      | { id: string, seq: number, kind: JobEventKind }
      | { id: string, seq: number, kind: JobEventKind }
      | { id: string, seq: number, kind: JobEventKind }
      | { id: string, seq: number, kind: JobEventKind }
      | { id: string, seq: number, kind: JobEventKind }
      | { id: string, seq: number, kind: JobEventKind }
      | { id: string, seq: number, kind: JobEventKind }
    > } };

export type ValidateOverWebSocketMutationVariables = Exact<{
  definition: unknown;
}>;


export type ValidateOverWebSocketMutation = { validateWorkflow:
    | { valid: boolean }
    | Record<PropertyKey, never>
   };

export type ValidateMutationVariables = Exact<{
  input: ValidateWorkflowInput;
}>;


export type ValidateMutation = { validateWorkflow:
    | { __typename: 'InvalidArgument', code: string, message: string, path: Array<string> }
    | { __typename: 'NotFound', code: string, message: string, path: Array<string> }
    | { __typename: 'ValidateWorkflowPayload', valid: boolean, diagnostics: Array<{ code: DiagnosticCode, severity: Severity, message: string, pointer: string, nodeId: string | null, relatedNodeIds: Array<string>, suggestion: string | null, range: { start: number, end: number } | null }> }
   };

export type StoreForValidationMutationVariables = Exact<{
  definition: unknown;
}>;


export type StoreForValidationMutation = { createWorkflow:
    | { workflow: { id: string } }
    | Record<PropertyKey, never>
   };

export type CountAfterValidationQueryVariables = Exact<{ [key: string]: never; }>;


export type CountAfterValidationQuery = { workflows: { totalCount: number }, executions: { totalCount: number } };

export type CreateWorkflowMutationVariables = Exact<{
  input: CreateWorkflowInput;
}>;


export type CreateWorkflowMutation = { createWorkflow:
    | { __typename: 'CreateWorkflowPayload', workflow: { id: string, name: string, description: string, tags: Array<string>, revision: number, definition: unknown, createdAt: string, updatedAt: string, diagnostics: Array<{ code: DiagnosticCode }>, graph: { nodes: Array<{ id: string, type: string, name: string | null, config: unknown, document: unknown, position: { x: number, y: number } | null }>, edges: Array<{ source: string, target: string, sourceHandle: string, document: unknown }> } }, diagnostics: Array<{ code: DiagnosticCode, severity: Severity, pointer: string, nodeId: string | null }> }
    | { __typename: 'InvalidArgument', code: string, message: string, path: Array<string> }
   };

export type UpdateWorkflowMutationVariables = Exact<{
  input: UpdateWorkflowInput;
}>;


export type UpdateWorkflowMutation = { updateWorkflow:
    | { __typename: 'InvalidArgument', code: string, message: string, path: Array<string> }
    | { __typename: 'NotFound', code: string, message: string, path: Array<string> }
    | { __typename: 'RevisionConflict', revision: number, code: string, message: string, path: Array<string> }
    | { __typename: 'UpdateWorkflowPayload', workflow: { id: string, name: string, description: string, tags: Array<string>, revision: number, definition: unknown, updatedAt: string }, diagnostics: Array<{ code: DiagnosticCode }> }
   };

export type DeleteWorkflowMutationVariables = Exact<{
  input: DeleteWorkflowInput;
}>;


export type DeleteWorkflowMutation = { deleteWorkflow:
    | { __typename: 'DeleteWorkflowPayload', deletedId: string }
    | { __typename: 'NotFound', code: string, message: string, path: Array<string> }
    | { __typename: 'RevisionConflict', revision: number, code: string, message: string, path: Array<string> }
   };

export type ReadWorkflowQueryVariables = Exact<{
  id: string | number;
}>;


export type ReadWorkflowQuery = { workflow: { id: string, name: string, revision: number, definition: unknown } | null };

export type ListWorkflowsQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
}>;


export type ListWorkflowsQuery = { workflows: { totalCount: number, pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null }, edges: Array<{ cursor: string, node: { id: string, name: string } }> } };

export type CountWorkflowsQueryVariables = Exact<{ [key: string]: never; }>;


export type CountWorkflowsQuery = { workflows: { totalCount: number } };

export type StartLeadsMutationVariables = Exact<{
  definition: unknown;
  input: unknown;
  variables?: unknown;
}>;


export type StartLeadsMutation = { executeWorkflow:
    | { __typename: 'ExecuteWorkflowPayload', job: { id: string } }
    | { __typename: 'IdempotencyConflict', code: string, message: string }
    | { __typename: 'InputInvalid', code: string, message: string }
    | { __typename: 'InvalidArgument', code: string, message: string }
    | { __typename: 'NotFound', code: string, message: string }
    | { __typename: 'ValidationFailed', code: string, message: string }
   };

export type WatchLeadsSubscriptionVariables = Exact<{
  jobId: string | number;
  after: number;
}>;


export type WatchLeadsSubscription = { jobEvents: { cursor: number, events: Array<
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
    >, job: { status: JobStatus, result: unknown } } };

export type LeadsTimelineQueryVariables = Exact<{
  jobId: string | number;
}>;


export type LeadsTimelineQuery = { job: { status: JobStatus, result: unknown, events: { hasMore: boolean, events: Array<
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
      > } } | null };

export type StatusAfterRestartQueryVariables = Exact<{
  id: string | number;
}>;


export type StatusAfterRestartQuery = { job: { status: JobStatus, result: unknown } | null };

export type ExecuteMutationVariables = Exact<{
  input: ExecuteWorkflowInput;
}>;


export type ExecuteMutation = { executeWorkflow:
    | { __typename: 'ExecuteWorkflowPayload', deduplicated: boolean, job: { id: string, type: JobType, totalNodes: number }, execution: { id: string, mode: ExecutionMode } }
    | { __typename: 'IdempotencyConflict', code: string, message: string, path: Array<string> }
    | { __typename: 'InputInvalid', code: string, message: string, path: Array<string>, problems: Array<{ pointer: string, message: string }> }
    | { __typename: 'InvalidArgument', code: string, message: string, path: Array<string> }
    | { __typename: 'NotFound', code: string, message: string, path: Array<string> }
    | { __typename: 'ValidationFailed', code: string, message: string, path: Array<string>, diagnostics: Array<{ code: DiagnosticCode, severity: Severity, message: string, pointer: string, nodeId: string | null, relatedNodeIds: Array<string>, suggestion: string | null, range: { start: number, end: number } | null }> }
   };

export type JobEventsSubscriptionVariables = Exact<{
  jobId: string | number;
  after?: number | null | undefined;
  kinds?: Array<JobEventKind> | JobEventKind | null | undefined;
}>;


export type JobEventsSubscription = { jobEvents: { cursor: number, caughtUp: boolean, job: { id: string, status: JobStatus, progress: number, lastSeq: number }, events: Array<
      | { __typename: 'JobCanceledEvent', id: string, seq: number, at: string, kind: JobEventKind, progress: number }
      | { __typename: 'JobCancelingEvent', id: string, seq: number, at: string, kind: JobEventKind, progress: number }
      | { __typename: 'JobCompletedEvent', id: string, seq: number, at: string, kind: JobEventKind, progress: number }
      | { __typename: 'JobFailedEvent', id: string, seq: number, at: string, kind: JobEventKind, progress: number, error: { code: string, message: string, path: string | null } }
      | { __typename: 'JobPausedEvent', id: string, seq: number, at: string, kind: JobEventKind, progress: number }
      | { __typename: 'JobProgressEvent', message: string | null, id: string, seq: number, at: string, kind: JobEventKind, progress: number }
      | { __typename: 'JobQueuedEvent', id: string, seq: number, at: string, kind: JobEventKind, progress: number }
      | { __typename: 'JobRecoveredEvent', recoveries: number, id: string, seq: number, at: string, kind: JobEventKind, progress: number }
      | { __typename: 'JobResumedEvent', id: string, seq: number, at: string, kind: JobEventKind, progress: number }
      | { __typename: 'JobStartedEvent', id: string, seq: number, at: string, kind: JobEventKind, progress: number }
      | { __typename: 'JobWaitingEvent', until: string | null, id: string, seq: number, at: string, kind: JobEventKind, progress: number }
      | { __typename: 'LoopItemCompletedEvent', path: string, nodeId: string, index: number, id: string, seq: number, at: string, kind: JobEventKind, progress: number }
      | { __typename: 'LoopItemFailedEvent', path: string, nodeId: string, index: number, id: string, seq: number, at: string, kind: JobEventKind, progress: number, error: { code: string, message: string } }
      | { __typename: 'SignalDiscardedEvent', path: string, nodeId: string, attempt: number, id: string, seq: number, at: string, kind: JobEventKind, progress: number }
      | { __typename: 'SignalReceivedEvent', path: string, nodeId: string, attempt: number, id: string, seq: number, at: string, kind: JobEventKind, progress: number }
      | { __typename: 'StepCanceledEvent', path: string, nodeId: string, attempt: number, callMayHaveHappened: boolean, id: string, seq: number, at: string, kind: JobEventKind, progress: number }
      | { __typename: 'StepCompletedEvent', path: string, nodeId: string, attempt: number, handles: Array<string>, durationMs: number, id: string, seq: number, at: string, kind: JobEventKind, progress: number }
      | { __typename: 'StepFailedEvent', path: string, nodeId: string, attempt: number, handledBy: OnError, id: string, seq: number, at: string, kind: JobEventKind, progress: number, error: { code: string, message: string, path: string | null, details: unknown } }
      | { __typename: 'StepLogEvent', path: string, nodeId: string, attempt: number, id: string, seq: number, at: string, kind: JobEventKind, progress: number }
      | { __typename: 'StepProgressEvent', path: string, nodeId: string, attempt: number, id: string, seq: number, at: string, kind: JobEventKind, progress: number }
      | { __typename: 'StepRetryingEvent', path: string, nodeId: string, attempt: number, nextAttemptAt: string, id: string, seq: number, at: string, kind: JobEventKind, progress: number, error: { code: string, message: string } }
      | { __typename: 'StepSkippedEvent', path: string, nodeId: string, attempt: number, id: string, seq: number, at: string, kind: JobEventKind, progress: number }
      | { __typename: 'StepStartedEvent', path: string, nodeId: string, attempt: number, id: string, seq: number, at: string, kind: JobEventKind, progress: number }
      | { __typename: 'StepStreamEvent', path: string, nodeId: string, attempt: number, id: string, seq: number, at: string, kind: JobEventKind, progress: number }
      | { __typename: 'StepWaitingEvent', path: string, nodeId: string, attempt: number, until: string | null, id: string, seq: number, at: string, kind: JobEventKind, progress: number }
    > } };

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

export const BenchChainDocument = new TypedDocumentString(`
    mutation BenchChain($definition: JSON!) {
  executeWorkflow(input: {definition: $definition}) {
    ... on ExecuteWorkflowPayload {
      job {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<BenchChainMutation, BenchChainMutationVariables>;
export const BenchLatencyDocument = new TypedDocumentString(`
    mutation BenchLatency($definition: JSON!) {
  executeWorkflow(input: {definition: $definition}) {
    ... on ExecuteWorkflowPayload {
      job {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<BenchLatencyMutation, BenchLatencyMutationVariables>;
export const BenchWatchDocument = new TypedDocumentString(`
    subscription BenchWatch($jobId: ID!) {
  jobEvents(jobId: $jobId) {
    events {
      kind
    }
  }
}
    `) as unknown as TypedDocumentString<BenchWatchSubscription, BenchWatchSubscriptionVariables>;
export const ReadAfterBadInputDocument = new TypedDocumentString(`
    query ReadAfterBadInput($id: ID!) {
  execution(id: $id) {
    status
    input
    output
    variables
    metadata
    error {
      code
      message
    }
  }
}
    `) as unknown as TypedDocumentString<ReadAfterBadInputQuery, ReadAfterBadInputQueryVariables>;
export const StoreWorkflowDocument = new TypedDocumentString(`
    mutation StoreWorkflow($definition: JSON!) {
  createWorkflow(input: {definition: $definition}) {
    ... on CreateWorkflowPayload {
      workflow {
        id
      }
    }
    ... on Error {
      message
    }
  }
}
    `) as unknown as TypedDocumentString<StoreWorkflowMutation, StoreWorkflowMutationVariables>;
export const ReadExecutionDocument = new TypedDocumentString(`
    query ReadExecution($id: ID!) {
  execution(id: $id) {
    id
    status
    progress
    mode
    input
    variables
    output
    metadata
    definition
    createdAt
    startedAt
    finishedAt
    error {
      code
      message
      path
      details
    }
    graph {
      nodes {
        id
      }
    }
    workflow {
      id
      name
    }
    job {
      id
      type
      status
      progress
      result
      completedNodes
      totalNodes
      currentStep
      lastSeq
      execution {
        id
      }
    }
    steps(first: 50) {
      totalCount
      edges {
        node {
          id
          path
          nodeId
          type
          status
          attempt
          handles
          input
          config
          output
          dueAt
          startedAt
          finishedAt
          error {
            code
            message
            details
          }
          attempts {
            number
            status
            startedAt
            finishedAt
            callMayHaveHappened
            error {
              code
              message
            }
          }
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ReadExecutionQuery, ReadExecutionQueryVariables>;
export const PageStepsDocument = new TypedDocumentString(`
    query PageSteps($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  execution(id: $id) {
    steps(first: $first, after: $after, last: $last, before: $before) {
      totalCount
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
      edges {
        node {
          path
          type
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<PageStepsQuery, PageStepsQueryVariables>;
export const ListExecutionsDocument = new TypedDocumentString(`
    query ListExecutions($filter: ExecutionFilter, $first: Int, $after: String) {
  executions(filter: $filter, first: $first, after: $after) {
    totalCount
    pageInfo {
      hasNextPage
      endCursor
    }
    edges {
      node {
        id
        status
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ListExecutionsQuery, ListExecutionsQueryVariables>;
export const ExecutionsOfWorkflowDocument = new TypedDocumentString(`
    query ExecutionsOfWorkflow($id: ID!, $after: String) {
  workflow(id: $id) {
    executions(first: 2, after: $after) {
      totalCount
      pageInfo {
        endCursor
        hasNextPage
      }
      edges {
        node {
          id
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ExecutionsOfWorkflowQuery, ExecutionsOfWorkflowQueryVariables>;
export const CancelDocument = new TypedDocumentString(`
    mutation Cancel($id: ID!) {
  cancelExecution(input: {id: $id}) {
    __typename
    ... on CancelExecutionPayload {
      execution {
        id
        status
      }
    }
    ... on Error {
      code
      message
      path
    }
  }
}
    `) as unknown as TypedDocumentString<CancelMutation, CancelMutationVariables>;
export const ReplaceDocument = new TypedDocumentString(`
    mutation Replace($id: ID!, $definition: JSON!) {
  updateWorkflow(input: {id: $id, definition: $definition, name: "Changed"}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<ReplaceMutation, ReplaceMutationVariables>;
export const RemoveDocument = new TypedDocumentString(`
    mutation Remove($id: ID!) {
  deleteWorkflow(input: {id: $id}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<RemoveMutation, RemoveMutationVariables>;
export const ResultOfLeadsDocument = new TypedDocumentString(`
    query ResultOfLeads($id: ID!) {
  execution(id: $id) {
    output
  }
}
    `) as unknown as TypedDocumentString<ResultOfLeadsQuery, ResultOfLeadsQueryVariables>;
export const BlocksThatFaultDocument = new TypedDocumentString(`
    query BlocksThatFault {
  blocks {
    type
  }
}
    `) as unknown as TypedDocumentString<BlocksThatFaultQuery, BlocksThatFaultQueryVariables>;
export const ReadJobDocument = new TypedDocumentString(`
    query ReadJob($id: ID!) {
  job(id: $id) {
    id
    type
    status
    progress
    currentStep
    completedNodes
    totalNodes
    lastSeq
    result
    createdAt
    startedAt
    finishedAt
    error {
      code
    }
    execution {
      id
      status
    }
  }
}
    `) as unknown as TypedDocumentString<ReadJobQuery, ReadJobQueryVariables>;
export const PageJobEventsDocument = new TypedDocumentString(`
    query PageJobEvents($id: ID!, $after: Int, $first: Int) {
  job(id: $id) {
    events(after: $after, first: $first) {
      cursor
      hasMore
      events {
        id
        seq
        at
        kind
        progress
      }
    }
    execution {
      events(after: $after, first: $first) {
        cursor
        hasMore
        events {
          id
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<PageJobEventsQuery, PageJobEventsQueryVariables>;
export const ReadNodeDocument = new TypedDocumentString(`
    query ReadNode($id: ID!) {
  node(id: $id) {
    __typename
    id
    ... on Workflow {
      name
    }
    ... on Execution {
      output
    }
    ... on Job {
      result
    }
    ... on Step {
      path
      config
      type
    }
  }
}
    `) as unknown as TypedDocumentString<ReadNodeQuery, ReadNodeQueryVariables>;
export const ReadNodesDocument = new TypedDocumentString(`
    query ReadNodes($ids: [ID!]!) {
  nodes(ids: $ids) {
    __typename
    id
  }
}
    `) as unknown as TypedDocumentString<ReadNodesQuery, ReadNodesQueryVariables>;
export const ReadBlocksDocument = new TypedDocumentString(`
    query ReadBlocks($category: BlockCategory) {
  blocks(category: $category) {
    type
    name
    description
    category
    effect
    configSchema
    outputSchema
    handles
    sample
  }
}
    `) as unknown as TypedDocumentString<ReadBlocksQuery, ReadBlocksQueryVariables>;
export const ReadBlockDocument = new TypedDocumentString(`
    query ReadBlock($type: String!) {
  block(type: $type) {
    type
    category
    effect
    handles
    configSchema
  }
}
    `) as unknown as TypedDocumentString<ReadBlockQuery, ReadBlockQueryVariables>;
export const FirstStepIdDocument = new TypedDocumentString(`
    query FirstStepId($id: ID!) {
  execution(id: $id) {
    steps(first: 1) {
      edges {
        node {
          id
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<FirstStepIdQuery, FirstStepIdQueryVariables>;
export const MakeNodeDocument = new TypedDocumentString(`
    mutation MakeNode {
  createWorkflow(input: {name: "Node"}) {
    ... on CreateWorkflowPayload {
      workflow {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<MakeNodeMutation, MakeNodeMutationVariables>;
export const SimulateDocument = new TypedDocumentString(`
    mutation Simulate($input: SimulateWorkflowInput!) {
  simulateWorkflow(input: $input) {
    __typename
    ... on SimulateWorkflowPayload {
      status
      output
      error {
        code
        path
        message
      }
      steps {
        path
        nodeId
        type
        status
        attempt
        attempts {
          number
          status
        }
        handles
        input
        config
        output
        startedAt
        finishedAt
      }
      stepCount
      events {
        id
        seq
        at
        kind
        ... on StepEvent {
          path
        }
      }
      firstEvents: events(first: 1) {
        kind
      }
      eventCount
      edges {
        loop
        source
        target
        sourceHandle
        taken
      }
      callsOut {
        nodeId
        nodePath
        type
        count
      }
      diagnostics {
        code
      }
      unusedMocks
      startedAt
      finishedAt
      estimatedDurationMs
      estimatedCostUsd
    }
    ... on ValidationFailed {
      diagnostics {
        code
      }
    }
    ... on InputInvalid {
      problems {
        pointer
        message
      }
    }
    ... on Error {
      code
      message
      path
    }
  }
}
    `) as unknown as TypedDocumentString<SimulateMutation, SimulateMutationVariables>;
export const TestBlockDocument = new TypedDocumentString(`
    mutation TestBlock($input: TestBlockInput!) {
  testBlock(input: $input) {
    __typename
    ... on TestBlockPayload {
      status
      config
      output
      outputProblems {
        pointer
        message
      }
      handles
      error {
        code
        message
      }
      willRetry
      nextAttemptAt
      handledBy
      waitsFor {
        kind
        signal
      }
      attempts {
        number
        status
      }
      logs {
        level
        message
        fields
      }
      durationMs
      usage {
        costUsd
        quantities
      }
    }
    ... on ValidationFailed {
      diagnostics {
        code
        pointer
      }
    }
    ... on Error {
      code
      message
      path
    }
  }
}
    `) as unknown as TypedDocumentString<TestBlockMutation, TestBlockMutationVariables>;
export const ModeOfDocument = new TypedDocumentString(`
    query ModeOf($id: ID!) {
  execution(id: $id) {
    status
    mode
    output
    error {
      code
      message
      path
    }
  }
}
    `) as unknown as TypedDocumentString<ModeOfQuery, ModeOfQueryVariables>;
export const StoreForSimulationDocument = new TypedDocumentString(`
    mutation StoreForSimulation($definition: JSON!) {
  createWorkflow(input: {definition: $definition}) {
    ... on CreateWorkflowPayload {
      workflow {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<StoreForSimulationMutation, StoreForSimulationMutationVariables>;
export const ExecutionEventsDocument = new TypedDocumentString(`
    subscription ExecutionEvents($executionId: ID!, $after: Int, $kinds: [JobEventKind!]) {
  executionEvents(executionId: $executionId, after: $after, kinds: $kinds) {
    cursor
    job {
      id
    }
    events {
      id
      seq
      kind
    }
  }
}
    `) as unknown as TypedDocumentString<ExecutionEventsSubscription, ExecutionEventsSubscriptionVariables>;
export const ValidateOverWebSocketDocument = new TypedDocumentString(`
    mutation ValidateOverWebSocket($definition: JSON!) {
  validateWorkflow(input: {definition: $definition}) {
    ... on ValidateWorkflowPayload {
      valid
    }
  }
}
    `) as unknown as TypedDocumentString<ValidateOverWebSocketMutation, ValidateOverWebSocketMutationVariables>;
export const ValidateDocument = new TypedDocumentString(`
    mutation Validate($input: ValidateWorkflowInput!) {
  validateWorkflow(input: $input) {
    __typename
    ... on ValidateWorkflowPayload {
      valid
      diagnostics {
        code
        severity
        message
        pointer
        nodeId
        relatedNodeIds
        range {
          start
          end
        }
        suggestion
      }
    }
    ... on Error {
      code
      message
      path
    }
  }
}
    `) as unknown as TypedDocumentString<ValidateMutation, ValidateMutationVariables>;
export const StoreForValidationDocument = new TypedDocumentString(`
    mutation StoreForValidation($definition: JSON!) {
  createWorkflow(input: {definition: $definition}) {
    ... on CreateWorkflowPayload {
      workflow {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<StoreForValidationMutation, StoreForValidationMutationVariables>;
export const CountAfterValidationDocument = new TypedDocumentString(`
    query CountAfterValidation {
  workflows {
    totalCount
  }
  executions {
    totalCount
  }
}
    `) as unknown as TypedDocumentString<CountAfterValidationQuery, CountAfterValidationQueryVariables>;
export const CreateWorkflowDocument = new TypedDocumentString(`
    mutation CreateWorkflow($input: CreateWorkflowInput!) {
  createWorkflow(input: $input) {
    __typename
    ... on CreateWorkflowPayload {
      workflow {
        id
        name
        description
        tags
        revision
        definition
        createdAt
        updatedAt
        diagnostics {
          code
        }
        graph {
          nodes {
            id
            type
            name
            config
            position {
              x
              y
            }
            document
          }
          edges {
            source
            target
            sourceHandle
            document
          }
        }
      }
      diagnostics {
        code
        severity
        pointer
        nodeId
      }
    }
    ... on Error {
      code
      message
      path
    }
  }
}
    `) as unknown as TypedDocumentString<CreateWorkflowMutation, CreateWorkflowMutationVariables>;
export const UpdateWorkflowDocument = new TypedDocumentString(`
    mutation UpdateWorkflow($input: UpdateWorkflowInput!) {
  updateWorkflow(input: $input) {
    __typename
    ... on UpdateWorkflowPayload {
      workflow {
        id
        name
        description
        tags
        revision
        definition
        updatedAt
      }
      diagnostics {
        code
      }
    }
    ... on RevisionConflict {
      revision
    }
    ... on Error {
      code
      message
      path
    }
  }
}
    `) as unknown as TypedDocumentString<UpdateWorkflowMutation, UpdateWorkflowMutationVariables>;
export const DeleteWorkflowDocument = new TypedDocumentString(`
    mutation DeleteWorkflow($input: DeleteWorkflowInput!) {
  deleteWorkflow(input: $input) {
    __typename
    ... on DeleteWorkflowPayload {
      deletedId
    }
    ... on RevisionConflict {
      revision
    }
    ... on Error {
      code
      message
      path
    }
  }
}
    `) as unknown as TypedDocumentString<DeleteWorkflowMutation, DeleteWorkflowMutationVariables>;
export const ReadWorkflowDocument = new TypedDocumentString(`
    query ReadWorkflow($id: ID!) {
  workflow(id: $id) {
    id
    name
    revision
    definition
  }
}
    `) as unknown as TypedDocumentString<ReadWorkflowQuery, ReadWorkflowQueryVariables>;
export const ListWorkflowsDocument = new TypedDocumentString(`
    query ListWorkflows($first: Int, $after: String, $last: Int, $before: String) {
  workflows(first: $first, after: $after, last: $last, before: $before) {
    totalCount
    pageInfo {
      hasNextPage
      hasPreviousPage
      startCursor
      endCursor
    }
    edges {
      cursor
      node {
        id
        name
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ListWorkflowsQuery, ListWorkflowsQueryVariables>;
export const CountWorkflowsDocument = new TypedDocumentString(`
    query CountWorkflows {
  workflows {
    totalCount
  }
}
    `) as unknown as TypedDocumentString<CountWorkflowsQuery, CountWorkflowsQueryVariables>;
export const StartLeadsDocument = new TypedDocumentString(`
    mutation StartLeads($definition: JSON!, $input: JSON!, $variables: JSON) {
  executeWorkflow(
    input: {definition: $definition, input: $input, variables: $variables}
  ) {
    __typename
    ... on ExecuteWorkflowPayload {
      job {
        id
      }
    }
    ... on Error {
      code
      message
    }
  }
}
    `) as unknown as TypedDocumentString<StartLeadsMutation, StartLeadsMutationVariables>;
export const WatchLeadsDocument = new TypedDocumentString(`
    subscription WatchLeads($jobId: ID!, $after: Int!) {
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
    }
    job {
      status
      result
    }
  }
}
    `) as unknown as TypedDocumentString<WatchLeadsSubscription, WatchLeadsSubscriptionVariables>;
export const LeadsTimelineDocument = new TypedDocumentString(`
    query LeadsTimeline($jobId: ID!) {
  job(id: $jobId) {
    status
    result
    events(first: 1000) {
      hasMore
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
      }
    }
  }
}
    `) as unknown as TypedDocumentString<LeadsTimelineQuery, LeadsTimelineQueryVariables>;
export const StatusAfterRestartDocument = new TypedDocumentString(`
    query StatusAfterRestart($id: ID!) {
  job(id: $id) {
    status
    result
  }
}
    `) as unknown as TypedDocumentString<StatusAfterRestartQuery, StatusAfterRestartQueryVariables>;
export const ExecuteDocument = new TypedDocumentString(`
    mutation Execute($input: ExecuteWorkflowInput!) {
  executeWorkflow(input: $input) {
    __typename
    ... on ExecuteWorkflowPayload {
      deduplicated
      job {
        id
        type
        totalNodes
      }
      execution {
        id
        mode
      }
    }
    ... on ValidationFailed {
      diagnostics {
        code
        severity
        message
        pointer
        nodeId
        relatedNodeIds
        range {
          start
          end
        }
        suggestion
      }
    }
    ... on InputInvalid {
      problems {
        pointer
        message
      }
    }
    ... on Error {
      code
      message
      path
    }
  }
}
    `) as unknown as TypedDocumentString<ExecuteMutation, ExecuteMutationVariables>;
export const JobEventsDocument = new TypedDocumentString(`
    subscription JobEvents($jobId: ID!, $after: Int, $kinds: [JobEventKind!]) {
  jobEvents(jobId: $jobId, after: $after, kinds: $kinds) {
    cursor
    caughtUp
    job {
      id
      status
      progress
      lastSeq
    }
    events {
      __typename
      id
      seq
      at
      kind
      progress
      ... on StepEvent {
        path
        nodeId
        attempt
      }
      ... on StepCompletedEvent {
        handles
        durationMs
      }
      ... on StepFailedEvent {
        handledBy
        error {
          code
          message
          path
          details
        }
      }
      ... on StepRetryingEvent {
        nextAttemptAt
        error {
          code
          message
        }
      }
      ... on StepWaitingEvent {
        until
      }
      ... on StepCanceledEvent {
        callMayHaveHappened
      }
      ... on JobWaitingEvent {
        until
      }
      ... on JobFailedEvent {
        error {
          code
          message
          path
        }
      }
      ... on JobRecoveredEvent {
        recoveries
      }
      ... on JobProgressEvent {
        message
      }
      ... on LoopItemCompletedEvent {
        path
        nodeId
        index
      }
      ... on LoopItemFailedEvent {
        path
        nodeId
        index
        error {
          code
          message
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<JobEventsSubscription, JobEventsSubscriptionVariables>;