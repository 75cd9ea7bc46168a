/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** Which workflow to archive, or to take out again. */
export type ArchiveWorkflowInput = {
  /** False: take it out. */
  archived?: boolean | null | undefined;
  /** Refuse when it has another revision by now. */
  expectedRevision?: number | null | undefined;
  /** The workflow’s global id. */
  id: string | number;
};

/** How a viewer has shown who they are. */
export type Authentication =
  /** By an API key made with `createApiKey`. */
  | 'API_KEY'
  /** By a signed token of the server’s issuer. */
  | 'JWT'
  /** Not at all: this server asks nobody, and only this machine reaches it. */
  | 'LOCAL'
  /** By a key of the server’s settings. */
  | 'SETTINGS';

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
  /** Reaches the outside. Its result is committed before any other call that depends on it. */
  | 'EXTERNAL'
  /** Nothing: its result depends on recorded facts alone. */
  | 'PURE';

/** Whether a call of which nobody knows if it happened may be made again. */
export type BlockRepeat =
  /** It may not: after a crash the attempt fails with `CALL_OUTCOME_UNKNOWN`, unless the node says `onUnknown: "retry"`. */
  | 'NEVER'
  /** It may: a second call does no harm. */
  | 'SAFE';

/** Whether a test of a block touches the outside. */
export type BlockTestMode =
  /** One attempt for real, with your secrets: it may cost money and change things. */
  | 'REAL'
  /** It does what `mocks` says, else gives its sample; all attempts, on a virtual clock. */
  | 'SIMULATED';

/** By what a change can break those who start a workflow, read its output or name its parts. */
export type BreakingCode =
  /** A handle that edges left by is gone. */
  | 'HANDLE_REMOVED'
  /** An input that was accepted is refused now. */
  | 'INPUT_FIELD_REFUSED'
  /** An input is required that was not. */
  | 'INPUT_REQUIRED_ADDED'
  /** An input that was accepted is of the wrong type now. */
  | 'INPUT_TYPE_CHANGED'
  /** A node that mocks, retries and readers of its steps may name is gone. */
  | 'NODE_REMOVED'
  /** A node is another block now, so its output may be another one. */
  | 'NODE_TYPE_CHANGED'
  /** A field of the output is gone. */
  | 'OUTPUT_FIELD_REMOVED'
  /** The output is another kind of value now. */
  | 'OUTPUT_REPLACED'
  /** A variable that starts may set is gone. */
  | 'VARIABLE_REMOVED';

/** How a part of a definition changed. */
export type ChangeKind =
  /** It was not there before. */
  | 'ADDED'
  /** It is another one now. */
  | 'CHANGED'
  /** Only its place on the canvas changed. */
  | 'MOVED'
  /** It is not there any more. */
  | 'REMOVED';

/** A new key. */
export type CreateApiKeyInput = {
  /** When it ends by itself; default: never. */
  expiresAt?: string | null | undefined;
  /** For people, such as "CI of the shop". */
  name: string;
  /** What it may do; give the least that will do. */
  role: Role;
};

/** The work: exactly one of `workflow`, `search` and `uploadToMeta`. */
export type CreateJobInput = {
  /** The same key with the same input gives the same job and execution for 30 days, however often it is sent. */
  idempotencyKey?: string | null | undefined;
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
  /** A job of type SEARCH. */
  search?: SearchJobInput | null | undefined;
  /** Free words to find it by. At most 50 items; a list of more than 100 is refused unread. */
  tags?: Array<string> | null | undefined;
  /** A job of type UPLOAD_TO_META. */
  uploadToMeta?: UploadToMetaJobInput | null | undefined;
  /** A job of type WORKFLOW. */
  workflow?: WorkflowJobInput | null | undefined;
};

/** A new schedule: what to start, and either `cron` or `at`. */
export type CreateScheduleInput = {
  /** The one instant at which it occurs, in the future. */
  at?: string | null | undefined;
  /** What happens to occurrences that were missed. */
  catchUp?: ScheduleCatchUp | null | undefined;
  /** How many missed occurrences ALL makes up for, from 1 to 100. */
  catchUpLimit?: number | null | undefined;
  /** A cron pattern, such as `0 9 * * 1-5`: minute, hour, day of month, month, day of week; six fields begin with the second. Either this or `at`. */
  cron?: string | null | undefined;
  /** Run the draft as it is at that time. */
  draft?: boolean | null | undefined;
  /** The input of each execution; default null. It must fit the input schema of what would start now. */
  input?: unknown;
  /** What its executions are meant for; not TEST, which goes with mocks, and a schedule takes none. */
  mode?: ExecutionMode | null | undefined;
  /** For people. */
  name?: string | null | undefined;
  /** What happens to an occurrence while an earlier one still runs. */
  overlap?: ScheduleOverlap | null | undefined;
  /** Make it, but start nothing yet. */
  paused?: boolean | null | undefined;
  /** From -100 to 100, the higher the sooner. */
  priority?: number | null | undefined;
  /** Free words to find its executions by. At most 50 items; a list of more than 100 is refused unread. */
  tags?: Array<string> | null | undefined;
  /** An IANA name such as `Europe/Berlin`: where the pattern’s times of day are meant, summer time included. */
  timeZone?: string | null | undefined;
  /** An object on top of the definition’s defaults. */
  variables?: unknown;
  /** Run the version of this number; default: the newest one at that time. */
  version?: number | null | undefined;
  /** The global id of the workflow to start. */
  workflowId: string | number;
};

/** What to make, and from what. */
export type CreateWorkflowFromTemplateInput = {
  /** For people; default: the template’s description. */
  description?: string | null | undefined;
  /** For people; default: the template’s name. */
  name?: string | null | undefined;
  /** An object that satisfies the template’s `parameters`. Values are put in as they are. */
  parameters?: unknown;
  /** Publish it as version 1 in the same breath. */
  publish?: boolean | null | undefined;
  /** Free words to find it by. At most 50 items; a list of more than 100 is refused unread. */
  tags?: Array<string> | null | undefined;
  /** Such as `lead-filter`. */
  templateId: string | number;
};

/** A new workflow. */
export type CreateWorkflowInput = {
  /** The draft; may be unfinished or wrong, unless it is published. A definition is an object such as `{ nodes: [{ id: "greet", type: "core.transform", config: { value: "Hello {{ input.name }}" } }], edges: [{ source: "greet", target: "send" }] }`; the query `definitionJsonSchema` tells all of its fields, `blocks` what a node may be. */
  definition?: unknown;
  /** For people. */
  description?: string | null | undefined;
  /** For people; default: the definition’s `name`, else "Untitled workflow". */
  name?: string | null | undefined;
  /** Publish it as version 1 in the same breath; nothing is made when it cannot run. */
  publish?: boolean | null | undefined;
  /** Free words to find it by. At most 50 items; a list of more than 100 is refused unread. */
  tags?: Array<string> | null | undefined;
};

/** Which schedule to delete. */
export type DeleteScheduleInput = {
  /** The schedule’s global id. */
  id: string | number;
};

/** Which secret to delete. */
export type DeleteSecretInput = {
  /** Its name. */
  name: string;
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

/** What to copy. */
export type DuplicateWorkflowInput = {
  /** The workflow’s global id. */
  id: string | number;
  /** The name of the copy; default: "Copy of" and the name of the original. */
  name?: string | null | undefined;
};

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

/** Which executions; all conditions must hold. */
export type ExecutionFilter = {
  /** Accepted then or later. */
  createdAfter?: string | null | undefined;
  /** Accepted earlier. */
  createdBefore?: string | null | undefined;
  /** Failed with this in the error’s code or message, capitals or not; at most 200 characters. */
  errorText?: string | null | undefined;
  /** Ended then or later. */
  finishedAfter?: string | null | undefined;
  /** Ended earlier. */
  finishedBefore?: string | null | undefined;
  /** In one of these modes. At most 100 items. */
  mode?: Array<ExecutionMode> | null | undefined;
  /** Started by this schedule. */
  scheduleId?: string | number | null | undefined;
  /** In one of these states. At most 100 items. */
  status?: Array<JobStatus> | null | undefined;
  /** With all of these tags. At most 10 items; a list of more than 100 is refused unread. */
  tags?: Array<string> | null | undefined;
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

/** What started an execution. */
export type ExecutionTrigger =
  /** A client, or a program that uses the library. */
  | 'API'
  /** A step of another execution, `parent`. */
  | 'PARENT'
  /** A retry of another execution, `retryOf`. */
  | 'RETRY'
  /** An occurrence of a schedule. */
  | 'SCHEDULE';

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

/** Which jobs; all conditions must hold. */
export type JobFilter = {
  /** Accepted then or later. */
  createdAfter?: string | null | undefined;
  /** Accepted earlier. */
  createdBefore?: string | null | undefined;
  /** Failed with this in the error’s code or message, capitals or not; at most 200 characters. */
  errorText?: string | null | undefined;
  /** Ended then or later. */
  finishedAfter?: string | null | undefined;
  /** Ended earlier. */
  finishedBefore?: string | null | undefined;
  /** In one of these modes. At most 100 items. */
  mode?: Array<ExecutionMode> | null | undefined;
  /** In one of these states. At most 100 items. */
  status?: Array<JobStatus> | null | undefined;
  /** With all of these tags. At most 10 items; a list of more than 100 is refused unread. */
  tags?: Array<string> | null | undefined;
  /** Of one of these types. At most 100 items. */
  type?: Array<JobType> | null | undefined;
  /** Of this workflow. */
  workflowId?: string | number | null | undefined;
};

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

/** A custom audience by its name, made where the account has none of it. */
export type MetaAudienceInput = {
  /** The ad account, such as "act_1234567890". */
  accountId: string;
  /** What it is for; only of a new audience. */
  description?: string | null | undefined;
  /** What the audience is called. */
  name: string;
};

/** What a failed step leads to. */
export type OnError =
  /** The run goes on with the node’s default output. */
  | 'CONTINUE'
  /** The execution fails, or the loop’s item does. */
  | 'FAIL'
  /** The run goes on by the handle `error`. */
  | 'ROUTE';

/** Which way a list goes. */
export type OrderDirection =
  /** From the first: the oldest, or A. */
  | 'ASC'
  /** From the last: the newest, or Z. */
  | 'DESC';

/** Which people to find with Apollo; needs the secret `apollo`. All conditions must hold. */
export type PeopleSearchInput = {
  /** How many people employers have: ranges such as "11,50". At most 1,000 items. */
  employeeRanges?: Array<string> | null | undefined;
  /** Whether names and e-mail addresses are bought: a credit for each person found. Default no: there is no contact data then. */
  enrich?: boolean | null | undefined;
  /** An object of further filters, under Apollo’s own names. */
  filters?: unknown;
  /** Whether titles that are alike count; default yes. */
  includeSimilarTitles?: boolean | null | undefined;
  /** Words to look for in the whole profile. */
  keywords?: string | null | undefined;
  /** Where people live: cities, states, countries. At most 1,000 items. */
  locations?: Array<string> | null | undefined;
  /** At most how many people to find: 1 to 5,000; default 100. */
  maxResults?: number | null | undefined;
  /** Domains of employers, such as "acme.com". At most 1,000 items. */
  organizationDomains?: Array<string> | null | undefined;
  /** Apollo’s ids of employers. At most 1,000 items. */
  organizationIds?: Array<string> | null | undefined;
  /** Where employers have their headquarters. At most 1,000 items. */
  organizationLocations?: Array<string> | null | undefined;
  /** With `enrich`, whether private e-mail addresses are wanted, too; default no. */
  revealPersonalEmails?: boolean | null | undefined;
  /** The most revenue of employers, without currency. */
  revenueMax?: number | null | undefined;
  /** The least revenue of employers, without currency. */
  revenueMin?: number | null | undefined;
  /** Seniority at the present employer. At most 100 items. */
  seniorities?: Array<Seniority> | null | undefined;
  /** Job titles, such as "head of growth". At most 1,000 items. */
  titles?: Array<string> | null | undefined;
};

/** Which Instagram profiles to look up with Apify; needs the secret `apify`. */
export type ProfileSearchInput = {
  /** At most what the run may cost, in US dollars. */
  maxCostUsd?: number | null | undefined;
  /** Names of profiles, or their URLs; at least one. At most 1,000 items. */
  targets: Array<string>;
  /** How long the run may take on Apify, in seconds; default 900. */
  timeoutSecs?: number | null | undefined;
};

/** Which draft to publish. */
export type PublishWorkflowInput = {
  /** Refuse when it has another revision by now. */
  expectedRevision?: number | null | undefined;
  /** The workflow’s global id. */
  id: string | number;
  /** What to say about the version. */
  note?: string | null | undefined;
};

/** What an owner may hold a bounded amount of. The operator sets the limits, the same for every owner. */
export type QuotaName =
  /** API keys that are neither revoked nor expired. */
  | 'API_KEYS'
  /** Executions that have not ended, child executions and jobs that were never started included. */
  | 'OPEN_EXECUTIONS'
  /** Schedules that are not deleted, paused ones included. */
  | 'SCHEDULES'
  /** Stored secrets, without those of the server’s environment. */
  | 'SECRETS'
  /** Bytes of what executions store (inputs, variables, outputs, events, signals), of definitions and of drafts. Secrets and idempotency keys are not counted. */
  | 'STORED_BYTES'
  /** Workflows that are not deleted, archived ones included. */
  | 'WORKFLOWS';

/** Which ended execution to run once more, and how. */
export type RetryExecutionInput = {
  /** Where to begin; default FAILED. */
  from?: string | null | undefined;
  /** The execution’s global id. */
  id: string | number;
  /** The same key with the same request gives the same execution for 30 days. */
  idempotencyKey?: string | null | undefined;
  /** A JSON Merge Patch (RFC 7396) of the input: members merge, null removes, anything else replaces. Default: the same input. */
  patchInput?: unknown;
  /** Outputs by step path: each of these steps counts as completed with its value and is not run. Only steps of the definition itself, none inside a loop. */
  patchOutputs?: unknown;
  /** From -100 to 100, the higher the sooner; default: the original’s. */
  priority?: number | null | undefined;
  /** Free words to find it by; default: the original’s. At most 50 items; a list of more than 100 is refused unread. */
  tags?: Array<string> | null | undefined;
  /** Which definition to run. */
  version?: RetryVersion | null | undefined;
};

/** Which definition a retry runs. */
export type RetryVersion =
  /** The one that a start of its workflow would run now. */
  | 'LATEST'
  /** That of the execution that it retries. */
  | 'SAME';

/** Which key to revoke. */
export type RevokeApiKeyInput = {
  /** The key’s global id. */
  id: string | number;
};

/** What a credential may do. */
export type Role =
  /** Also see and make API keys, and set secrets. */
  | 'ADMIN'
  /** Also change and execute. */
  | 'EDITOR'
  /** Read everything of its owner, names of secrets included; API keys excepted, and nobody reads the values of secrets. */
  | 'VIEWER';

/** Which version to go back to. */
export type RollbackWorkflowInput = {
  /** Refuse when it has another revision by now: the draft is written over. */
  expectedRevision?: number | null | undefined;
  /** The workflow’s global id. */
  id: string | number;
  /** What to say about the new version; default: which one it restores. */
  note?: string | null | undefined;
  /** The number of the old version. */
  version: number;
};

/** The order of a list of jobs or executions. */
export type RunOrder = {
  /** Which way. */
  direction?: OrderDirection | null | undefined;
  /** By what. */
  field: RunOrderField;
};

/** What a list of jobs or executions is ordered by. */
export type RunOrderField =
  /** When it was accepted. */
  | 'CREATED_AT'
  /** When it ended; what has not ended is left out. */
  | 'FINISHED_AT';

/** What happens to occurrences that were missed: more than a minute late, as after a downtime. */
export type ScheduleCatchUp =
  /** The newest of them start, as many as `catchUpLimit` says. */
  | 'ALL'
  /** The newest starts, unless one that is on time makes up for it. */
  | 'LAST'
  /** They are left out. */
  | 'NONE';

/** Which schedules; all conditions must hold. */
export type ScheduleFilter = {
  /** True: those that are paused. False: those that are not. */
  paused?: boolean | null | undefined;
  /** Of this workflow. */
  workflowId?: string | number | null | undefined;
};

/** What became of an occurrence. */
export type ScheduleOutcome =
  /** It could not be started; `reason` and `message` say why. */
  | 'FAILED'
  /** It waits until the one before it has ended. */
  | 'QUEUED'
  /** A policy left it out; `reason` is MISSED or OVERLAP. */
  | 'SKIPPED'
  /** It has an execution. */
  | 'STARTED';

/** What happens to an occurrence that comes due while an earlier one still runs. */
export type ScheduleOverlap =
  /** It starts all the same. */
  | 'ALLOW'
  /** It starts, and what runs is canceled. */
  | 'CANCEL_PREVIOUS'
  /** It waits for its turn, one at most; more are left out. */
  | 'QUEUE'
  /** It is left out. */
  | 'SKIP';

/** Whom to search: exactly one of `people` and `profiles`. */
export type SearchJobInput = {
  /** People, by Apollo. */
  people?: PeopleSearchInput | null | undefined;
  /** Instagram profiles, by Apify. */
  profiles?: ProfileSearchInput | null | undefined;
};

/** Where a secret comes from. */
export type SecretSource =
  /** An environment variable of the server. */
  | 'ENVIRONMENT'
  /** `setSecret`; wins over the environment’s of the same name. */
  | 'STORED';

/** How senior people are at their present employer. */
export type Seniority =
  /** Is one of its chiefs. */
  | 'C_SUITE'
  /** Is a director. */
  | 'DIRECTOR'
  /** Has begun there. */
  | 'ENTRY'
  /** Founded it. */
  | 'FOUNDER'
  /** Heads a department. */
  | 'HEAD'
  /** Is an intern. */
  | 'INTERN'
  /** Is a manager. */
  | 'MANAGER'
  /** Owns it. */
  | 'OWNER'
  /** Is a partner. */
  | 'PARTNER'
  /** Is a senior. */
  | 'SENIOR'
  /** Is a vice president. */
  | 'VP';

/** A secret to store. Pass it as a variable: documents are logged more often than variables are. */
export type SetSecretInput = {
  /** A letter, then up to 63 letters, digits and underscores. */
  name: string;
  /** 8 to 8,192 characters; replaces the one before. */
  value: string;
};

/** How bad a diagnostic is. */
export type Severity =
  /** The definition cannot run. */
  | 'ERROR'
  /** It can run, but something is probably not meant so. */
  | 'WARNING';

/** A message to a step that waits, such as `core.waitForSignal`. */
export type SignalExecutionInput = {
  /** The execution’s global id. */
  id: string | number;
  /** The same key stands for one signal of the execution, however often it is sent. */
  idempotencyKey?: string | null | undefined;
  /** The name that the step waits for. */
  name: string;
  /** Only for the step at this path; default: whichever waits first. */
  path?: string | null | undefined;
  /** What the step completes with, at most 1 MiB; default null. */
  payload?: unknown;
};

/** What to simulate: exactly one of `workflowId` and `definition`. */
export type SimulateWorkflowInput = {
  /** A definition in place. A definition is an object such as `{ nodes: [{ id: "greet", type: "core.transform", config: { value: "Hello {{ input.name }}" } }], edges: [{ source: "greet", target: "send" }] }`; the query `definitionJsonSchema` tells all of its fields, `blocks` what a node may be. */
  definition?: unknown;
  /** The run’s input, at most 1 MiB; default null. */
  input?: unknown;
  /** An object by node id or step path of `{ output }`, `{ error: { code, message, retryable, retryAfterMs, details } }` or, for a wait, `{ timeout: true }`, each with `durationMs` where that matters; or of lists of them, by attempt or loop item, of which the last entry repeats. Default: the blocks’ samples. */
  mocks?: unknown;
  /** The virtual instant of the start; default: now. */
  startedAt?: string | null | undefined;
  /** An object on top of the definition’s defaults. */
  variables?: unknown;
  /** A published version of the workflow. */
  version?: number | null | undefined;
  /** A stored workflow, whose draft is simulated unless `version` says otherwise. `executeWorkflow` runs the newest version unless it is told `draft`. */
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
  /** Not begun. A node that has not begun has no step at all, so no step of a run shows this. */
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

/** Changes of a schedule; what is left out stays. */
export type UpdateScheduleInput = {
  /** The one instant at which it occurs, in place of `cron`. */
  at?: string | null | undefined;
  /** What happens to missed occurrences. */
  catchUp?: ScheduleCatchUp | null | undefined;
  /** How many missed occurrences ALL makes up for, from 1 to 100. */
  catchUpLimit?: number | null | undefined;
  /** A cron pattern, such as `0 9 * * 1-5`: minute, hour, day of month, month, day of week; six fields begin with the second. Either this or `at`. Takes the place of the other. */
  cron?: string | null | undefined;
  /** Run the draft as it is at that time. */
  draft?: boolean | null | undefined;
  /** The schedule’s global id. */
  id: string | number;
  /** The input of each execution; may be set to null. It must fit the input schema of what would start now. */
  input?: unknown;
  /** What its executions are meant for; not TEST, which goes with mocks, and a schedule takes none. */
  mode?: ExecutionMode | null | undefined;
  /** For people. */
  name?: string | null | undefined;
  /** What happens while an earlier one runs. */
  overlap?: ScheduleOverlap | null | undefined;
  /** True: pause it. False: take it up again; what came due meanwhile is not made up for. */
  paused?: boolean | null | undefined;
  /** From -100 to 100, the higher the sooner. */
  priority?: number | null | undefined;
  /** All tags; replaces those it had. At most 50 items; a list of more than 100 is refused unread. */
  tags?: Array<string> | null | undefined;
  /** An IANA name such as `Europe/Berlin`: where the pattern’s times of day are meant, summer time included. */
  timeZone?: string | null | undefined;
  /** An object on top of the definition’s defaults. */
  variables?: unknown;
  /** Run the version of this number; null: the newest one. */
  version?: number | null | undefined;
};

/** Changes of a workflow; what is left out stays. */
export type UpdateWorkflowInput = {
  /** The whole draft; replaces the one it had. A definition is an object such as `{ nodes: [{ id: "greet", type: "core.transform", config: { value: "Hello {{ input.name }}" } }], edges: [{ source: "greet", target: "send" }] }`; the query `definitionJsonSchema` tells all of its fields, `blocks` what a node may be. */
  definition?: unknown;
  /** For people. */
  description?: string | null | undefined;
  /** Refuse when it has another revision by now, unless all that is sent stands there already: then nothing is changed. */
  expectedRevision?: number | null | undefined;
  /** The workflow’s global id. */
  id: string | number;
  /** For people. */
  name?: string | null | undefined;
  /** All tags; replaces those it had. At most 50 items; a list of more than 100 is refused unread. */
  tags?: Array<string> | null | undefined;
};

/** What an upload does with its people. */
export type UploadAction =
  /** They come into the audience. */
  | 'ADD'
  /** They leave it. */
  | 'REMOVE';

/** Whom to upload, one of `contacts` and `fromJobId`, and where to, one of `audienceId` and `audience`; needs the secret `meta`. */
export type UploadToMetaJobInput = {
  /** What to do with them; default ADD. */
  action?: UploadAction | null | undefined;
  /** A custom audience by its name. */
  audience?: MetaAudienceInput | null | undefined;
  /** A custom audience by Meta’s id. */
  audienceId?: string | null | undefined;
  /** How many people are sent in one call: 1 to 10,000, the default. */
  batchSize?: number | null | undefined;
  /** The people: objects with email, phone, firstName, lastName, city, country… Meta gets only hashes of them. At most 50,000 items. */
  contacts?: Array<unknown> | null | undefined;
  /** The country of contacts that tell none, such as "US". */
  defaultCountry?: string | null | undefined;
  /** Under which name contacts carry what Meta matches by, such as { "FN": "first_name" }; null leaves a key out. */
  fields?: unknown;
  /** A completed job, such as a search: the people are the list `contacts` of its result. */
  fromJobId?: string | number | null | undefined;
};

/** What to validate: exactly one of the two. */
export type ValidateWorkflowInput = {
  /** A definition in place. A definition is an object such as `{ nodes: [{ id: "greet", type: "core.transform", config: { value: "Hello {{ input.name }}" } }], edges: [{ source: "greet", target: "send" }] }`; the query `definitionJsonSchema` tells all of its fields, `blocks` what a node may be. */
  definition?: unknown;
  /** A stored workflow, whose draft is validated. */
  workflowId?: string | number | null | undefined;
};

/** What a step waits for. */
export type WaitKind =
  /** The end of an execution that it has started. */
  | 'CHILD'
  /** Its next attempt, after one that failed. */
  | 'RETRY'
  /** A signal from outside: `signalExecution` sends one. */
  | 'SIGNAL'
  /** An instant. */
  | 'TIMER';

/** Which workflows; all conditions must hold. */
export type WorkflowFilter = {
  /** True: those that are archived, and no others. */
  archived?: boolean | null | undefined;
  /** True: those with a version. False: those without. */
  published?: boolean | null | undefined;
  /** With all of these tags. At most 10 items; a list of more than 100 is refused unread. */
  tags?: Array<string> | null | undefined;
  /** In the name or the description, capitals or not; at most 200 characters. */
  text?: string | null | undefined;
};

/** What to run: exactly one of `workflowId` and `definition`. */
export type WorkflowJobInput = {
  /** A definition in place. A definition is an object such as `{ nodes: [{ id: "greet", type: "core.transform", config: { value: "Hello {{ input.name }}" } }], edges: [{ source: "greet", target: "send" }] }`; the query `definitionJsonSchema` tells all of its fields, `blocks` what a node may be. */
  definition?: unknown;
  /** Of the stored workflow, the draft. */
  draft?: boolean | null | undefined;
  /** The execution’s input, at most 1 MiB; default null. */
  input?: unknown;
  /** An object on top of the definition’s defaults. */
  variables?: unknown;
  /** Of the stored workflow, the version of this number. */
  version?: number | null | undefined;
  /** A stored workflow: its newest version, or its draft when none is published. `simulateWorkflow` takes the draft unless it is given a `version`. */
  workflowId?: string | number | null | undefined;
};

export type BenchWatchSubscriptionVariables = Exact<{
  jobId: string | number;
}>;


export type BenchWatchSubscription = { jobEvents: { cursor: number, events: Array<
      | { at: string, kind: JobEventKind }
      | { at: string, kind: JobEventKind }
      | { at: string, kind: JobEventKind }
      | { at: string, kind: JobEventKind }
      | { at: string, kind: JobEventKind }
      | { at: string, kind: JobEventKind }
      | { at: string, kind: JobEventKind }
      | { at: string, kind: JobEventKind }
      | { at: string, kind: JobEventKind }
      | { at: string, kind: JobEventKind }
      | { at: string, kind: JobEventKind }
      | { at: string, kind: JobEventKind }
      | { at: string, kind: JobEventKind }
      | { at: string, kind: JobEventKind }
      | { at: string, kind: JobEventKind }
      | { at: string, kind: JobEventKind }
      | { at: string, kind: JobEventKind }
      | { at: string, kind: JobEventKind }
      | { at: string, kind: JobEventKind }
      | { at: string, kind: JobEventKind }
      | { at: string, kind: JobEventKind }
      | { at: string, kind: JobEventKind }
      | { at: string, kind: JobEventKind }
      | { at: string, kind: JobEventKind }
      | { at: string, kind: JobEventKind }
    >, job: { status: JobStatus, progress: number } } };

export type BenchExecuteMutationVariables = Exact<{
  workflowId: string | number;
  input?: unknown;
}>;


export type BenchExecuteMutation = { executeWorkflow:
    | { job: { id: string } }
    | { code: string, message: string }
    | { code: string, message: string }
    | { code: string, message: string }
    | { code: string, message: string }
    | { code: string, message: string }
    | { code: string, message: string }
    | { code: string, message: string }
   };

export type BenchFollowSubscriptionVariables = Exact<{
  jobId: string | number;
}>;


export type BenchFollowSubscription = { jobEvents: { events: Array<
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
    >, job: { status: JobStatus, result: unknown } } };

export type BenchCreateMutationVariables = Exact<{
  name: string;
  definition: unknown;
}>;


export type BenchCreateMutation = { createWorkflow:
    | { workflow: { id: string } }
    | { code: string, message: string }
    | { code: string, message: string }
    | { code: string, message: string }
   };

export type BenchStartMutationVariables = Exact<{
  workflowId: string | number;
}>;


export type BenchStartMutation = { executeWorkflow:
    | { job: { id: string }, execution: { id: string } }
    | { code: string, message: string }
    | { code: string, message: string }
    | { code: string, message: string }
    | { code: string, message: string }
    | { code: string, message: string }
    | { code: string, message: string }
    | { code: string, message: string }
   };

export type BenchWaitingQueryVariables = Exact<{ [key: string]: never; }>;


export type BenchWaitingQuery = { jobs: { totalCount: number } };

export type BenchGoMutationVariables = Exact<{
  id: string | number;
}>;


export type BenchGoMutation = { signalExecution:
    | { __typename: 'AlreadyEnded' }
    | { __typename: 'InputInvalid' }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'NotPossible' }
    | { __typename: 'SignalExecutionPayload' }
    | { __typename: 'SignalsFull' }
   };

export type BenchWorkflowQueryVariables = Exact<{
  id: string | number;
}>;


export type BenchWorkflowQuery = { workflow: { id: string, name: string } | null };

export type BenchPageQueryVariables = Exact<{
  after?: string | null | undefined;
}>;


export type BenchPageQuery = { executions: { edges: Array<{ node: { id: string, status: JobStatus, progress: number, startedAt: string | null, finishedAt: string | null } }>, pageInfo: { endCursor: string | null } } };

export type BenchTotalQueryVariables = Exact<{ [key: string]: never; }>;


export type BenchTotalQuery = { executions: { totalCount: number } };

export type ViewerQueryVariables = Exact<{ [key: string]: never; }>;


export type ViewerQuery = { viewer: { ownerId: string, role: Role, authentication: Authentication, name: string, expiresAt: string | null } };

export type CreateApiKeyMutationVariables = Exact<{
  input: CreateApiKeyInput;
}>;


export type CreateApiKeyMutation = { createApiKey:
    | { __typename: 'CreateApiKeyPayload', key: string, apiKey: { id: string, name: string, prefix: string, role: Role, createdAt: string, expiresAt: string | null, lastUsedAt: string | null, revokedAt: string | null } }
    | { __typename: 'InvalidArgument', code: string, message: string, path: Array<string> }
    | { __typename: 'QuotaExceeded', code: string, message: string, path: Array<string> }
   };

export type RevokeApiKeyMutationVariables = Exact<{
  input: RevokeApiKeyInput;
}>;


export type RevokeApiKeyMutation = { revokeApiKey:
    | { __typename: 'NotFound', code: string, path: Array<string> }
    | { __typename: 'RevokeApiKeyPayload', apiKey: { id: string, revokedAt: string | null } }
   };

export type ApiKeysQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type ApiKeysQuery = { apiKeys: { totalCount: number, edges: Array<{ node: { id: string, name: string, prefix: string, lastUsedAt: string | null, revokedAt: string | null } }>, pageInfo: { endCursor: string | null, hasNextPage: boolean } } };

export type ReadAfterBadInputQueryVariables = Exact<{
  id: string | number;
}>;


export type ReadAfterBadInputQuery = { execution: { status: JobStatus, input: unknown, output: unknown, variables: unknown, metadata: unknown, error: { code: string, message: string } | null } | null };

export type WholeBlockQueryVariables = Exact<{
  type: string;
}>;


export type WholeBlockQuery = { block: { icon: string, deprecated: string | null, effect: BlockEffect, repeat: BlockRepeat, isControl: boolean, secrets: Array<string>, timeoutMs: number, retry: { maxAttempts: number, initialDelayMs: number, factor: number, maxDelayMs: number, retryIf: string | null } } | null };

export type WhatBlocksSayQueryVariables = Exact<{ [key: string]: never; }>;


export type WhatBlocksSayQuery = { blocks: Array<{ type: string, docs: string, inputSchema: unknown, expressions: Array<{ pointer: string, binds: Array<string> }> }> };

export type TryBlockMutationVariables = Exact<{
  input: TestBlockInput;
}>;


export type TryBlockMutation = { testBlock:
    | { status: StepStatus, output: unknown, willRetry: boolean, attempts: Array<{ number: number }>, error: { code: string, message: string } | null }
    | Record<PropertyKey, never>
   };

export type GraphOfDraftMutationVariables = Exact<{
  definition: unknown;
}>;


export type GraphOfDraftMutation = { createWorkflow:
    | { workflow: { graph: { nodes: Array<{ id: string, handles: Array<string> }>, edges: Array<{ id: string, sourceHandle: string, targetHandle: string | null }> } } }
    | Record<PropertyKey, never>
   };

export type CreateAnyJobMutationVariables = Exact<{
  input: CreateJobInput;
}>;


export type CreateAnyJobMutation = { createJob:
    | { __typename: 'CreateJobPayload', deduplicated: boolean, job: { id: string, type: JobType }, execution: { id: string, job: { id: string } }, diagnostics: Array<{ code: DiagnosticCode, severity: Severity }> }
    | { __typename: 'IdempotencyConflict', code: string, message: string, path: Array<string> }
    | { __typename: 'InputInvalid', code: string, message: string, path: Array<string>, problems: Array<{ pointer: string, message: string }> }
    | { __typename: 'InvalidArgument', code: string, message: string, path: Array<string> }
    | { __typename: 'NotEnded', code: string, message: string, path: Array<string> }
    | { __typename: 'NotFound', code: string, message: string, path: Array<string> }
    | { __typename: 'QuotaExceeded', code: string, message: string, path: Array<string> }
    | { __typename: 'ValidationFailed', code: string, message: string, path: Array<string> }
    | { __typename: 'WorkflowArchived', code: string, message: string, path: Array<string> }
   };

export type ReadCreatedJobQueryVariables = Exact<{
  id: string | number;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type ReadCreatedJobQuery = { job: { status: JobStatus, type: JobType, progress: number, result: unknown, error: { code: string, path: string | null } | null, contacts: { totalCount: number, pageInfo: { hasNextPage: boolean, endCursor: string | null }, edges: Array<{ node: { source: string | null, sourceId: string | null, firstName: string | null, lastName: string | null, email: string | null, username: string | null, followers: number | null } }> } } | null };

export type CancelCreatedJobMutationVariables = Exact<{
  id: string | number;
}>;


export type CancelCreatedJobMutation = { cancelJob:
    | { __typename: 'AlreadyEnded' }
    | { __typename: 'CancelJobPayload' }
    | { __typename: 'NotFound' }
    | { __typename: 'NotPossible' }
   };

export type CommandEverythingMutationVariables = Exact<{
  id: string | number;
}>;


export type CommandEverythingMutation = { pauseExecution:
    | { __typename: 'AlreadyEnded', code: string, message: string, path: Array<string> }
    | { __typename: 'NotFound', code: string, message: string, path: Array<string> }
    | { __typename: 'NotPossible', status: JobStatus, code: string, message: string, path: Array<string> }
    | { __typename: 'PauseExecutionPayload' }
  , resumeExecution:
    | { __typename: 'AlreadyEnded', code: string, message: string, path: Array<string> }
    | { __typename: 'NotFound', code: string, message: string, path: Array<string> }
    | { __typename: 'NotPossible', status: JobStatus, code: string, message: string, path: Array<string> }
    | { __typename: 'ResumeExecutionPayload' }
  , signalExecution:
    | { __typename: 'AlreadyEnded', code: string, message: string, path: Array<string> }
    | { __typename: 'InputInvalid', code: string, message: string, path: Array<string> }
    | { __typename: 'InvalidArgument', code: string, message: string, path: Array<string> }
    | { __typename: 'NotFound', code: string, message: string, path: Array<string> }
    | { __typename: 'NotPossible', status: JobStatus, code: string, message: string, path: Array<string> }
    | { __typename: 'SignalExecutionPayload' }
    | { __typename: 'SignalsFull', code: string, message: string, path: Array<string> }
   };

type Refused_AlreadyEnded_Fragment = { code: string, message: string, path: Array<string> };

type Refused_IdempotencyConflict_Fragment = { code: string, message: string, path: Array<string> };

type Refused_InputInvalid_Fragment = { code: string, message: string, path: Array<string> };

type Refused_InvalidArgument_Fragment = { code: string, message: string, path: Array<string> };

type Refused_NotEnded_Fragment = { code: string, message: string, path: Array<string> };

type Refused_NotFound_Fragment = { code: string, message: string, path: Array<string> };

type Refused_NotPossible_Fragment = { status: JobStatus, code: string, message: string, path: Array<string> };

type Refused_QuotaExceeded_Fragment = { code: string, message: string, path: Array<string> };

type Refused_RevisionConflict_Fragment = { code: string, message: string, path: Array<string> };

type Refused_ScheduleInvalid_Fragment = { code: string, message: string, path: Array<string> };

type Refused_SecretKeyMissing_Fragment = { code: string, message: string, path: Array<string> };

type Refused_SignalsFull_Fragment = { code: string, message: string, path: Array<string> };

type Refused_ValidationFailed_Fragment = { code: string, message: string, path: Array<string> };

type Refused_WorkflowArchived_Fragment = { code: string, message: string, path: Array<string> };

export type RefusedFragment =
  | Refused_AlreadyEnded_Fragment
  | Refused_IdempotencyConflict_Fragment
  | Refused_InputInvalid_Fragment
  | Refused_InvalidArgument_Fragment
  | Refused_NotEnded_Fragment
  | Refused_NotFound_Fragment
  | Refused_NotPossible_Fragment
  | Refused_QuotaExceeded_Fragment
  | Refused_RevisionConflict_Fragment
  | Refused_ScheduleInvalid_Fragment
  | Refused_SecretKeyMissing_Fragment
  | Refused_SignalsFull_Fragment
  | Refused_ValidationFailed_Fragment
  | Refused_WorkflowArchived_Fragment
;

export type CancelForCommandsMutationVariables = Exact<{
  id: string | number;
}>;


export type CancelForCommandsMutation = { cancelExecution:
    | { __typename: 'AlreadyEnded' }
    | { __typename: 'CancelExecutionPayload' }
    | { __typename: 'NotFound' }
    | { __typename: 'NotPossible' }
   };

export type StoreWorkflowMutationVariables = Exact<{
  definition: unknown;
}>;


export type StoreWorkflowMutation = { createWorkflow:
    | { workflow: { id: string } }
    | { message: string }
    | { message: string }
    | { message: string }
   };

export type ReadExecutionQueryVariables = Exact<{
  id: string | number;
}>;


export type ReadExecutionQuery = { execution: { id: string, status: JobStatus, progress: number, mode: ExecutionMode, input: unknown, variables: unknown, output: unknown, metadata: unknown, definition: unknown, createdAt: string, startedAt: string | null, finishedAt: string | null, error: { code: string, message: string, path: string | null, details: unknown } | null, graph: { nodes: Array<{ id: string }> }, workflow: { id: string, name: string } | null, job: { id: string, type: JobType, status: JobStatus, progress: number, result: unknown, completedNodes: number, totalNodes: number, currentStep: string | null, lastSeq: number, execution: { id: string } }, steps: { totalCount: number, edges: Array<{ node: { id: string, path: string, nodeId: string, type: string, status: StepStatus, attempt: number, handles: Array<string>, input: unknown, config: unknown, output: unknown, dueAt: string | null, startedAt: string | null, finishedAt: string | null, error: { code: string, message: string, details: unknown } | null, attempts: Array<{ number: number, status: StepStatus, startedAt: string, finishedAt: string, callMayHaveHappened: boolean, blockVersion: string | null, error: { code: string, message: string } | null }> } }> } } | null };

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
    | { __typename: 'NotPossible', code: string, message: string, path: Array<string> }
   };

export type ReplaceMutationVariables = Exact<{
  id: string | number;
  definition: unknown;
}>;


export type ReplaceMutation = { updateWorkflow:
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'QuotaExceeded' }
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

export type ExecuteForPlacesMutationVariables = Exact<{
  input: ExecuteWorkflowInput;
}>;


export type ExecuteForPlacesMutation = { executeWorkflow:
    | { __typename: 'ExecuteWorkflowPayload', job: { id: string } }
    | { __typename: 'IdempotencyConflict' }
    | { __typename: 'InputInvalid' }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'ValidationFailed' }
    | { __typename: 'WorkflowArchived' }
   };

export type StatusForPlacesQueryVariables = Exact<{
  id: string | number;
}>;


export type StatusForPlacesQuery = { job: { status: JobStatus } | null };

export type DeleteExampleMutationVariables = Exact<{
  id: string | number;
}>;


export type DeleteExampleMutation = { deleteWorkflow:
    | { __typename: 'DeleteWorkflowPayload' }
    | { __typename: 'NotFound' }
    | { __typename: 'RevisionConflict' }
   };

export type ResultOfLeadsQueryVariables = Exact<{
  id: string | number;
}>;


export type ResultOfLeadsQuery = { execution: { output: unknown } | null };

export type ValidateHostileMutationVariables = Exact<{
  input: ValidateWorkflowInput;
}>;


export type ValidateHostileMutation = { validateWorkflow:
    | { valid: boolean }
    | Record<PropertyKey, never>
   };

export type SimulateHostileMutationVariables = Exact<{
  input: SimulateWorkflowInput;
}>;


export type SimulateHostileMutation = { simulateWorkflow:
    | { code: string, problems: Array<{ message: string }> }
    | Record<PropertyKey, never>
   };

export type BlocksThatFaultQueryVariables = Exact<{ [key: string]: never; }>;


export type BlocksThatFaultQuery = { blocks: Array<{ type: string }> };

export type JobsChangedSubscriptionVariables = Exact<{
  filter?: JobFilter | null | undefined;
}>;


export type JobsChangedSubscription = { jobsChanged: { id: string, status: JobStatus, lastSeq: number, execution: { steps: { edges: Array<{ node: { path: string, output: unknown } }> } } } };

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
    | { __typename: 'ApiKey', id: string }
    | { __typename: 'Execution', output: unknown, id: string }
    | { __typename: 'Job', result: unknown, id: string }
    | { __typename: 'Schedule', id: string }
    | { __typename: 'Step', path: string, config: unknown, type: string, id: string }
    | { __typename: 'Workflow', name: string, id: string }
    | { __typename: 'WorkflowVersion', id: string }
   | null };

export type ReadNodesQueryVariables = Exact<{
  ids: Array<string | number> | string | number;
}>;


export type ReadNodesQuery = { nodes: Array<
    | { __typename: 'ApiKey', id: string }
    | { __typename: 'Execution', id: string }
    | { __typename: 'Job', id: string }
    | { __typename: 'Schedule', id: string }
    | { __typename: 'Step', id: string }
    | { __typename: 'Workflow', id: string }
    | { __typename: 'WorkflowVersion', id: string }
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

export type JobsByModeQueryVariables = Exact<{
  tags?: Array<string> | string | null | undefined;
  mode?: Array<ExecutionMode> | ExecutionMode | null | undefined;
}>;


export type JobsByModeQuery = { jobs: { totalCount: number, edges: Array<{ node: { id: string } }> } };

export type MakeNodeMutationVariables = Exact<{ [key: string]: never; }>;


export type MakeNodeMutation = { createWorkflow:
    | { workflow: { id: string } }
    | Record<PropertyKey, never>
   };

export type JobsChangedOfLimitsSubscriptionVariables = Exact<{ [key: string]: never; }>;


export type JobsChangedOfLimitsSubscription = { jobsChanged: { id: string } };

export type CreateForLineageMutationVariables = Exact<{
  definition: unknown;
}>;


export type CreateForLineageMutation = { createWorkflow:
    | { __typename: 'CreateWorkflowPayload', workflow: { id: string } }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'ValidationFailed' }
   };

export type LineageQueryVariables = Exact<{
  id: string | number;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type LineageQuery = { execution: { id: string, costUsd: number, trigger: ExecutionTrigger, parentPath: string | null, usage: { costUsd: number | null, quantities: unknown }, parent: { id: string } | null, waitsFor: Array<{ path: string, kind: WaitKind, until: string | null, signal: string | null, payloadSchema: unknown, childId: string | null }>, children: { totalCount: number, pageInfo: { hasNextPage: boolean, endCursor: string | null }, edges: Array<{ node: { id: string, parentPath: string | null, parent: { id: string, mode: ExecutionMode } | null } }> } } | null };

export type PageOfLineagesQueryVariables = Exact<{
  first: number;
}>;


export type PageOfLineagesQuery = { executions: { edges: Array<{ node: { id: string, costUsd: number, usage: { costUsd: number | null }, parent: { id: string, status: JobStatus } | null, waitsFor: Array<{ path: string, kind: WaitKind }>, children: { edges: Array<{ node: { id: string, costUsd: number } }> } } }> } };

export type WaitingForRetryQueryVariables = Exact<{
  id: string | number;
}>;


export type WaitingForRetryQuery = { execution: { status: JobStatus, waitsFor: Array<{ path: string, kind: WaitKind, until: string | null, signal: string | null }>, steps: { edges: Array<{ node: { status: StepStatus, dueAt: string | null, waitsFor: { path: string, kind: WaitKind, until: string | null, signal: string | null } | null } }> } } | null };

export type RetryForUsageMutationVariables = Exact<{
  id: string | number;
}>;


export type RetryForUsageMutation = { retryExecution:
    | { __typename: 'IdempotencyConflict' }
    | { __typename: 'InputInvalid' }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotEnded' }
    | { __typename: 'NotFound' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'RetryExecutionPayload', job: { id: string }, execution: { id: string } }
    | { __typename: 'ValidationFailed' }
    | { __typename: 'WorkflowArchived' }
   };

export type SignalLineageMutationVariables = Exact<{
  id: string | number;
}>;


export type SignalLineageMutation = { signalExecution:
    | { __typename: 'AlreadyEnded' }
    | { __typename: 'InputInvalid' }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'NotPossible' }
    | { __typename: 'SignalExecutionPayload' }
    | { __typename: 'SignalsFull' }
   };

export type FollowThroughFaultsSubscriptionVariables = Exact<{
  jobId: string | number;
  after?: number | null | undefined;
  kinds?: Array<JobEventKind> | JobEventKind | null | undefined;
  withRun: boolean;
}>;


export type FollowThroughFaultsSubscription = { jobEvents: { cursor: number, events: Array<
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
    >, job: { status: JobStatus, lastSeq: number, execution?: { status: JobStatus, output: unknown, tags: Array<string>, steps: { edges: Array<{ node: { path: string, status: StepStatus, output: unknown } }> } } } } };

export type JobsChangedThroughFaultsSubscriptionVariables = Exact<{ [key: string]: never; }>;


export type JobsChangedThroughFaultsSubscription = { jobsChanged: { id: string, status: JobStatus, execution: { output: unknown } } };

export type CreateWorkflowToFollowMutationVariables = Exact<{
  definition: unknown;
}>;


export type CreateWorkflowToFollowMutation = { createWorkflow:
    | { __typename: 'CreateWorkflowPayload', workflow: { id: string } }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'ValidationFailed' }
   };

export type FollowWithOwnErrorSubscriptionVariables = Exact<{
  jobId: string | number;
  ofSteps?: string | null | undefined;
  ofWorkflow?: string | null | undefined;
}>;


export type FollowWithOwnErrorSubscription = { jobEvents: { cursor: number, job: { execution: { steps: { edges: Array<{ cursor: string }> }, workflow: { executions: { edges: Array<{ cursor: string }> } } | null } } } };

export type FollowForTortureSubscriptionVariables = Exact<{
  jobId: string | number;
  after?: number | null | undefined;
}>;


export type FollowForTortureSubscription = { jobEvents: { cursor: number, job: { status: JobStatus }, events: Array<
      | { id: string, seq: number, kind: JobEventKind, progress: number }
      | { id: string, seq: number, kind: JobEventKind, progress: number }
      | { id: string, seq: number, kind: JobEventKind, progress: number }
      | { id: string, seq: number, kind: JobEventKind, progress: number }
      | { id: string, seq: number, kind: JobEventKind, progress: number }
      | { id: string, seq: number, kind: JobEventKind, progress: number }
      | { id: string, seq: number, kind: JobEventKind, progress: number }
      | { id: string, seq: number, kind: JobEventKind, progress: number }
      | { id: string, seq: number, kind: JobEventKind, progress: number }
      | { id: string, seq: number, kind: JobEventKind, progress: number }
      | { id: string, seq: number, kind: JobEventKind, progress: number }
      | { id: string, seq: number, kind: JobEventKind, progress: number }
      | { id: string, seq: number, kind: JobEventKind, progress: number }
      | { id: string, seq: number, kind: JobEventKind, progress: number }
      | { id: string, seq: number, kind: JobEventKind, progress: number }
      | { id: string, seq: number, kind: JobEventKind, progress: number }
      | { id: string, seq: number, kind: JobEventKind, progress: number }
      | { id: string, seq: number, kind: JobEventKind, progress: number }
      | { id: string, seq: number, kind: JobEventKind, progress: number }
      | { id: string, seq: number, kind: JobEventKind, progress: number }
      | { id: string, seq: number, kind: JobEventKind, progress: number }
      | { id: string, seq: number, kind: JobEventKind, progress: number }
      | { id: string, seq: number, kind: JobEventKind, progress: number }
      | { id: string, seq: number, kind: JobEventKind, progress: number }
      | { id: string, seq: number, kind: JobEventKind, progress: number }
    > } };

export type StalledReaderSubscriptionVariables = Exact<{
  jobId: string | number;
  after?: number | null | undefined;
}>;


export type StalledReaderSubscription = { jobEvents: { events: Array<
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { message: string | null, seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
    > } };

export type OutageQueriesQueryVariables = Exact<{ [key: string]: never; }>;


export type OutageQueriesQuery = { workflows: { edges: Array<{ node: { id: string } }> }, jobs: { edges: Array<{ node: { id: string } }> }, executions: { edges: Array<{ node: { id: string } }> } };

export type OutageMutationsMutationVariables = Exact<{ [key: string]: never; }>;


export type OutageMutationsMutation = { first:
    | { __typename: 'CreateWorkflowPayload' }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'ValidationFailed' }
   };

export type OutageJobsChangedSubscriptionVariables = Exact<{ [key: string]: never; }>;


export type OutageJobsChangedSubscription = { jobsChanged: { id: string } };

export type PageOfEventsQueryVariables = Exact<{
  id: string | number;
  after?: number | null | undefined;
  first?: number | null | undefined;
  kinds?: Array<JobEventKind> | JobEventKind | null | undefined;
}>;


export type PageOfEventsQuery = { job: { lastSeq: number, events: { cursor: number, hasMore: boolean, events: Array<
        | { seq: number, kind: JobEventKind }
        | { seq: number, kind: JobEventKind }
        | { seq: number, kind: JobEventKind }
        | { seq: number, kind: JobEventKind }
        | { seq: number, kind: JobEventKind }
        | { seq: number, kind: JobEventKind }
        | { seq: number, kind: JobEventKind }
        | { seq: number, kind: JobEventKind }
        | { seq: number, kind: JobEventKind }
        | { seq: number, kind: JobEventKind }
        | { seq: number, kind: JobEventKind }
        | { seq: number, kind: JobEventKind }
        | { seq: number, kind: JobEventKind }
        | { seq: number, kind: JobEventKind }
        | { seq: number, kind: JobEventKind }
        | { seq: number, kind: JobEventKind }
        | { seq: number, kind: JobEventKind }
        | { seq: number, kind: JobEventKind }
        | { seq: number, kind: JobEventKind }
        | { seq: number, kind: JobEventKind }
        | { seq: number, kind: JobEventKind }
        | { seq: number, kind: JobEventKind }
        | { seq: number, kind: JobEventKind }
        | { text: string, seq: number, kind: JobEventKind }
        | { seq: number, kind: JobEventKind }
      > } } | null };

export type QuotasQueryVariables = Exact<{ [key: string]: never; }>;


export type QuotasQuery = { viewer: { quotas: Array<{ name: QuotaName, used: number, limit: number, countedAt: string }> } };

export type StartWithinQuotaMutationVariables = Exact<{
  input: ExecuteWorkflowInput;
}>;


export type StartWithinQuotaMutation = { executeWorkflow:
    | { __typename: 'ExecuteWorkflowPayload', deduplicated: boolean, execution: { id: string } }
    | { __typename: 'IdempotencyConflict' }
    | { __typename: 'InputInvalid' }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'QuotaExceeded', code: string, message: string, path: Array<string>, quota: QuotaName, limit: number, used: number }
    | { __typename: 'ValidationFailed' }
    | { __typename: 'WorkflowArchived' }
   };

export type CancelForQuotaMutationVariables = Exact<{
  id: string | number;
}>;


export type CancelForQuotaMutation = { cancelExecution:
    | { __typename: 'AlreadyEnded' }
    | { __typename: 'CancelExecutionPayload' }
    | { __typename: 'NotFound' }
    | { __typename: 'NotPossible' }
   };

export type MakeWithinQuotaMutationVariables = Exact<{
  name: string;
  definition?: unknown;
  publish?: boolean | null | undefined;
}>;


export type MakeWithinQuotaMutation = { createWorkflow:
    | { __typename: 'CreateWorkflowPayload', workflow: { id: string } }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'QuotaExceeded', code: string, quota: QuotaName, limit: number, used: number }
    | { __typename: 'ValidationFailed' }
   };

export type ChangeWithinQuotaMutationVariables = Exact<{
  id: string | number;
  definition: unknown;
}>;


export type ChangeWithinQuotaMutation = { updateWorkflow:
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'QuotaExceeded', quota: QuotaName }
    | { __typename: 'RevisionConflict' }
    | { __typename: 'UpdateWorkflowPayload' }
   };

export type CopyWithinQuotaMutationVariables = Exact<{
  id: string | number;
}>;


export type CopyWithinQuotaMutation = { duplicateWorkflow:
    | { __typename: 'DuplicateWorkflowPayload' }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'QuotaExceeded' }
   };

export type DeleteForQuotaMutationVariables = Exact<{
  id: string | number;
}>;


export type DeleteForQuotaMutation = { deleteWorkflow:
    | { __typename: 'DeleteWorkflowPayload' }
    | { __typename: 'NotFound' }
    | { __typename: 'RevisionConflict' }
   };

export type ScheduleWithinQuotaMutationVariables = Exact<{
  workflowId: string | number;
}>;


export type ScheduleWithinQuotaMutation = { createSchedule:
    | { __typename: 'CreateSchedulePayload', schedule: { id: string } }
    | { __typename: 'InputInvalid' }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'QuotaExceeded', quota: QuotaName }
    | { __typename: 'ScheduleInvalid' }
    | { __typename: 'WorkflowArchived' }
   };

export type UnscheduleForQuotaMutationVariables = Exact<{
  id: string | number;
}>;


export type UnscheduleForQuotaMutation = { deleteSchedule:
    | { __typename: 'DeleteSchedulePayload' }
    | { __typename: 'NotFound' }
   };

export type SetWithinQuotaMutationVariables = Exact<{
  name: string;
}>;


export type SetWithinQuotaMutation = { setSecret:
    | { __typename: 'InvalidArgument' }
    | { __typename: 'QuotaExceeded', quota: QuotaName }
    | { __typename: 'SecretKeyMissing' }
    | { __typename: 'SetSecretPayload' }
   };

export type UnsetForQuotaMutationVariables = Exact<{
  name: string;
}>;


export type UnsetForQuotaMutation = { deleteSecret:
    | { __typename: 'DeleteSecretPayload' }
    | { __typename: 'NotFound' }
   };

export type KeyWithinQuotaMutationVariables = Exact<{ [key: string]: never; }>;


export type KeyWithinQuotaMutation = { createApiKey:
    | { __typename: 'CreateApiKeyPayload', apiKey: { id: string } }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'QuotaExceeded', quota: QuotaName }
   };

export type RevokeForQuotaMutationVariables = Exact<{
  id: string | number;
}>;


export type RevokeForQuotaMutation = { revokeApiKey:
    | { __typename: 'NotFound' }
    | { __typename: 'RevokeApiKeyPayload' }
   };

export type RetryMutationVariables = Exact<{
  input: RetryExecutionInput;
}>;


export type RetryMutation = { retryExecution:
    | { __typename: 'IdempotencyConflict', code: string, message: string, path: Array<string> }
    | { __typename: 'InputInvalid', code: string, message: string, path: Array<string>, problems: Array<{ pointer: string }> }
    | { __typename: 'InvalidArgument', code: string, message: string, path: Array<string> }
    | { __typename: 'NotEnded', code: string, message: string, path: Array<string> }
    | { __typename: 'NotFound', code: string, message: string, path: Array<string> }
    | { __typename: 'QuotaExceeded', code: string, message: string, path: Array<string> }
    | { __typename: 'RetryExecutionPayload', deduplicated: boolean, job: { id: string }, execution: { id: string, retryFrom: string | null, tags: Array<string>, priority: number, retryOf: { id: string } | null }, diagnostics: Array<{ code: DiagnosticCode, severity: Severity, nodeId: string | null }> }
    | { __typename: 'ValidationFailed', code: string, message: string, path: Array<string>, diagnostics: Array<{ code: DiagnosticCode, nodeId: string | null }> }
    | { __typename: 'WorkflowArchived', code: string, message: string, path: Array<string> }
   };

export type ReadRetriedQueryVariables = Exact<{
  id: string | number;
}>;


export type ReadRetriedQuery = { execution: { status: JobStatus, output: unknown, trigger: ExecutionTrigger, retryFrom: string | null, retryOf: { id: string } | null, retries: { totalCount: number, edges: Array<{ node: { id: string } }> }, steps: { edges: Array<{ node: { path: string, status: StepStatus, attempt: number, config: unknown, input: unknown, output: unknown, reusedFrom: { id: string } | null } }> }, events: { events: Array<
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
        | { path: string, reused: boolean, kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
        | { kind: JobEventKind }
      > } } | null };

export type RetryWithLiteralsMutationVariables = Exact<{
  id: string | number;
}>;


export type RetryWithLiteralsMutation = { word:
    | { __typename: 'IdempotencyConflict' }
    | { __typename: 'InputInvalid' }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotEnded' }
    | { __typename: 'NotFound' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'RetryExecutionPayload', execution: { retryFrom: string | null } }
    | { __typename: 'ValidationFailed' }
    | { __typename: 'WorkflowArchived' }
  , text:
    | { __typename: 'IdempotencyConflict' }
    | { __typename: 'InputInvalid' }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotEnded' }
    | { __typename: 'NotFound' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'RetryExecutionPayload', execution: { retryFrom: string | null } }
    | { __typename: 'ValidationFailed' }
    | { __typename: 'WorkflowArchived' }
   };

export type StoreForRetryMutationVariables = Exact<{
  definition: unknown;
}>;


export type StoreForRetryMutation = { createWorkflow:
    | { workflow: { id: string, revision: number } }
    | Record<PropertyKey, never>
   };

export type ChangeForRetryMutationVariables = Exact<{
  id: string | number;
  definition: unknown;
  expectedRevision: number;
}>;


export type ChangeForRetryMutation = { updateWorkflow:
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'RevisionConflict' }
    | { __typename: 'UpdateWorkflowPayload' }
   };

export type PutAwayForRetryMutationVariables = Exact<{
  id: string | number;
  archived: boolean;
}>;


export type PutAwayForRetryMutation = { archiveWorkflow:
    | { __typename: 'ArchiveWorkflowPayload' }
    | { __typename: 'NotFound' }
    | { __typename: 'RevisionConflict' }
   };

export type DeleteForRetryMutationVariables = Exact<{
  id: string | number;
}>;


export type DeleteForRetryMutation = { deleteWorkflow:
    | { __typename: 'DeleteWorkflowPayload' }
    | { __typename: 'NotFound' }
    | { __typename: 'RevisionConflict' }
   };

export type RunWithOptionsMutationVariables = Exact<{
  input: ExecuteWorkflowInput;
}>;


export type RunWithOptionsMutation = { executeWorkflow:
    | { __typename: 'ExecuteWorkflowPayload', deduplicated: boolean, job: { id: string, priority: number }, execution: { id: string, status: JobStatus, tags: Array<string>, priority: number, runAt: string | null }, diagnostics: Array<{ code: DiagnosticCode, severity: Severity, nodeId: string | null }> }
    | { __typename: 'IdempotencyConflict', code: string, path: Array<string>, message: string }
    | { __typename: 'InputInvalid', code: string, path: Array<string>, message: string }
    | { __typename: 'InvalidArgument', code: string, path: Array<string>, message: string }
    | { __typename: 'NotFound', code: string, path: Array<string>, message: string }
    | { __typename: 'QuotaExceeded', code: string, path: Array<string>, message: string }
    | { __typename: 'ValidationFailed', code: string, path: Array<string>, message: string }
    | { __typename: 'WorkflowArchived', code: string, path: Array<string>, message: string }
   };

export type StatusWithOptionsQueryVariables = Exact<{
  id: string | number;
}>;


export type StatusWithOptionsQuery = { execution: { status: JobStatus, startedAt: string | null } | null };

export type FilteredExecutionsQueryVariables = Exact<{
  filter?: ExecutionFilter | null | undefined;
  orderBy?: RunOrder | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type FilteredExecutionsQuery = { executions: { totalCount: number, pageInfo: { endCursor: string | null, hasNextPage: boolean }, edges: Array<{ node: { id: string } }> } };

export type FilteredJobsQueryVariables = Exact<{
  filter?: JobFilter | null | undefined;
  orderBy?: RunOrder | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type FilteredJobsQuery = { jobs: { totalCount: number, edges: Array<{ cursor: string, node: { id: string, type: JobType, status: JobStatus, execution: { id: string } } }> } };

export type ScheduledWorkflowMutationVariables = Exact<{
  input: CreateWorkflowInput;
}>;


export type ScheduledWorkflowMutation = { createWorkflow:
    | { workflow: { id: string } }
    | Record<PropertyKey, never>
   };

export type SaveScheduledDraftMutationVariables = Exact<{
  input: UpdateWorkflowInput;
}>;


export type SaveScheduledDraftMutation = { updateWorkflow:
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'RevisionConflict' }
    | { __typename: 'UpdateWorkflowPayload' }
   };

export type CreateScheduleMutationVariables = Exact<{
  input: CreateScheduleInput;
}>;


export type CreateScheduleMutation = { createSchedule:
    | { __typename: 'CreateSchedulePayload', schedule: { id: string, name: string, cron: string | null, timeZone: string, at: string | null, overlap: ScheduleOverlap, catchUp: ScheduleCatchUp, paused: boolean, nextAt: string | null, nextRuns: Array<string>, workflow: { id: string } }, diagnostics: Array<{ code: DiagnosticCode, severity: Severity }> }
    | { __typename: 'InputInvalid', code: string, message: string, path: Array<string>, problems: Array<{ pointer: string, message: string }> }
    | { __typename: 'InvalidArgument', code: string, message: string, path: Array<string> }
    | { __typename: 'NotFound', code: string, message: string, path: Array<string> }
    | { __typename: 'QuotaExceeded', code: string, message: string, path: Array<string> }
    | { __typename: 'ScheduleInvalid', example: string, code: string, message: string, path: Array<string> }
    | { __typename: 'WorkflowArchived', code: string, message: string, path: Array<string> }
   };

export type UpdateScheduleMutationVariables = Exact<{
  input: UpdateScheduleInput;
}>;


export type UpdateScheduleMutation = { updateSchedule:
    | { __typename: 'InputInvalid', code: string, path: Array<string> }
    | { __typename: 'InvalidArgument', code: string, path: Array<string> }
    | { __typename: 'NotFound', code: string, path: Array<string> }
    | { __typename: 'ScheduleInvalid', code: string, path: Array<string> }
    | { __typename: 'UpdateSchedulePayload', schedule: { cron: string | null, at: string | null, version: number | null, paused: boolean, nextAt: string | null, tags: Array<string>, input: unknown }, diagnostics: Array<{ code: DiagnosticCode, severity: Severity }> }
    | { __typename: 'WorkflowArchived', code: string, path: Array<string> }
   };

export type DeleteScheduleMutationVariables = Exact<{
  input: DeleteScheduleInput;
}>;


export type DeleteScheduleMutation = { deleteSchedule:
    | { __typename: 'DeleteSchedulePayload', deletedId: string }
    | { __typename: 'NotFound', code: string }
   };

export type ScheduleQueryVariables = Exact<{
  id: string | number;
}>;


export type ScheduleQuery = { schedule: { nextAt: string | null, error: { code: string } | null, lastOccurrences: Array<{ at: string, outcome: ScheduleOutcome, reason: string | null, execution: { id: string, status: JobStatus } | null }>, executions: { totalCount: number, edges: Array<{ node: { id: string, input: unknown, trigger: ExecutionTrigger, scheduledFor: string | null, schedule: { id: string } | null } }> } } | null };

export type ExecutionsOfScheduleQueryVariables = Exact<{
  filter: ExecutionFilter;
}>;


export type ExecutionsOfScheduleQuery = { executions: { edges: Array<{ node: { id: string } }> } };

export type SchedulesQueryVariables = Exact<{
  filter?: ScheduleFilter | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
  workflowId: string | number;
}>;


export type SchedulesQuery = { schedules: { totalCount: number, pageInfo: { endCursor: string | null, hasNextPage: boolean }, edges: Array<{ node: { name: string } }> }, workflow: { schedules: { totalCount: number, edges: Array<{ node: { name: string } }> } } | null };

export type SetSecretMutationVariables = Exact<{
  input: SetSecretInput;
}>;


export type SetSecretMutation = { setSecret:
    | { __typename: 'InvalidArgument', code: string, message: string, path: Array<string> }
    | { __typename: 'QuotaExceeded', code: string, message: string, path: Array<string> }
    | { __typename: 'SecretKeyMissing', code: string, message: string, path: Array<string> }
    | { __typename: 'SetSecretPayload', secret: { name: string, source: SecretSource, updatedAt: string | null } }
   };

export type SetSecretByPartsMutationVariables = Exact<{
  name: string;
  value: string;
}>;


export type SetSecretByPartsMutation = { setSecret:
    | { __typename: 'InvalidArgument' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'SecretKeyMissing' }
    | { __typename: 'SetSecretPayload' }
   };

export type DeleteSecretMutationVariables = Exact<{
  input: DeleteSecretInput;
}>;


export type DeleteSecretMutation = { deleteSecret:
    | { __typename: 'DeleteSecretPayload', deletedName: string }
    | { __typename: 'NotFound', code: string, message: string, path: Array<string> }
   };

export type ListSecretsQueryVariables = Exact<{ [key: string]: never; }>;


export type ListSecretsQuery = { secrets: Array<{ name: string, source: SecretSource, updatedAt: string | null }> };

export type FollowJobSubscriptionVariables = Exact<{
  jobId: string | number;
}>;


export type FollowJobSubscription = { jobEvents: { cursor: number, events: Array<
      | { kind: JobEventKind, seq: number }
      | { kind: JobEventKind, seq: number }
      | { kind: JobEventKind, seq: number }
      | { kind: JobEventKind, seq: number }
      | { kind: JobEventKind, seq: number }
      | { kind: JobEventKind, seq: number }
      | { kind: JobEventKind, seq: number }
      | { kind: JobEventKind, seq: number }
      | { kind: JobEventKind, seq: number }
      | { kind: JobEventKind, seq: number }
      | { kind: JobEventKind, seq: number }
      | { kind: JobEventKind, seq: number }
      | { kind: JobEventKind, seq: number }
      | { kind: JobEventKind, seq: number }
      | { kind: JobEventKind, seq: number }
      | { kind: JobEventKind, seq: number }
      | { kind: JobEventKind, seq: number }
      | { kind: JobEventKind, seq: number }
      | { kind: JobEventKind, seq: number }
      | { kind: JobEventKind, seq: number }
      | { kind: JobEventKind, seq: number }
      | { kind: JobEventKind, seq: number }
      | { kind: JobEventKind, seq: number }
      | { kind: JobEventKind, seq: number }
      | { kind: JobEventKind, seq: number }
    >, job: { id: string, type: JobType, status: JobStatus, progress: number, priority: number, currentStep: string | null, completedNodes: number, totalNodes: number, lastSeq: number, createdAt: string, startedAt: string | null, finishedAt: string | null, result: unknown, error: { code: string } | null } } };

export type FollowWithRunSubscriptionVariables = Exact<{
  jobId: string | number;
}>;


export type FollowWithRunSubscription = { jobEvents: { events: Array<
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
      | { seq: number }
    >, job: { id: string, status: JobStatus, execution: { id: string, status: JobStatus, output: unknown, job: { id: string, lastSeq: number }, steps: { edges: Array<{ node: { path: string, status: StepStatus } }> } } } } };

export type JobAsStoredQueryVariables = Exact<{
  id: string | number;
}>;


export type JobAsStoredQuery = { job: { id: string, type: JobType, status: JobStatus, progress: number, priority: number, currentStep: string | null, completedNodes: number, totalNodes: number, lastSeq: number, createdAt: string, startedAt: string | null, finishedAt: string | null, result: unknown, error: { code: string } | null } | null };

export type SharedJobsChangedSubscriptionVariables = Exact<{ [key: string]: never; }>;


export type SharedJobsChangedSubscription = { jobsChanged: { id: string, status: JobStatus, lastSeq: number, execution: { id: string } } };

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
    | { __typename: 'WorkflowArchived', code: string, message: string, path: Array<string> }
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

export type CreateForRaceMutationVariables = Exact<{
  definition: unknown;
}>;


export type CreateForRaceMutation = { createWorkflow:
    | { __typename: 'CreateWorkflowPayload', workflow: { id: string } }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'ValidationFailed' }
   };

export type PublishForRaceMutationVariables = Exact<{
  id: string | number;
  definition: unknown;
}>;


export type PublishForRaceMutation = { updateWorkflow:
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'RevisionConflict' }
    | { __typename: 'UpdateWorkflowPayload' }
  , publishWorkflow:
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'PublishWorkflowPayload' }
    | { __typename: 'RevisionConflict' }
    | { __typename: 'ValidationFailed' }
    | { __typename: 'WorkflowArchived' }
   };

export type RollbackForRaceMutationVariables = Exact<{
  id: string | number;
}>;


export type RollbackForRaceMutation = { rollbackWorkflow:
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'RevisionConflict' }
    | { __typename: 'RollbackWorkflowPayload' }
    | { __typename: 'ValidationFailed' }
    | { __typename: 'WorkflowArchived' }
   };

export type ArchiveForRaceMutationVariables = Exact<{
  id: string | number;
  archived: boolean;
}>;


export type ArchiveForRaceMutation = { archiveWorkflow:
    | { __typename: 'ArchiveWorkflowPayload' }
    | { __typename: 'NotFound' }
    | { __typename: 'RevisionConflict' }
   };

export type DeleteForRaceMutationVariables = Exact<{
  id: string | number;
}>;


export type DeleteForRaceMutation = { deleteWorkflow:
    | { __typename: 'DeleteWorkflowPayload' }
    | { __typename: 'NotFound' }
    | { __typename: 'RevisionConflict' }
   };

export type StartForRaceMutationVariables = Exact<{
  input: ExecuteWorkflowInput;
}>;


export type StartForRaceMutation = { executeWorkflow:
    | { __typename: 'ExecuteWorkflowPayload', deduplicated: boolean, job: { id: string }, execution: { id: string, version: { number: number } | null } }
    | { __typename: 'IdempotencyConflict', code: string, path: Array<string> }
    | { __typename: 'InputInvalid', code: string, path: Array<string> }
    | { __typename: 'InvalidArgument', code: string, path: Array<string> }
    | { __typename: 'NotFound', code: string, path: Array<string> }
    | { __typename: 'QuotaExceeded', code: string, path: Array<string> }
    | { __typename: 'ValidationFailed', code: string, path: Array<string> }
    | { __typename: 'WorkflowArchived', code: string, path: Array<string> }
   };

export type CreateJobForRaceMutationVariables = Exact<{
  id: string | number;
}>;


export type CreateJobForRaceMutation = { createJob:
    | { __typename: 'CreateJobPayload', execution: { version: { number: number } | null } }
    | { __typename: 'IdempotencyConflict' }
    | { __typename: 'InputInvalid' }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotEnded' }
    | { __typename: 'NotFound' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'ValidationFailed' }
    | { __typename: 'WorkflowArchived' }
   };

export type ChildrenForRaceQueryVariables = Exact<{
  id: string | number;
}>;


export type ChildrenForRaceQuery = { execution: { status: JobStatus, children: { edges: Array<{ node: { version: { number: number } | null } }> }, error: { code: string } | null } | null };

export type CreateCountedMutationVariables = Exact<{
  definition: unknown;
}>;


export type CreateCountedMutation = { createWorkflow:
    | { __typename: 'CreateWorkflowPayload', workflow: { id: string } }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'ValidationFailed' }
   };

export type StartWithRowsMutationVariables = Exact<{
  input: ExecuteWorkflowInput;
}>;


export type StartWithRowsMutation = { executeWorkflow:
    | { __typename: 'ExecuteWorkflowPayload', deduplicated: boolean, job: { id: string, type: JobType, status: JobStatus, progress: number, priority: number, currentStep: string | null, completedNodes: number, totalNodes: number, lastSeq: number, createdAt: string, startedAt: string | null, finishedAt: string | null, result: unknown, execution: { id: string, mode: ExecutionMode }, error: { code: string } | null }, execution: { id: string, status: JobStatus, progress: number, costUsd: number, mode: ExecutionMode, tags: Array<string>, priority: number, runAt: string | null, retryFrom: string | null, trigger: ExecutionTrigger, parentPath: string | null, scheduledFor: string | null, createdAt: string, startedAt: string | null, finishedAt: string | null, job: { id: string, status: JobStatus, totalNodes: number } } }
    | { __typename: 'IdempotencyConflict' }
    | { __typename: 'InputInvalid' }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'ValidationFailed' }
    | { __typename: 'WorkflowArchived' }
   };

export type StartWithRelationsMutationVariables = Exact<{
  input: ExecuteWorkflowInput;
}>;


export type StartWithRelationsMutation = { executeWorkflow:
    | { __typename: 'ExecuteWorkflowPayload', deduplicated: boolean, job: { id: string, priority: number, execution: { id: string, tags: Array<string>, input: unknown, workflow: { id: string, name: string } | null, version: { number: number } | null, steps: { edges: Array<{ node: { path: string, status: StepStatus } }> }, job: { id: string, totalNodes: number } } }, execution: { id: string, mode: ExecutionMode, tags: Array<string>, priority: number, input: unknown, variables: unknown, metadata: unknown, definition: unknown, graph: { nodes: Array<{ id: string }> }, workflow: { id: string, name: string } | null, version: { number: number } | null, retryOf: { id: string } | null, parent: { id: string } | null, schedule: { id: string } | null, children: { totalCount: number }, retries: { edges: Array<{ node: { id: string } }> }, steps: { totalCount: number, edges: Array<{ node: { path: string, nodeId: string } }> }, usage: { costUsd: number | null }, job: { priority: number, execution: { id: string, workflow: { id: string } | null } } } }
    | { __typename: 'IdempotencyConflict' }
    | { __typename: 'InputInvalid' }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'ValidationFailed' }
    | { __typename: 'WorkflowArchived' }
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

export type TemplatesQueryVariables = Exact<{
  category?: string | null | undefined;
  id: string | number;
}>;


export type TemplatesQuery = { templates: Array<{ id: string, name: string, description: string, category: string, parameters: unknown, graph: { nodes: Array<{ id: string, type: string }> } }>, template: { id: string, definition: unknown } | null };

export type CreateFromTemplateMutationVariables = Exact<{
  input: CreateWorkflowFromTemplateInput;
}>;


export type CreateFromTemplateMutation = { createWorkflowFromTemplate:
    | { __typename: 'CreateWorkflowFromTemplatePayload', workflow: { name: string, description: string, tags: Array<string>, definition: unknown, publishedVersion: { number: number } | null }, diagnostics: Array<{ code: DiagnosticCode }> }
    | { __typename: 'InputInvalid', code: string, path: Array<string>, message: string, problems: Array<{ pointer: string, message: string }> }
    | { __typename: 'InvalidArgument', code: string, path: Array<string>, message: string }
    | { __typename: 'NotFound', code: string, path: Array<string>, message: string }
    | { __typename: 'QuotaExceeded', code: string, path: Array<string>, message: string }
    | { __typename: 'ValidationFailed', code: string, path: Array<string>, message: string }
   };

export type MakeFromTemplateMutationVariables = Exact<{
  input: CreateWorkflowFromTemplateInput;
}>;


export type MakeFromTemplateMutation = { createWorkflowFromTemplate:
    | { __typename: 'CreateWorkflowFromTemplatePayload', workflow: { id: string } }
    | { __typename: 'InputInvalid' }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'ValidationFailed' }
   };

export type SimulateTemplateMutationVariables = Exact<{
  workflowId: string | number;
  input?: unknown;
  mocks?: unknown;
}>;


export type SimulateTemplateMutation = { simulateWorkflow:
    | { __typename: 'InputInvalid', code: string, message: string }
    | { __typename: 'InvalidArgument', code: string, message: string }
    | { __typename: 'NotFound', code: string, message: string }
    | { __typename: 'SimulateWorkflowPayload', status: JobStatus, output: unknown, unusedMocks: Array<string>, estimatedCostUsd: number | null, error: { code: string, path: string | null, message: string } | null, diagnostics: Array<{ code: DiagnosticCode }>, callsOut: Array<{ nodePath: string, count: number }> }
    | { __typename: 'ValidationFailed', code: string, message: string }
    | { __typename: 'WorkflowArchived', code: string, message: string }
   };

export type DecideOnTemplateMutationVariables = Exact<{
  input: SignalExecutionInput;
}>;


export type DecideOnTemplateMutation = { signalExecution:
    | { __typename: 'AlreadyEnded' }
    | { __typename: 'InputInvalid' }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'NotPossible' }
    | { __typename: 'SignalExecutionPayload' }
    | { __typename: 'SignalsFull' }
   };

export type OutputOfTemplateQueryVariables = Exact<{
  id: string | number;
}>;


export type OutputOfTemplateQuery = { execution: { status: JobStatus, output: unknown } | null };

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

export type SaveAndExecuteUnsoundMutationVariables = Exact<{
  definition: unknown;
}>;


export type SaveAndExecuteUnsoundMutation = { createWorkflow:
    | { diagnostics: Array<{ code: DiagnosticCode, pointer: string }> }
    | Record<PropertyKey, never>
  , executeWorkflow:
    | { diagnostics: Array<{ code: DiagnosticCode, pointer: string }> }
    | Record<PropertyKey, never>
   };

export type CountAfterValidationQueryVariables = Exact<{ [key: string]: never; }>;


export type CountAfterValidationQuery = { workflows: { totalCount: number }, executions: { totalCount: number } };

export type ValidateLargeMutationVariables = Exact<{
  input: ValidateWorkflowInput;
}>;


export type ValidateLargeMutation = { validateWorkflow:
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'ValidateWorkflowPayload', valid: boolean, diagnostics: Array<{ code: DiagnosticCode, message: string, pointer: string }> }
   };

export type CreateVersionedMutationVariables = Exact<{
  input: CreateWorkflowInput;
}>;


export type CreateVersionedMutation = { createWorkflow:
    | { __typename: 'CreateWorkflowPayload', workflow: { id: string, revision: number, hasUnpublishedChanges: boolean, publishedVersion: { number: number } | null } }
    | { __typename: 'InvalidArgument', code: string, path: Array<string>, message: string }
    | { __typename: 'QuotaExceeded', code: string, path: Array<string>, message: string }
    | { __typename: 'ValidationFailed', code: string, path: Array<string>, message: string, diagnostics: Array<{ code: DiagnosticCode, pointer: string }> }
   };

export type SaveVersionedMutationVariables = Exact<{
  id: string | number;
  definition: unknown;
}>;


export type SaveVersionedMutation = { updateWorkflow:
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'RevisionConflict' }
    | { __typename: 'UpdateWorkflowPayload', workflow: { revision: number, hasUnpublishedChanges: boolean } }
   };

export type PublishMutationVariables = Exact<{
  input: PublishWorkflowInput;
}>;


export type PublishMutation = { publishWorkflow:
    | { __typename: 'InvalidArgument', code: string, path: Array<string>, message: string }
    | { __typename: 'NotFound', code: string, path: Array<string>, message: string }
    | { __typename: 'PublishWorkflowPayload', unchanged: boolean, diagnostics: Array<{ code: DiagnosticCode }>, workflow: { id: string, hasUnpublishedChanges: boolean, publishedVersion: { id: string, number: number } | null }, version: { id: string, number: number, note: string, definition: unknown, createdAt: string, graph: { nodes: Array<{ id: string }> }, workflow: { id: string } } }
    | { __typename: 'RevisionConflict', revision: number, code: string, path: Array<string>, message: string }
    | { __typename: 'ValidationFailed', code: string, path: Array<string>, message: string, diagnostics: Array<{ code: DiagnosticCode, pointer: string, severity: Severity }> }
    | { __typename: 'WorkflowArchived', code: string, path: Array<string>, message: string }
   };

export type RollbackMutationVariables = Exact<{
  input: RollbackWorkflowInput;
}>;


export type RollbackMutation = { rollbackWorkflow:
    | { __typename: 'InvalidArgument', code: string, path: Array<string> }
    | { __typename: 'NotFound', code: string, path: Array<string> }
    | { __typename: 'RevisionConflict', code: string, path: Array<string> }
    | { __typename: 'RollbackWorkflowPayload', unchanged: boolean, workflow: { definition: unknown, revision: number }, version: { number: number, note: string, definition: unknown } }
    | { __typename: 'ValidationFailed', code: string, path: Array<string> }
    | { __typename: 'WorkflowArchived', code: string, path: Array<string> }
   };

export type ArchiveMutationVariables = Exact<{
  input: ArchiveWorkflowInput;
}>;


export type ArchiveMutation = { archiveWorkflow:
    | { __typename: 'ArchiveWorkflowPayload', workflow: { id: string, archivedAt: string | null } }
    | { __typename: 'NotFound', code: string, path: Array<string> }
    | { __typename: 'RevisionConflict', code: string, path: Array<string> }
   };

export type DuplicateMutationVariables = Exact<{
  input: DuplicateWorkflowInput;
}>;


export type DuplicateMutation = { duplicateWorkflow:
    | { __typename: 'DuplicateWorkflowPayload', workflow: { id: string, name: string, tags: Array<string>, description: string, definition: unknown, revision: number, publishedVersion: { number: number } | null }, diagnostics: Array<{ code: DiagnosticCode }> }
    | { __typename: 'InvalidArgument', code: string, path: Array<string> }
    | { __typename: 'NotFound', code: string, path: Array<string> }
    | { __typename: 'QuotaExceeded', code: string, path: Array<string> }
   };

export type VersionsQueryVariables = Exact<{
  id: string | number;
  number: number;
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
}>;


export type VersionsQuery = { workflow: { version: { number: number } | null, versions: { totalCount: number, pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null }, edges: Array<{ node: { number: number, note: string } }> } } | null };

export type DiffVersionsQueryVariables = Exact<{
  id: string | number;
  from?: number | null | undefined;
  to?: number | null | undefined;
}>;


export type DiffVersionsQuery = { workflow: { diff: { from: number | null, to: number | null, isEmpty: boolean, breaking: boolean, breakingReasons: Array<{ code: BreakingCode, pointer: string, message: string }>, nodes: Array<{ path: string, kind: ChangeKind, before: unknown, after: unknown, changes: Array<{ kind: ChangeKind, pointer: string, before: unknown, after: unknown }> }>, edges: Array<{ source: string, sourceHandle: string, target: string, kind: ChangeKind }>, variables: Array<{ pointer: string, kind: ChangeKind, before: unknown, after: unknown }>, inputSchema: Array<{ pointer: string }>, output: Array<{ pointer: string }>, limits: Array<{ pointer: string }>, other: Array<{ pointer: string }> } | null } | null };

export type DiffOfVersionQueryVariables = Exact<{
  id: string | number;
  against?: number | null | undefined;
}>;


export type DiffOfVersionQuery = { node:
    | { __typename: 'ApiKey' }
    | { __typename: 'Execution' }
    | { __typename: 'Job' }
    | { __typename: 'Schedule' }
    | { __typename: 'Step' }
    | { __typename: 'Workflow' }
    | { __typename: 'WorkflowVersion', number: number, diff: { from: number | null, to: number | null, nodes: Array<{ path: string, kind: ChangeKind }> } | null }
   | null };

export type RunVersionMutationVariables = Exact<{
  input: ExecuteWorkflowInput;
}>;


export type RunVersionMutation = { executeWorkflow:
    | { __typename: 'ExecuteWorkflowPayload', deduplicated: boolean, execution: { id: string, definition: unknown, version: { number: number } | null } }
    | { __typename: 'IdempotencyConflict', code: string, path: Array<string>, message: string }
    | { __typename: 'InputInvalid', code: string, path: Array<string>, message: string }
    | { __typename: 'InvalidArgument', code: string, path: Array<string>, message: string }
    | { __typename: 'NotFound', code: string, path: Array<string>, message: string }
    | { __typename: 'QuotaExceeded', code: string, path: Array<string>, message: string }
    | { __typename: 'ValidationFailed', code: string, path: Array<string>, message: string }
    | { __typename: 'WorkflowArchived', code: string, path: Array<string>, message: string }
   };

export type RunsOfVersionQueryVariables = Exact<{
  id: string | number;
  number: number;
}>;


export type RunsOfVersionQuery = { workflow: { version: { executions: { totalCount: number, edges: Array<{ node: { id: string } }> } } | null } | null };

export type StatusOfRunQueryVariables = Exact<{
  id: string | number;
}>;


export type StatusOfRunQuery = { execution: { status: JobStatus } | null };

export type NamesOfWorkflowsQueryVariables = Exact<{
  filter?: WorkflowFilter | null | undefined;
}>;


export type NamesOfWorkflowsQuery = { workflows: { edges: Array<{ node: { id: string } }> } };

export type CreateForPageMutationVariables = Exact<{
  name: string;
  definition: unknown;
}>;


export type CreateForPageMutation = { createWorkflow:
    | { __typename: 'CreateWorkflowPayload', workflow: { id: string } }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'ValidationFailed' }
   };

export type RunForPageMutationVariables = Exact<{
  id: string | number;
}>;


export type RunForPageMutation = { executeWorkflow:
    | { __typename: 'ExecuteWorkflowPayload' }
    | { __typename: 'IdempotencyConflict' }
    | { __typename: 'InputInvalid' }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'ValidationFailed' }
    | { __typename: 'WorkflowArchived' }
   };

export type FullPageOfWorkflowsQueryVariables = Exact<{
  first: number;
}>;


export type FullPageOfWorkflowsQuery = { workflows: { edges: Array<{ node: { id: string, name: string, publishedVersion: { number: number } | null, versions: { edges: Array<{ node: { number: number, note: string } }> }, lastExecution: { id: string, status: JobStatus, job: { progress: number }, version: { number: number } | null } | null, executions: { edges: Array<{ node: { id: string, status: JobStatus } }> }, stats: { total: number, p50DurationMs: number | null, p95DurationMs: number | null, lastRunAt: string | null, countByStatus: Array<{ status: JobStatus, count: number }> } } }> } };

export type PlainListsQueryVariables = Exact<{ [key: string]: never; }>;


export type PlainListsQuery = { workflows: { edges: Array<{ node: { name: string, tags: Array<string> } }> }, executions: { edges: Array<{ node: { status: JobStatus, tags: Array<string>, mode: ExecutionMode } }> }, jobs: { edges: Array<{ node: { status: JobStatus, progress: number } }> } };

export type AllStatsQueryVariables = Exact<{
  type?: Array<JobType> | JobType | null | undefined;
  days?: number | null | undefined;
}>;


export type AllStatsQuery = { jobStats: { total: number, lastRunAt: string | null, countByStatus: Array<{ status: JobStatus, count: number }> } };

export type CreateWorkflowMutationVariables = Exact<{
  input: CreateWorkflowInput;
}>;


export type CreateWorkflowMutation = { createWorkflow:
    | { __typename: 'CreateWorkflowPayload', workflow: { id: string, name: string, description: string, tags: Array<string>, revision: number, definition: unknown, createdAt: string, updatedAt: string, diagnostics: Array<{ code: DiagnosticCode }>, graph: { nodes: Array<{ id: string, type: string, name: string | null, config: unknown, document: unknown, position: { x: number, y: number } | null }>, edges: Array<{ source: string, target: string, sourceHandle: string, document: unknown }> } }, diagnostics: Array<{ code: DiagnosticCode, severity: Severity, pointer: string, nodeId: string | null }> }
    | { __typename: 'InvalidArgument', code: string, message: string, path: Array<string> }
    | { __typename: 'QuotaExceeded', code: string, message: string, path: Array<string> }
    | { __typename: 'ValidationFailed', code: string, message: string, path: Array<string> }
   };

export type UpdateWorkflowMutationVariables = Exact<{
  input: UpdateWorkflowInput;
}>;


export type UpdateWorkflowMutation = { updateWorkflow:
    | { __typename: 'InvalidArgument', code: string, message: string, path: Array<string> }
    | { __typename: 'NotFound', code: string, message: string, path: Array<string> }
    | { __typename: 'QuotaExceeded', code: string, message: string, path: Array<string> }
    | { __typename: 'RevisionConflict', revision: number, code: string, message: string, path: Array<string>, workflow: { id: string, revision: number, definition: unknown } }
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

export type BlocksOfModulesQueryVariables = Exact<{ [key: string]: never; }>;


export type BlocksOfModulesQuery = { blocks: Array<{ type: string, category: BlockCategory }> };

export type JobOfModulesQueryVariables = Exact<{
  id: string | number;
}>;


export type JobOfModulesQuery = { job: { status: JobStatus, result: unknown, finishedAt: string | null } | null };

export type StartDuringDeployMutationVariables = Exact<{
  definition: unknown;
}>;


export type StartDuringDeployMutation = { executeWorkflow:
    | { __typename: 'ExecuteWorkflowPayload', job: { id: string } }
    | { __typename: 'IdempotencyConflict' }
    | { __typename: 'InputInvalid' }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'ValidationFailed' }
    | { __typename: 'WorkflowArchived' }
   };

export type StatusDuringDeployQueryVariables = Exact<{
  id: string | number;
}>;


export type StatusDuringDeployQuery = { job: { status: JobStatus } | null };

export type MakeLeadEnrichmentMutationVariables = Exact<{
  parameters: unknown;
}>;


export type MakeLeadEnrichmentMutation = { createWorkflowFromTemplate:
    | { __typename: 'CreateWorkflowFromTemplatePayload', workflow: { id: string, definition: unknown }, diagnostics: Array<{ code: DiagnosticCode, message: string, pointer: string }> }
    | { __typename: 'InputInvalid' }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'ValidationFailed' }
   };

export type StartLeadEnrichmentMutationVariables = Exact<{
  workflowId: string | number;
}>;


export type StartLeadEnrichmentMutation = { executeWorkflow:
    | { __typename: 'ExecuteWorkflowPayload', job: { id: string } }
    | { __typename: 'IdempotencyConflict', code: string, message: string }
    | { __typename: 'InputInvalid', code: string, message: string }
    | { __typename: 'InvalidArgument', code: string, message: string }
    | { __typename: 'NotFound', code: string, message: string }
    | { __typename: 'QuotaExceeded', code: string, message: string }
    | { __typename: 'ValidationFailed', code: string, message: string }
    | { __typename: 'WorkflowArchived', code: string, message: string }
   };

export type LeadEnrichmentEndSubscriptionVariables = Exact<{
  jobId: string | number;
}>;


export type LeadEnrichmentEndSubscription = { jobEvents: { events: Array<
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

export type LeadStoryQueryVariables = Exact<{
  jobId: string | number;
  after: number;
}>;


export type LeadStoryQuery = { job: { status: JobStatus, result: unknown, progress: number, execution: { costUsd: number, error: { code: string, message: string, path: string | null } | null }, events: { hasMore: boolean, events: Array<
        | { seq: number, at: string, kind: JobEventKind, progress: number }
        | { seq: number, at: string, kind: JobEventKind, progress: number }
        | { seq: number, at: string, kind: JobEventKind, progress: number }
        | { seq: number, at: string, kind: JobEventKind, progress: number, error: { code: string, message: string, path: string | null } }
        | { seq: number, at: string, kind: JobEventKind, progress: number }
        | { seq: number, at: string, kind: JobEventKind, progress: number }
        | { seq: number, at: string, kind: JobEventKind, progress: number }
        | { recoveries: number, seq: number, at: string, kind: JobEventKind, progress: number }
        | { seq: number, at: string, kind: JobEventKind, progress: number }
        | { seq: number, at: string, kind: JobEventKind, progress: number }
        | { seq: number, at: string, kind: JobEventKind, progress: number }
        | { path: string, seq: number, at: string, kind: JobEventKind, progress: number }
        | { path: string, seq: number, at: string, kind: JobEventKind, progress: number, error: { code: string, message: string } }
        | { path: string, nodeId: string, attempt: number, seq: number, at: string, kind: JobEventKind, progress: number }
        | { path: string, nodeId: string, attempt: number, seq: number, at: string, kind: JobEventKind, progress: number }
        | { path: string, nodeId: string, attempt: number, seq: number, at: string, kind: JobEventKind, progress: number }
        | { path: string, nodeId: string, attempt: number, handles: Array<string>, seq: number, at: string, kind: JobEventKind, progress: number, usage: { costUsd: number | null, quantities: unknown } | null }
        | { path: string, nodeId: string, attempt: number, handledBy: OnError, seq: number, at: string, kind: JobEventKind, progress: number, error: { code: string, message: string } }
        | { path: string, nodeId: string, attempt: number, message: string | null, seq: number, at: string, kind: JobEventKind, progress: number }
        | { path: string, nodeId: string, attempt: number, message: string | null, seq: number, at: string, kind: JobEventKind, progress: number }
        | { path: string, nodeId: string, attempt: number, seq: number, at: string, kind: JobEventKind, progress: number, error: { code: string, message: string } }
        | { path: string, nodeId: string, attempt: number, seq: number, at: string, kind: JobEventKind, progress: number }
        | { path: string, nodeId: string, attempt: number, seq: number, at: string, kind: JobEventKind, progress: number }
        | { path: string, nodeId: string, attempt: number, seq: number, at: string, kind: JobEventKind, progress: number }
        | { path: string, nodeId: string, attempt: number, seq: number, at: string, kind: JobEventKind, progress: number }
      > } } | null };

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
    | { __typename: 'QuotaExceeded', code: string, message: string }
    | { __typename: 'ValidationFailed', code: string, message: string }
    | { __typename: 'WorkflowArchived', code: string, message: string }
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

export type StateInMemoryTestQueryVariables = Exact<{
  id: string | number;
}>;


export type StateInMemoryTestQuery = { execution: { status: JobStatus, output: unknown, error: { code: string, message: string } | null } | null };

export type RetryInMemoryTestMutationVariables = Exact<{
  id: string | number;
  patchOutputs?: unknown;
}>;


export type RetryInMemoryTestMutation = { retryExecution:
    | { __typename: 'IdempotencyConflict', code: string, message: string }
    | { __typename: 'InputInvalid', code: string, message: string }
    | { __typename: 'InvalidArgument', code: string, message: string }
    | { __typename: 'NotEnded', code: string, message: string }
    | { __typename: 'NotFound', code: string, message: string }
    | { __typename: 'QuotaExceeded', code: string, message: string }
    | { __typename: 'RetryExecutionPayload', execution: { id: string } }
    | { __typename: 'ValidationFailed', code: string, message: string }
    | { __typename: 'WorkflowArchived', code: string, message: string }
   };

export type SimulateInMemoryTestMutationVariables = Exact<{
  input: SimulateWorkflowInput;
}>;


export type SimulateInMemoryTestMutation = { simulateWorkflow:
    | { __typename: 'InputInvalid' }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'SimulateWorkflowPayload', status: JobStatus }
    | { __typename: 'ValidationFailed' }
    | { __typename: 'WorkflowArchived' }
   };

export type PauseInMemoryTestMutationVariables = Exact<{
  id: string | number;
}>;


export type PauseInMemoryTestMutation = { pauseExecution:
    | { __typename: 'AlreadyEnded' }
    | { __typename: 'NotFound' }
    | { __typename: 'NotPossible' }
    | { __typename: 'PauseExecutionPayload' }
   };

export type ResumeInMemoryTestMutationVariables = Exact<{
  id: string | number;
}>;


export type ResumeInMemoryTestMutation = { resumeExecution:
    | { __typename: 'AlreadyEnded' }
    | { __typename: 'NotFound' }
    | { __typename: 'NotPossible' }
    | { __typename: 'ResumeExecutionPayload' }
   };

export type SignalInMemoryTestMutationVariables = Exact<{
  input: SignalExecutionInput;
}>;


export type SignalInMemoryTestMutation = { signalExecution:
    | { __typename: 'AlreadyEnded', message: string }
    | { __typename: 'InputInvalid', message: string }
    | { __typename: 'InvalidArgument', message: string }
    | { __typename: 'NotFound', message: string }
    | { __typename: 'NotPossible', message: string }
    | { __typename: 'SignalExecutionPayload' }
    | { __typename: 'SignalsFull', message: string }
   };

export type TestBlockInMemoryTestMutationVariables = Exact<{
  input: TestBlockInput;
}>;


export type TestBlockInMemoryTestMutation = { testBlock:
    | { __typename: 'InputInvalid' }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'TestBlockPayload', status: StepStatus, error: { code: string } | null }
    | { __typename: 'ValidationFailed' }
   };

export type SecretsOfProcessQueryVariables = Exact<{ [key: string]: never; }>;


export type SecretsOfProcessQuery = { secrets: Array<{ name: string, source: SecretSource }> };

export type SetSecretOfProcessMutationVariables = Exact<{
  input: SetSecretInput;
}>;


export type SetSecretOfProcessMutation = { setSecret:
    | { __typename: 'InvalidArgument' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'SecretKeyMissing' }
    | { __typename: 'SetSecretPayload' }
   };

export type StatusAfterRestartQueryVariables = Exact<{
  id: string | number;
}>;


export type StatusAfterRestartQuery = { job: { status: JobStatus, result: unknown } | null };

export type CreateKeptMutationVariables = Exact<{ [key: string]: never; }>;


export type CreateKeptMutation = { createWorkflow:
    | { __typename: 'CreateWorkflowPayload' }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'ValidationFailed' }
   };

export type NamesThatWereKeptQueryVariables = Exact<{ [key: string]: never; }>;


export type NamesThatWereKeptQuery = { workflows: { edges: Array<{ node: { name: string } }> } };

export type ViewerByKeyQueryVariables = Exact<{ [key: string]: never; }>;


export type ViewerByKeyQuery = { viewer: { ownerId: string, role: Role } };

export type ExecuteMutationVariables = Exact<{
  input: ExecuteWorkflowInput;
}>;


export type ExecuteMutation = { executeWorkflow:
    | { __typename: 'ExecuteWorkflowPayload', deduplicated: boolean, job: { id: string, type: JobType, totalNodes: number }, execution: { id: string, mode: ExecutionMode } }
    | { __typename: 'IdempotencyConflict', code: string, message: string, path: Array<string> }
    | { __typename: 'InputInvalid', code: string, message: string, path: Array<string>, problems: Array<{ pointer: string, message: string }> }
    | { __typename: 'InvalidArgument', code: string, message: string, path: Array<string> }
    | { __typename: 'NotFound', code: string, message: string, path: Array<string> }
    | { __typename: 'QuotaExceeded', code: string, message: string, path: Array<string> }
    | { __typename: 'ValidationFailed', code: string, message: string, path: Array<string>, diagnostics: Array<{ code: DiagnosticCode, severity: Severity, message: string, pointer: string, nodeId: string | null, relatedNodeIds: Array<string>, suggestion: string | null, range: { start: number, end: number } | null }> }
    | { __typename: 'WorkflowArchived', code: string, message: string, path: Array<string> }
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

export type MakeStormChildMutationVariables = Exact<{
  definition: unknown;
}>;


export type MakeStormChildMutation = { createWorkflow:
    | { __typename: 'CreateWorkflowPayload', workflow: { id: string } }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'ValidationFailed' }
   };

export type StartInStormMutationVariables = Exact<{
  definition: unknown;
  input: unknown;
  key: string;
}>;


export type StartInStormMutation = { executeWorkflow:
    | { __typename: 'ExecuteWorkflowPayload', job: { id: string }, execution: { id: string } }
    | { __typename: 'IdempotencyConflict' }
    | { __typename: 'InputInvalid' }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'ValidationFailed' }
    | { __typename: 'WorkflowArchived' }
   };

export type ApproveInStormMutationVariables = Exact<{
  id: string | number;
  key: string;
}>;


export type ApproveInStormMutation = { signalExecution:
    | { __typename: 'AlreadyEnded' }
    | { __typename: 'InputInvalid' }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'NotPossible' }
    | { __typename: 'SignalExecutionPayload' }
    | { __typename: 'SignalsFull' }
   };

export type FollowInStormSubscriptionVariables = Exact<{
  jobId: string | number;
  after: number;
}>;


export type FollowInStormSubscription = { jobEvents: { cursor: number, events: Array<
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
      | { seq: number, kind: JobEventKind }
    > } };

export type CreateForWebMutationVariables = Exact<{
  name: string;
  definition: unknown;
}>;


export type CreateForWebMutation = { createWorkflow:
    | { __typename: 'CreateWorkflowPayload', workflow: { id: string } }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'ValidationFailed' }
   };

export type PublishForWebMutationVariables = Exact<{
  id: string | number;
  definition: unknown;
}>;


export type PublishForWebMutation = { updateWorkflow:
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'RevisionConflict' }
    | { __typename: 'UpdateWorkflowPayload' }
  , publishWorkflow:
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'PublishWorkflowPayload' }
    | { __typename: 'RevisionConflict' }
    | { __typename: 'ValidationFailed' }
    | { __typename: 'WorkflowArchived' }
   };

export type ScheduleForWebMutationVariables = Exact<{
  workflowId: string | number;
}>;


export type ScheduleForWebMutation = { createSchedule:
    | { __typename: 'CreateSchedulePayload' }
    | { __typename: 'InputInvalid' }
    | { __typename: 'InvalidArgument' }
    | { __typename: 'NotFound' }
    | { __typename: 'QuotaExceeded' }
    | { __typename: 'ScheduleInvalid' }
    | { __typename: 'WorkflowArchived' }
   };

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
export const RefusedFragmentDoc = new TypedDocumentString(`
    fragment Refused on Error {
  code
  message
  path
  ... on NotPossible {
    status
  }
}
    `, {"fragmentName":"Refused"}) as unknown as TypedDocumentString<RefusedFragment, unknown>;
export const BenchWatchDocument = new TypedDocumentString(`
    subscription BenchWatch($jobId: ID!) {
  jobEvents(jobId: $jobId) {
    events {
      at
      kind
    }
    cursor
    job {
      status
      progress
    }
  }
}
    `) as unknown as TypedDocumentString<BenchWatchSubscription, BenchWatchSubscriptionVariables>;
export const BenchExecuteDocument = new TypedDocumentString(`
    mutation BenchExecute($workflowId: ID!, $input: JSON) {
  executeWorkflow(input: {workflowId: $workflowId, input: $input}) {
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
    `) as unknown as TypedDocumentString<BenchExecuteMutation, BenchExecuteMutationVariables>;
export const BenchFollowDocument = new TypedDocumentString(`
    subscription BenchFollow($jobId: ID!) {
  jobEvents(jobId: $jobId, kinds: [JOB_COMPLETED, JOB_FAILED, JOB_CANCELED]) {
    events {
      kind
    }
    job {
      status
      result
    }
  }
}
    `) as unknown as TypedDocumentString<BenchFollowSubscription, BenchFollowSubscriptionVariables>;
export const BenchCreateDocument = new TypedDocumentString(`
    mutation BenchCreate($name: String!, $definition: JSON!) {
  createWorkflow(input: {name: $name, definition: $definition, publish: true}) {
    ... on CreateWorkflowPayload {
      workflow {
        id
      }
    }
    ... on Error {
      code
      message
    }
  }
}
    `) as unknown as TypedDocumentString<BenchCreateMutation, BenchCreateMutationVariables>;
export const BenchStartDocument = new TypedDocumentString(`
    mutation BenchStart($workflowId: ID!) {
  executeWorkflow(input: {workflowId: $workflowId}) {
    ... on ExecuteWorkflowPayload {
      job {
        id
      }
      execution {
        id
      }
    }
    ... on Error {
      code
      message
    }
  }
}
    `) as unknown as TypedDocumentString<BenchStartMutation, BenchStartMutationVariables>;
export const BenchWaitingDocument = new TypedDocumentString(`
    query BenchWaiting {
  jobs(first: 1, filter: {status: [WAITING]}) {
    totalCount
  }
}
    `) as unknown as TypedDocumentString<BenchWaitingQuery, BenchWaitingQueryVariables>;
export const BenchGoDocument = new TypedDocumentString(`
    mutation BenchGo($id: ID!) {
  signalExecution(input: {id: $id, name: "go"}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<BenchGoMutation, BenchGoMutationVariables>;
export const BenchWorkflowDocument = new TypedDocumentString(`
    query BenchWorkflow($id: ID!) {
  workflow(id: $id) {
    id
    name
  }
}
    `) as unknown as TypedDocumentString<BenchWorkflowQuery, BenchWorkflowQueryVariables>;
export const BenchPageDocument = new TypedDocumentString(`
    query BenchPage($after: String) {
  executions(first: 50, after: $after) {
    edges {
      node {
        id
        status
        progress
        startedAt
        finishedAt
      }
    }
    pageInfo {
      endCursor
    }
  }
}
    `) as unknown as TypedDocumentString<BenchPageQuery, BenchPageQueryVariables>;
export const BenchTotalDocument = new TypedDocumentString(`
    query BenchTotal {
  executions(first: 1) {
    totalCount
  }
}
    `) as unknown as TypedDocumentString<BenchTotalQuery, BenchTotalQueryVariables>;
export const ViewerDocument = new TypedDocumentString(`
    query Viewer {
  viewer {
    ownerId
    role
    authentication
    name
    expiresAt
  }
}
    `) as unknown as TypedDocumentString<ViewerQuery, ViewerQueryVariables>;
export const CreateApiKeyDocument = new TypedDocumentString(`
    mutation CreateApiKey($input: CreateApiKeyInput!) {
  createApiKey(input: $input) {
    __typename
    ... on CreateApiKeyPayload {
      key
      apiKey {
        id
        name
        prefix
        role
        createdAt
        expiresAt
        lastUsedAt
        revokedAt
      }
    }
    ... on Error {
      code
      message
      path
    }
  }
}
    `) as unknown as TypedDocumentString<CreateApiKeyMutation, CreateApiKeyMutationVariables>;
export const RevokeApiKeyDocument = new TypedDocumentString(`
    mutation RevokeApiKey($input: RevokeApiKeyInput!) {
  revokeApiKey(input: $input) {
    __typename
    ... on RevokeApiKeyPayload {
      apiKey {
        id
        revokedAt
      }
    }
    ... on Error {
      code
      path
    }
  }
}
    `) as unknown as TypedDocumentString<RevokeApiKeyMutation, RevokeApiKeyMutationVariables>;
export const ApiKeysDocument = new TypedDocumentString(`
    query ApiKeys($first: Int, $after: String) {
  apiKeys(first: $first, after: $after) {
    totalCount
    edges {
      node {
        id
        name
        prefix
        lastUsedAt
        revokedAt
      }
    }
    pageInfo {
      endCursor
      hasNextPage
    }
  }
}
    `) as unknown as TypedDocumentString<ApiKeysQuery, ApiKeysQueryVariables>;
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
export const WholeBlockDocument = new TypedDocumentString(`
    query WholeBlock($type: String!) {
  block(type: $type) {
    icon
    deprecated
    effect
    repeat
    isControl
    secrets
    timeoutMs
    retry {
      maxAttempts
      initialDelayMs
      factor
      maxDelayMs
      retryIf
    }
  }
}
    `) as unknown as TypedDocumentString<WholeBlockQuery, WholeBlockQueryVariables>;
export const WhatBlocksSayDocument = new TypedDocumentString(`
    query WhatBlocksSay {
  blocks {
    type
    docs
    inputSchema
    expressions {
      pointer
      binds
    }
  }
}
    `) as unknown as TypedDocumentString<WhatBlocksSayQuery, WhatBlocksSayQueryVariables>;
export const TryBlockDocument = new TypedDocumentString(`
    mutation TryBlock($input: TestBlockInput!) {
  testBlock(input: $input) {
    ... on TestBlockPayload {
      status
      output
      willRetry
      attempts {
        number
      }
      error {
        code
        message
      }
    }
  }
}
    `) as unknown as TypedDocumentString<TryBlockMutation, TryBlockMutationVariables>;
export const GraphOfDraftDocument = new TypedDocumentString(`
    mutation GraphOfDraft($definition: JSON!) {
  createWorkflow(input: {definition: $definition}) {
    ... on CreateWorkflowPayload {
      workflow {
        graph {
          nodes {
            id
            handles
          }
          edges {
            id
            sourceHandle
            targetHandle
          }
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<GraphOfDraftMutation, GraphOfDraftMutationVariables>;
export const CreateAnyJobDocument = new TypedDocumentString(`
    mutation CreateAnyJob($input: CreateJobInput!) {
  createJob(input: $input) {
    __typename
    ... on CreateJobPayload {
      deduplicated
      job {
        id
        type
      }
      execution {
        id
        job {
          id
        }
      }
      diagnostics {
        code
        severity
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
    `) as unknown as TypedDocumentString<CreateAnyJobMutation, CreateAnyJobMutationVariables>;
export const ReadCreatedJobDocument = new TypedDocumentString(`
    query ReadCreatedJob($id: ID!, $first: Int, $after: String) {
  job(id: $id) {
    status
    type
    progress
    result
    error {
      code
      path
    }
    contacts(first: $first, after: $after) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        node {
          source
          sourceId
          firstName
          lastName
          email
          username
          followers
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ReadCreatedJobQuery, ReadCreatedJobQueryVariables>;
export const CancelCreatedJobDocument = new TypedDocumentString(`
    mutation CancelCreatedJob($id: ID!) {
  cancelJob(input: {id: $id}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<CancelCreatedJobMutation, CancelCreatedJobMutationVariables>;
export const CommandEverythingDocument = new TypedDocumentString(`
    mutation CommandEverything($id: ID!) {
  pauseExecution(input: {id: $id}) {
    __typename
    ... on Error {
      ...Refused
    }
  }
  resumeExecution(input: {id: $id}) {
    __typename
    ... on Error {
      ...Refused
    }
  }
  signalExecution(input: {id: $id, name: "x"}) {
    __typename
    ... on Error {
      ...Refused
    }
  }
}
    fragment Refused on Error {
  code
  message
  path
  ... on NotPossible {
    status
  }
}`) as unknown as TypedDocumentString<CommandEverythingMutation, CommandEverythingMutationVariables>;
export const CancelForCommandsDocument = new TypedDocumentString(`
    mutation CancelForCommands($id: ID!) {
  cancelExecution(input: {id: $id}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<CancelForCommandsMutation, CancelForCommandsMutationVariables>;
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
            blockVersion
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
export const ExecuteForPlacesDocument = new TypedDocumentString(`
    mutation ExecuteForPlaces($input: ExecuteWorkflowInput!) {
  executeWorkflow(input: $input) {
    __typename
    ... on ExecuteWorkflowPayload {
      job {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ExecuteForPlacesMutation, ExecuteForPlacesMutationVariables>;
export const StatusForPlacesDocument = new TypedDocumentString(`
    query StatusForPlaces($id: ID!) {
  job(id: $id) {
    status
  }
}
    `) as unknown as TypedDocumentString<StatusForPlacesQuery, StatusForPlacesQueryVariables>;
export const DeleteExampleDocument = new TypedDocumentString(`
    mutation DeleteExample($id: ID!) {
  deleteWorkflow(input: {id: $id}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<DeleteExampleMutation, DeleteExampleMutationVariables>;
export const ResultOfLeadsDocument = new TypedDocumentString(`
    query ResultOfLeads($id: ID!) {
  execution(id: $id) {
    output
  }
}
    `) as unknown as TypedDocumentString<ResultOfLeadsQuery, ResultOfLeadsQueryVariables>;
export const ValidateHostileDocument = new TypedDocumentString(`
    mutation ValidateHostile($input: ValidateWorkflowInput!) {
  validateWorkflow(input: $input) {
    ... on ValidateWorkflowPayload {
      valid
    }
  }
}
    `) as unknown as TypedDocumentString<ValidateHostileMutation, ValidateHostileMutationVariables>;
export const SimulateHostileDocument = new TypedDocumentString(`
    mutation SimulateHostile($input: SimulateWorkflowInput!) {
  simulateWorkflow(input: $input) {
    ... on InputInvalid {
      code
      problems {
        message
      }
    }
  }
}
    `) as unknown as TypedDocumentString<SimulateHostileMutation, SimulateHostileMutationVariables>;
export const BlocksThatFaultDocument = new TypedDocumentString(`
    query BlocksThatFault {
  blocks {
    type
  }
}
    `) as unknown as TypedDocumentString<BlocksThatFaultQuery, BlocksThatFaultQueryVariables>;
export const JobsChangedDocument = new TypedDocumentString(`
    subscription JobsChanged($filter: JobFilter) {
  jobsChanged(filter: $filter) {
    id
    status
    lastSeq
    execution {
      steps(first: 5) {
        edges {
          node {
            path
            output
          }
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<JobsChangedSubscription, JobsChangedSubscriptionVariables>;
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
export const JobsByModeDocument = new TypedDocumentString(`
    query JobsByMode($tags: [String!], $mode: [ExecutionMode!]) {
  jobs(filter: {tags: $tags, mode: $mode}) {
    totalCount
    edges {
      node {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<JobsByModeQuery, JobsByModeQueryVariables>;
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
export const JobsChangedOfLimitsDocument = new TypedDocumentString(`
    subscription JobsChangedOfLimits {
  jobsChanged {
    id
  }
}
    `) as unknown as TypedDocumentString<JobsChangedOfLimitsSubscription, JobsChangedOfLimitsSubscriptionVariables>;
export const CreateForLineageDocument = new TypedDocumentString(`
    mutation CreateForLineage($definition: JSON!) {
  createWorkflow(input: {name: "Child", definition: $definition, publish: true}) {
    __typename
    ... on CreateWorkflowPayload {
      workflow {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<CreateForLineageMutation, CreateForLineageMutationVariables>;
export const LineageDocument = new TypedDocumentString(`
    query Lineage($id: ID!, $first: Int, $after: String) {
  execution(id: $id) {
    id
    costUsd
    usage {
      costUsd
      quantities
    }
    trigger
    parent {
      id
    }
    parentPath
    waitsFor {
      path
      kind
      until
      signal
      payloadSchema
      childId
    }
    children(first: $first, after: $after) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        node {
          id
          parentPath
          parent {
            id
            mode
          }
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<LineageQuery, LineageQueryVariables>;
export const PageOfLineagesDocument = new TypedDocumentString(`
    query PageOfLineages($first: Int!) {
  executions(first: $first) {
    edges {
      node {
        id
        costUsd
        usage {
          costUsd
        }
        parent {
          id
          status
        }
        waitsFor {
          path
          kind
        }
        children(first: 3) {
          edges {
            node {
              id
              costUsd
            }
          }
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<PageOfLineagesQuery, PageOfLineagesQueryVariables>;
export const WaitingForRetryDocument = new TypedDocumentString(`
    query WaitingForRetry($id: ID!) {
  execution(id: $id) {
    status
    waitsFor {
      path
      kind
      until
      signal
    }
    steps(first: 1) {
      edges {
        node {
          status
          dueAt
          waitsFor {
            path
            kind
            until
            signal
          }
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<WaitingForRetryQuery, WaitingForRetryQueryVariables>;
export const RetryForUsageDocument = new TypedDocumentString(`
    mutation RetryForUsage($id: ID!) {
  retryExecution(input: {id: $id}) {
    __typename
    ... on RetryExecutionPayload {
      job {
        id
      }
      execution {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<RetryForUsageMutation, RetryForUsageMutationVariables>;
export const SignalLineageDocument = new TypedDocumentString(`
    mutation SignalLineage($id: ID!) {
  signalExecution(input: {id: $id, name: "go"}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<SignalLineageMutation, SignalLineageMutationVariables>;
export const FollowThroughFaultsDocument = new TypedDocumentString(`
    subscription FollowThroughFaults($jobId: ID!, $after: Int, $kinds: [JobEventKind!], $withRun: Boolean!) {
  jobEvents(jobId: $jobId, after: $after, kinds: $kinds) {
    cursor
    events {
      seq
      kind
    }
    job {
      status
      lastSeq
      execution @include(if: $withRun) {
        status
        output
        tags
        steps(first: 5) {
          edges {
            node {
              path
              status
              output
            }
          }
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<FollowThroughFaultsSubscription, FollowThroughFaultsSubscriptionVariables>;
export const JobsChangedThroughFaultsDocument = new TypedDocumentString(`
    subscription JobsChangedThroughFaults {
  jobsChanged {
    id
    status
    execution {
      output
    }
  }
}
    `) as unknown as TypedDocumentString<JobsChangedThroughFaultsSubscription, JobsChangedThroughFaultsSubscriptionVariables>;
export const CreateWorkflowToFollowDocument = new TypedDocumentString(`
    mutation CreateWorkflowToFollow($definition: JSON!) {
  createWorkflow(input: {definition: $definition, publish: true}) {
    __typename
    ... on CreateWorkflowPayload {
      workflow {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<CreateWorkflowToFollowMutation, CreateWorkflowToFollowMutationVariables>;
export const FollowWithOwnErrorDocument = new TypedDocumentString(`
    subscription FollowWithOwnError($jobId: ID!, $ofSteps: String, $ofWorkflow: String) {
  jobEvents(jobId: $jobId) {
    cursor
    job {
      execution {
        steps(first: 1, after: $ofSteps) {
          edges {
            cursor
          }
        }
        workflow {
          executions(first: 1, after: $ofWorkflow) {
            edges {
              cursor
            }
          }
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<FollowWithOwnErrorSubscription, FollowWithOwnErrorSubscriptionVariables>;
export const FollowForTortureDocument = new TypedDocumentString(`
    subscription FollowForTorture($jobId: ID!, $after: Int) {
  jobEvents(jobId: $jobId, after: $after) {
    cursor
    job {
      status
    }
    events {
      id
      seq
      kind
      progress
    }
  }
}
    `) as unknown as TypedDocumentString<FollowForTortureSubscription, FollowForTortureSubscriptionVariables>;
export const StalledReaderDocument = new TypedDocumentString(`
    subscription StalledReader($jobId: ID!, $after: Int) {
  jobEvents(jobId: $jobId, after: $after) {
    events {
      seq
      ... on JobProgressEvent {
        message
      }
    }
  }
}
    `) as unknown as TypedDocumentString<StalledReaderSubscription, StalledReaderSubscriptionVariables>;
export const OutageQueriesDocument = new TypedDocumentString(`
    query OutageQueries {
  workflows(first: 1) {
    edges {
      node {
        id
      }
    }
  }
  jobs(first: 1) {
    edges {
      node {
        id
      }
    }
  }
  executions(first: 1) {
    edges {
      node {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<OutageQueriesQuery, OutageQueriesQueryVariables>;
export const OutageMutationsDocument = new TypedDocumentString(`
    mutation OutageMutations {
  first: createWorkflow(input: {name: "first"}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<OutageMutationsMutation, OutageMutationsMutationVariables>;
export const OutageJobsChangedDocument = new TypedDocumentString(`
    subscription OutageJobsChanged {
  jobsChanged {
    id
  }
}
    `) as unknown as TypedDocumentString<OutageJobsChangedSubscription, OutageJobsChangedSubscriptionVariables>;
export const PageOfEventsDocument = new TypedDocumentString(`
    query PageOfEvents($id: ID!, $after: Int, $first: Int, $kinds: [JobEventKind!]) {
  job(id: $id) {
    lastSeq
    events(after: $after, first: $first, kinds: $kinds) {
      cursor
      hasMore
      events {
        seq
        kind
        ... on StepStreamEvent {
          text
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<PageOfEventsQuery, PageOfEventsQueryVariables>;
export const QuotasDocument = new TypedDocumentString(`
    query Quotas {
  viewer {
    quotas {
      name
      used
      limit
      countedAt
    }
  }
}
    `) as unknown as TypedDocumentString<QuotasQuery, QuotasQueryVariables>;
export const StartWithinQuotaDocument = new TypedDocumentString(`
    mutation StartWithinQuota($input: ExecuteWorkflowInput!) {
  executeWorkflow(input: $input) {
    __typename
    ... on ExecuteWorkflowPayload {
      deduplicated
      execution {
        id
      }
    }
    ... on QuotaExceeded {
      code
      message
      path
      quota
      limit
      used
    }
  }
}
    `) as unknown as TypedDocumentString<StartWithinQuotaMutation, StartWithinQuotaMutationVariables>;
export const CancelForQuotaDocument = new TypedDocumentString(`
    mutation CancelForQuota($id: ID!) {
  cancelExecution(input: {id: $id}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<CancelForQuotaMutation, CancelForQuotaMutationVariables>;
export const MakeWithinQuotaDocument = new TypedDocumentString(`
    mutation MakeWithinQuota($name: String!, $definition: JSON, $publish: Boolean) {
  createWorkflow(input: {name: $name, definition: $definition, publish: $publish}) {
    __typename
    ... on CreateWorkflowPayload {
      workflow {
        id
      }
    }
    ... on QuotaExceeded {
      code
      quota
      limit
      used
    }
  }
}
    `) as unknown as TypedDocumentString<MakeWithinQuotaMutation, MakeWithinQuotaMutationVariables>;
export const ChangeWithinQuotaDocument = new TypedDocumentString(`
    mutation ChangeWithinQuota($id: ID!, $definition: JSON!) {
  updateWorkflow(input: {id: $id, definition: $definition}) {
    __typename
    ... on QuotaExceeded {
      quota
    }
  }
}
    `) as unknown as TypedDocumentString<ChangeWithinQuotaMutation, ChangeWithinQuotaMutationVariables>;
export const CopyWithinQuotaDocument = new TypedDocumentString(`
    mutation CopyWithinQuota($id: ID!) {
  duplicateWorkflow(input: {id: $id}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<CopyWithinQuotaMutation, CopyWithinQuotaMutationVariables>;
export const DeleteForQuotaDocument = new TypedDocumentString(`
    mutation DeleteForQuota($id: ID!) {
  deleteWorkflow(input: {id: $id}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<DeleteForQuotaMutation, DeleteForQuotaMutationVariables>;
export const ScheduleWithinQuotaDocument = new TypedDocumentString(`
    mutation ScheduleWithinQuota($workflowId: ID!) {
  createSchedule(
    input: {workflowId: $workflowId, name: "Daily", cron: "0 9 * * *"}
  ) {
    __typename
    ... on CreateSchedulePayload {
      schedule {
        id
      }
    }
    ... on QuotaExceeded {
      quota
    }
  }
}
    `) as unknown as TypedDocumentString<ScheduleWithinQuotaMutation, ScheduleWithinQuotaMutationVariables>;
export const UnscheduleForQuotaDocument = new TypedDocumentString(`
    mutation UnscheduleForQuota($id: ID!) {
  deleteSchedule(input: {id: $id}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<UnscheduleForQuotaMutation, UnscheduleForQuotaMutationVariables>;
export const SetWithinQuotaDocument = new TypedDocumentString(`
    mutation SetWithinQuota($name: String!) {
  setSecret(input: {name: $name, value: "a value of eight letters"}) {
    __typename
    ... on QuotaExceeded {
      quota
    }
  }
}
    `) as unknown as TypedDocumentString<SetWithinQuotaMutation, SetWithinQuotaMutationVariables>;
export const UnsetForQuotaDocument = new TypedDocumentString(`
    mutation UnsetForQuota($name: String!) {
  deleteSecret(input: {name: $name}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<UnsetForQuotaMutation, UnsetForQuotaMutationVariables>;
export const KeyWithinQuotaDocument = new TypedDocumentString(`
    mutation KeyWithinQuota {
  createApiKey(input: {name: "CI", role: VIEWER}) {
    __typename
    ... on CreateApiKeyPayload {
      apiKey {
        id
      }
    }
    ... on QuotaExceeded {
      quota
    }
  }
}
    `) as unknown as TypedDocumentString<KeyWithinQuotaMutation, KeyWithinQuotaMutationVariables>;
export const RevokeForQuotaDocument = new TypedDocumentString(`
    mutation RevokeForQuota($id: ID!) {
  revokeApiKey(input: {id: $id}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<RevokeForQuotaMutation, RevokeForQuotaMutationVariables>;
export const RetryDocument = new TypedDocumentString(`
    mutation Retry($input: RetryExecutionInput!) {
  retryExecution(input: $input) {
    __typename
    ... on RetryExecutionPayload {
      deduplicated
      job {
        id
      }
      execution {
        id
        retryFrom
        tags
        priority
        retryOf {
          id
        }
      }
      diagnostics {
        code
        severity
        nodeId
      }
    }
    ... on ValidationFailed {
      diagnostics {
        code
        nodeId
      }
    }
    ... on InputInvalid {
      problems {
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
    `) as unknown as TypedDocumentString<RetryMutation, RetryMutationVariables>;
export const ReadRetriedDocument = new TypedDocumentString(`
    query ReadRetried($id: ID!) {
  execution(id: $id) {
    status
    output
    trigger
    retryFrom
    retryOf {
      id
    }
    retries(first: 10) {
      totalCount
      edges {
        node {
          id
        }
      }
    }
    steps(first: 10) {
      edges {
        node {
          path
          status
          attempt
          config
          input
          output
          reusedFrom {
            id
          }
        }
      }
    }
    events(first: 50) {
      events {
        kind
        ... on StepCompletedEvent {
          path
          reused
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ReadRetriedQuery, ReadRetriedQueryVariables>;
export const RetryWithLiteralsDocument = new TypedDocumentString(`
    mutation RetryWithLiterals($id: ID!) {
  word: retryExecution(input: {id: $id, from: START}) {
    __typename
    ... on RetryExecutionPayload {
      execution {
        retryFrom
      }
    }
  }
  text: retryExecution(input: {id: $id, from: "find"}) {
    __typename
    ... on RetryExecutionPayload {
      execution {
        retryFrom
      }
    }
  }
}
    `) as unknown as TypedDocumentString<RetryWithLiteralsMutation, RetryWithLiteralsMutationVariables>;
export const StoreForRetryDocument = new TypedDocumentString(`
    mutation StoreForRetry($definition: JSON!) {
  createWorkflow(input: {definition: $definition}) {
    ... on CreateWorkflowPayload {
      workflow {
        id
        revision
      }
    }
  }
}
    `) as unknown as TypedDocumentString<StoreForRetryMutation, StoreForRetryMutationVariables>;
export const ChangeForRetryDocument = new TypedDocumentString(`
    mutation ChangeForRetry($id: ID!, $definition: JSON!, $expectedRevision: Int!) {
  updateWorkflow(
    input: {id: $id, definition: $definition, expectedRevision: $expectedRevision}
  ) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<ChangeForRetryMutation, ChangeForRetryMutationVariables>;
export const PutAwayForRetryDocument = new TypedDocumentString(`
    mutation PutAwayForRetry($id: ID!, $archived: Boolean!) {
  archiveWorkflow(input: {id: $id, archived: $archived}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<PutAwayForRetryMutation, PutAwayForRetryMutationVariables>;
export const DeleteForRetryDocument = new TypedDocumentString(`
    mutation DeleteForRetry($id: ID!) {
  deleteWorkflow(input: {id: $id}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<DeleteForRetryMutation, DeleteForRetryMutationVariables>;
export const RunWithOptionsDocument = new TypedDocumentString(`
    mutation RunWithOptions($input: ExecuteWorkflowInput!) {
  executeWorkflow(input: $input) {
    __typename
    ... on ExecuteWorkflowPayload {
      deduplicated
      job {
        id
        priority
      }
      execution {
        id
        status
        tags
        priority
        runAt
      }
      diagnostics {
        code
        severity
        nodeId
      }
    }
    ... on Error {
      code
      path
      message
    }
  }
}
    `) as unknown as TypedDocumentString<RunWithOptionsMutation, RunWithOptionsMutationVariables>;
export const StatusWithOptionsDocument = new TypedDocumentString(`
    query StatusWithOptions($id: ID!) {
  execution(id: $id) {
    status
    startedAt
  }
}
    `) as unknown as TypedDocumentString<StatusWithOptionsQuery, StatusWithOptionsQueryVariables>;
export const FilteredExecutionsDocument = new TypedDocumentString(`
    query FilteredExecutions($filter: ExecutionFilter, $orderBy: RunOrder, $first: Int, $after: String) {
  executions(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
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
    `) as unknown as TypedDocumentString<FilteredExecutionsQuery, FilteredExecutionsQueryVariables>;
export const FilteredJobsDocument = new TypedDocumentString(`
    query FilteredJobs($filter: JobFilter, $orderBy: RunOrder, $first: Int, $after: String) {
  jobs(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
    totalCount
    edges {
      cursor
      node {
        id
        type
        status
        execution {
          id
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<FilteredJobsQuery, FilteredJobsQueryVariables>;
export const ScheduledWorkflowDocument = new TypedDocumentString(`
    mutation ScheduledWorkflow($input: CreateWorkflowInput!) {
  createWorkflow(input: $input) {
    ... on CreateWorkflowPayload {
      workflow {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ScheduledWorkflowMutation, ScheduledWorkflowMutationVariables>;
export const SaveScheduledDraftDocument = new TypedDocumentString(`
    mutation SaveScheduledDraft($input: UpdateWorkflowInput!) {
  updateWorkflow(input: $input) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<SaveScheduledDraftMutation, SaveScheduledDraftMutationVariables>;
export const CreateScheduleDocument = new TypedDocumentString(`
    mutation CreateSchedule($input: CreateScheduleInput!) {
  createSchedule(input: $input) {
    __typename
    ... on CreateSchedulePayload {
      schedule {
        id
        name
        cron
        timeZone
        at
        overlap
        catchUp
        paused
        nextAt
        nextRuns(first: 2)
        workflow {
          id
        }
      }
      diagnostics {
        code
        severity
      }
    }
    ... on InputInvalid {
      problems {
        pointer
        message
      }
    }
    ... on ScheduleInvalid {
      example
    }
    ... on Error {
      code
      message
      path
    }
  }
}
    `) as unknown as TypedDocumentString<CreateScheduleMutation, CreateScheduleMutationVariables>;
export const UpdateScheduleDocument = new TypedDocumentString(`
    mutation UpdateSchedule($input: UpdateScheduleInput!) {
  updateSchedule(input: $input) {
    __typename
    ... on UpdateSchedulePayload {
      schedule {
        cron
        at
        version
        paused
        nextAt
        tags
        input
      }
      diagnostics {
        code
        severity
      }
    }
    ... on Error {
      code
      path
    }
  }
}
    `) as unknown as TypedDocumentString<UpdateScheduleMutation, UpdateScheduleMutationVariables>;
export const DeleteScheduleDocument = new TypedDocumentString(`
    mutation DeleteSchedule($input: DeleteScheduleInput!) {
  deleteSchedule(input: $input) {
    __typename
    ... on DeleteSchedulePayload {
      deletedId
    }
    ... on Error {
      code
    }
  }
}
    `) as unknown as TypedDocumentString<DeleteScheduleMutation, DeleteScheduleMutationVariables>;
export const ScheduleDocument = new TypedDocumentString(`
    query Schedule($id: ID!) {
  schedule(id: $id) {
    nextAt
    error {
      code
    }
    lastOccurrences(first: 5) {
      at
      outcome
      reason
      execution {
        id
        status
      }
    }
    executions {
      totalCount
      edges {
        node {
          id
          input
          trigger
          scheduledFor
          schedule {
            id
          }
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ScheduleQuery, ScheduleQueryVariables>;
export const ExecutionsOfScheduleDocument = new TypedDocumentString(`
    query ExecutionsOfSchedule($filter: ExecutionFilter!) {
  executions(filter: $filter) {
    edges {
      node {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ExecutionsOfScheduleQuery, ExecutionsOfScheduleQueryVariables>;
export const SchedulesDocument = new TypedDocumentString(`
    query Schedules($filter: ScheduleFilter, $first: Int, $after: String, $workflowId: ID!) {
  schedules(filter: $filter, first: $first, after: $after) {
    totalCount
    pageInfo {
      endCursor
      hasNextPage
    }
    edges {
      node {
        name
      }
    }
  }
  workflow(id: $workflowId) {
    schedules {
      totalCount
      edges {
        node {
          name
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<SchedulesQuery, SchedulesQueryVariables>;
export const SetSecretDocument = new TypedDocumentString(`
    mutation SetSecret($input: SetSecretInput!) {
  setSecret(input: $input) {
    __typename
    ... on SetSecretPayload {
      secret {
        name
        source
        updatedAt
      }
    }
    ... on Error {
      code
      message
      path
    }
  }
}
    `) as unknown as TypedDocumentString<SetSecretMutation, SetSecretMutationVariables>;
export const SetSecretByPartsDocument = new TypedDocumentString(`
    mutation SetSecretByParts($name: String!, $value: String!) {
  setSecret(input: {name: $name, value: $value}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<SetSecretByPartsMutation, SetSecretByPartsMutationVariables>;
export const DeleteSecretDocument = new TypedDocumentString(`
    mutation DeleteSecret($input: DeleteSecretInput!) {
  deleteSecret(input: $input) {
    __typename
    ... on DeleteSecretPayload {
      deletedName
    }
    ... on Error {
      code
      message
      path
    }
  }
}
    `) as unknown as TypedDocumentString<DeleteSecretMutation, DeleteSecretMutationVariables>;
export const ListSecretsDocument = new TypedDocumentString(`
    query ListSecrets {
  secrets {
    name
    source
    updatedAt
  }
}
    `) as unknown as TypedDocumentString<ListSecretsQuery, ListSecretsQueryVariables>;
export const FollowJobDocument = new TypedDocumentString(`
    subscription FollowJob($jobId: ID!) {
  jobEvents(jobId: $jobId) {
    cursor
    events {
      kind
      seq
    }
    job {
      id
      type
      status
      progress
      priority
      currentStep
      completedNodes
      totalNodes
      lastSeq
      createdAt
      startedAt
      finishedAt
      result
      error {
        code
      }
    }
  }
}
    `) as unknown as TypedDocumentString<FollowJobSubscription, FollowJobSubscriptionVariables>;
export const FollowWithRunDocument = new TypedDocumentString(`
    subscription FollowWithRun($jobId: ID!) {
  jobEvents(jobId: $jobId, kinds: [JOB_COMPLETED]) {
    events {
      seq
    }
    job {
      id
      status
      execution {
        id
        status
        output
        job {
          id
          lastSeq
        }
        steps(first: 5) {
          edges {
            node {
              path
              status
            }
          }
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<FollowWithRunSubscription, FollowWithRunSubscriptionVariables>;
export const JobAsStoredDocument = new TypedDocumentString(`
    query JobAsStored($id: ID!) {
  job(id: $id) {
    id
    type
    status
    progress
    priority
    currentStep
    completedNodes
    totalNodes
    lastSeq
    createdAt
    startedAt
    finishedAt
    result
    error {
      code
    }
  }
}
    `) as unknown as TypedDocumentString<JobAsStoredQuery, JobAsStoredQueryVariables>;
export const SharedJobsChangedDocument = new TypedDocumentString(`
    subscription SharedJobsChanged {
  jobsChanged {
    id
    status
    lastSeq
    execution {
      id
    }
  }
}
    `) as unknown as TypedDocumentString<SharedJobsChangedSubscription, SharedJobsChangedSubscriptionVariables>;
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
export const CreateForRaceDocument = new TypedDocumentString(`
    mutation CreateForRace($definition: JSON!) {
  createWorkflow(input: {definition: $definition, publish: true}) {
    __typename
    ... on CreateWorkflowPayload {
      workflow {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<CreateForRaceMutation, CreateForRaceMutationVariables>;
export const PublishForRaceDocument = new TypedDocumentString(`
    mutation PublishForRace($id: ID!, $definition: JSON!) {
  updateWorkflow(input: {id: $id, definition: $definition}) {
    __typename
  }
  publishWorkflow(input: {id: $id}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<PublishForRaceMutation, PublishForRaceMutationVariables>;
export const RollbackForRaceDocument = new TypedDocumentString(`
    mutation RollbackForRace($id: ID!) {
  rollbackWorkflow(input: {id: $id, version: 1}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<RollbackForRaceMutation, RollbackForRaceMutationVariables>;
export const ArchiveForRaceDocument = new TypedDocumentString(`
    mutation ArchiveForRace($id: ID!, $archived: Boolean!) {
  archiveWorkflow(input: {id: $id, archived: $archived}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<ArchiveForRaceMutation, ArchiveForRaceMutationVariables>;
export const DeleteForRaceDocument = new TypedDocumentString(`
    mutation DeleteForRace($id: ID!) {
  deleteWorkflow(input: {id: $id}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<DeleteForRaceMutation, DeleteForRaceMutationVariables>;
export const StartForRaceDocument = new TypedDocumentString(`
    mutation StartForRace($input: ExecuteWorkflowInput!) {
  executeWorkflow(input: $input) {
    __typename
    ... on ExecuteWorkflowPayload {
      deduplicated
      job {
        id
      }
      execution {
        id
        version {
          number
        }
      }
    }
    ... on Error {
      code
      path
    }
  }
}
    `) as unknown as TypedDocumentString<StartForRaceMutation, StartForRaceMutationVariables>;
export const CreateJobForRaceDocument = new TypedDocumentString(`
    mutation CreateJobForRace($id: ID!) {
  createJob(input: {workflow: {workflowId: $id}}) {
    __typename
    ... on CreateJobPayload {
      execution {
        version {
          number
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<CreateJobForRaceMutation, CreateJobForRaceMutationVariables>;
export const ChildrenForRaceDocument = new TypedDocumentString(`
    query ChildrenForRace($id: ID!) {
  execution(id: $id) {
    status
    children {
      edges {
        node {
          version {
            number
          }
        }
      }
    }
    error {
      code
    }
  }
}
    `) as unknown as TypedDocumentString<ChildrenForRaceQuery, ChildrenForRaceQueryVariables>;
export const CreateCountedDocument = new TypedDocumentString(`
    mutation CreateCounted($definition: JSON!) {
  createWorkflow(input: {definition: $definition, publish: true}) {
    __typename
    ... on CreateWorkflowPayload {
      workflow {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<CreateCountedMutation, CreateCountedMutationVariables>;
export const StartWithRowsDocument = new TypedDocumentString(`
    mutation StartWithRows($input: ExecuteWorkflowInput!) {
  executeWorkflow(input: $input) {
    __typename
    ... on ExecuteWorkflowPayload {
      deduplicated
      job {
        id
        execution {
          id
          mode
        }
        type
        status
        progress
        priority
        currentStep
        completedNodes
        totalNodes
        lastSeq
        createdAt
        startedAt
        finishedAt
        result
        error {
          code
        }
      }
      execution {
        id
        status
        progress
        costUsd
        mode
        tags
        priority
        runAt
        retryFrom
        trigger
        parentPath
        scheduledFor
        createdAt
        startedAt
        finishedAt
        job {
          id
          status
          totalNodes
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<StartWithRowsMutation, StartWithRowsMutationVariables>;
export const StartWithRelationsDocument = new TypedDocumentString(`
    mutation StartWithRelations($input: ExecuteWorkflowInput!) {
  executeWorkflow(input: $input) {
    __typename
    ... on ExecuteWorkflowPayload {
      deduplicated
      job {
        id
        priority
        execution {
          id
          tags
          input
          workflow {
            id
            name
          }
          version {
            number
          }
          steps(first: 5) {
            edges {
              node {
                path
                status
              }
            }
          }
          job {
            id
            totalNodes
          }
        }
      }
      execution {
        id
        mode
        tags
        priority
        input
        variables
        metadata
        definition
        graph {
          nodes {
            id
          }
        }
        workflow {
          id
          name
        }
        version {
          number
        }
        retryOf {
          id
        }
        parent {
          id
        }
        schedule {
          id
        }
        children {
          totalCount
        }
        retries(first: 1) {
          edges {
            node {
              id
            }
          }
        }
        steps(first: 5) {
          totalCount
          edges {
            node {
              path
              nodeId
            }
          }
        }
        usage {
          costUsd
        }
        job {
          priority
          execution {
            id
            workflow {
              id
            }
          }
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<StartWithRelationsMutation, StartWithRelationsMutationVariables>;
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
export const TemplatesDocument = new TypedDocumentString(`
    query Templates($category: String, $id: ID!) {
  templates(category: $category) {
    id
    name
    description
    category
    parameters
    graph {
      nodes {
        id
        type
      }
    }
  }
  template(id: $id) {
    id
    definition
  }
}
    `) as unknown as TypedDocumentString<TemplatesQuery, TemplatesQueryVariables>;
export const CreateFromTemplateDocument = new TypedDocumentString(`
    mutation CreateFromTemplate($input: CreateWorkflowFromTemplateInput!) {
  createWorkflowFromTemplate(input: $input) {
    __typename
    ... on CreateWorkflowFromTemplatePayload {
      workflow {
        name
        description
        tags
        definition
        publishedVersion {
          number
        }
      }
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
      path
      message
    }
  }
}
    `) as unknown as TypedDocumentString<CreateFromTemplateMutation, CreateFromTemplateMutationVariables>;
export const MakeFromTemplateDocument = new TypedDocumentString(`
    mutation MakeFromTemplate($input: CreateWorkflowFromTemplateInput!) {
  createWorkflowFromTemplate(input: $input) {
    __typename
    ... on CreateWorkflowFromTemplatePayload {
      workflow {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<MakeFromTemplateMutation, MakeFromTemplateMutationVariables>;
export const SimulateTemplateDocument = new TypedDocumentString(`
    mutation SimulateTemplate($workflowId: ID!, $input: JSON, $mocks: JSON) {
  simulateWorkflow(input: {workflowId: $workflowId, input: $input, mocks: $mocks}) {
    __typename
    ... on SimulateWorkflowPayload {
      status
      output
      error {
        code
        path
        message
      }
      diagnostics {
        code
      }
      unusedMocks
      callsOut {
        nodePath
        count
      }
      estimatedCostUsd
    }
    ... on Error {
      code
      message
    }
  }
}
    `) as unknown as TypedDocumentString<SimulateTemplateMutation, SimulateTemplateMutationVariables>;
export const DecideOnTemplateDocument = new TypedDocumentString(`
    mutation DecideOnTemplate($input: SignalExecutionInput!) {
  signalExecution(input: $input) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<DecideOnTemplateMutation, DecideOnTemplateMutationVariables>;
export const OutputOfTemplateDocument = new TypedDocumentString(`
    query OutputOfTemplate($id: ID!) {
  execution(id: $id) {
    status
    output
  }
}
    `) as unknown as TypedDocumentString<OutputOfTemplateQuery, OutputOfTemplateQueryVariables>;
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
export const SaveAndExecuteUnsoundDocument = new TypedDocumentString(`
    mutation SaveAndExecuteUnsound($definition: JSON!) {
  createWorkflow(input: {definition: $definition}) {
    ... on CreateWorkflowPayload {
      diagnostics {
        code
        pointer
      }
    }
  }
  executeWorkflow(input: {definition: $definition}) {
    ... on ValidationFailed {
      diagnostics {
        code
        pointer
      }
    }
  }
}
    `) as unknown as TypedDocumentString<SaveAndExecuteUnsoundMutation, SaveAndExecuteUnsoundMutationVariables>;
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
export const ValidateLargeDocument = new TypedDocumentString(`
    mutation ValidateLarge($input: ValidateWorkflowInput!) {
  validateWorkflow(input: $input) {
    __typename
    ... on ValidateWorkflowPayload {
      valid
      diagnostics {
        code
        message
        pointer
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ValidateLargeMutation, ValidateLargeMutationVariables>;
export const CreateVersionedDocument = new TypedDocumentString(`
    mutation CreateVersioned($input: CreateWorkflowInput!) {
  createWorkflow(input: $input) {
    __typename
    ... on CreateWorkflowPayload {
      workflow {
        id
        revision
        hasUnpublishedChanges
        publishedVersion {
          number
        }
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
      path
      message
    }
  }
}
    `) as unknown as TypedDocumentString<CreateVersionedMutation, CreateVersionedMutationVariables>;
export const SaveVersionedDocument = new TypedDocumentString(`
    mutation SaveVersioned($id: ID!, $definition: JSON!) {
  updateWorkflow(input: {id: $id, definition: $definition}) {
    __typename
    ... on UpdateWorkflowPayload {
      workflow {
        revision
        hasUnpublishedChanges
      }
    }
  }
}
    `) as unknown as TypedDocumentString<SaveVersionedMutation, SaveVersionedMutationVariables>;
export const PublishDocument = new TypedDocumentString(`
    mutation Publish($input: PublishWorkflowInput!) {
  publishWorkflow(input: $input) {
    __typename
    ... on PublishWorkflowPayload {
      unchanged
      diagnostics {
        code
      }
      workflow {
        id
        hasUnpublishedChanges
        publishedVersion {
          id
          number
        }
      }
      version {
        id
        number
        note
        definition
        createdAt
        graph {
          nodes {
            id
          }
        }
        workflow {
          id
        }
      }
    }
    ... on ValidationFailed {
      diagnostics {
        code
        pointer
        severity
      }
    }
    ... on RevisionConflict {
      revision
    }
    ... on Error {
      code
      path
      message
    }
  }
}
    `) as unknown as TypedDocumentString<PublishMutation, PublishMutationVariables>;
export const RollbackDocument = new TypedDocumentString(`
    mutation Rollback($input: RollbackWorkflowInput!) {
  rollbackWorkflow(input: $input) {
    __typename
    ... on RollbackWorkflowPayload {
      unchanged
      workflow {
        definition
        revision
      }
      version {
        number
        note
        definition
      }
    }
    ... on Error {
      code
      path
    }
  }
}
    `) as unknown as TypedDocumentString<RollbackMutation, RollbackMutationVariables>;
export const ArchiveDocument = new TypedDocumentString(`
    mutation Archive($input: ArchiveWorkflowInput!) {
  archiveWorkflow(input: $input) {
    __typename
    ... on ArchiveWorkflowPayload {
      workflow {
        id
        archivedAt
      }
    }
    ... on Error {
      code
      path
    }
  }
}
    `) as unknown as TypedDocumentString<ArchiveMutation, ArchiveMutationVariables>;
export const DuplicateDocument = new TypedDocumentString(`
    mutation Duplicate($input: DuplicateWorkflowInput!) {
  duplicateWorkflow(input: $input) {
    __typename
    ... on DuplicateWorkflowPayload {
      workflow {
        id
        name
        tags
        description
        definition
        revision
        publishedVersion {
          number
        }
      }
      diagnostics {
        code
      }
    }
    ... on Error {
      code
      path
    }
  }
}
    `) as unknown as TypedDocumentString<DuplicateMutation, DuplicateMutationVariables>;
export const VersionsDocument = new TypedDocumentString(`
    query Versions($id: ID!, $number: Int!, $first: Int, $after: String, $last: Int, $before: String) {
  workflow(id: $id) {
    version(number: $number) {
      number
    }
    versions(first: $first, after: $after, last: $last, before: $before) {
      totalCount
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
      edges {
        node {
          number
          note
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<VersionsQuery, VersionsQueryVariables>;
export const DiffVersionsDocument = new TypedDocumentString(`
    query DiffVersions($id: ID!, $from: Int, $to: Int) {
  workflow(id: $id) {
    diff(from: $from, to: $to) {
      from
      to
      isEmpty
      breaking
      breakingReasons {
        code
        pointer
        message
      }
      nodes {
        path
        kind
        before
        after
        changes {
          kind
          pointer
          before
          after
        }
      }
      edges {
        source
        sourceHandle
        target
        kind
      }
      variables {
        pointer
        kind
        before
        after
      }
      inputSchema {
        pointer
      }
      output {
        pointer
      }
      limits {
        pointer
      }
      other {
        pointer
      }
    }
  }
}
    `) as unknown as TypedDocumentString<DiffVersionsQuery, DiffVersionsQueryVariables>;
export const DiffOfVersionDocument = new TypedDocumentString(`
    query DiffOfVersion($id: ID!, $against: Int) {
  node(id: $id) {
    __typename
    ... on WorkflowVersion {
      number
      diff(against: $against) {
        from
        to
        nodes {
          path
          kind
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<DiffOfVersionQuery, DiffOfVersionQueryVariables>;
export const RunVersionDocument = new TypedDocumentString(`
    mutation RunVersion($input: ExecuteWorkflowInput!) {
  executeWorkflow(input: $input) {
    __typename
    ... on ExecuteWorkflowPayload {
      deduplicated
      execution {
        id
        definition
        version {
          number
        }
      }
    }
    ... on Error {
      code
      path
      message
    }
  }
}
    `) as unknown as TypedDocumentString<RunVersionMutation, RunVersionMutationVariables>;
export const RunsOfVersionDocument = new TypedDocumentString(`
    query RunsOfVersion($id: ID!, $number: Int!) {
  workflow(id: $id) {
    version(number: $number) {
      executions(first: 10) {
        totalCount
        edges {
          node {
            id
          }
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<RunsOfVersionQuery, RunsOfVersionQueryVariables>;
export const StatusOfRunDocument = new TypedDocumentString(`
    query StatusOfRun($id: ID!) {
  execution(id: $id) {
    status
  }
}
    `) as unknown as TypedDocumentString<StatusOfRunQuery, StatusOfRunQueryVariables>;
export const NamesOfWorkflowsDocument = new TypedDocumentString(`
    query NamesOfWorkflows($filter: WorkflowFilter) {
  workflows(filter: $filter, first: 100) {
    edges {
      node {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<NamesOfWorkflowsQuery, NamesOfWorkflowsQueryVariables>;
export const CreateForPageDocument = new TypedDocumentString(`
    mutation CreateForPage($name: String!, $definition: JSON!) {
  createWorkflow(input: {name: $name, definition: $definition, publish: true}) {
    __typename
    ... on CreateWorkflowPayload {
      workflow {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<CreateForPageMutation, CreateForPageMutationVariables>;
export const RunForPageDocument = new TypedDocumentString(`
    mutation RunForPage($id: ID!) {
  executeWorkflow(input: {workflowId: $id}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<RunForPageMutation, RunForPageMutationVariables>;
export const FullPageOfWorkflowsDocument = new TypedDocumentString(`
    query FullPageOfWorkflows($first: Int!) {
  workflows(first: $first, orderBy: {field: UPDATED_AT}) {
    edges {
      node {
        id
        name
        publishedVersion {
          number
        }
        versions(first: 3) {
          edges {
            node {
              number
              note
            }
          }
        }
        lastExecution {
          id
          status
          job {
            progress
          }
          version {
            number
          }
        }
        executions(first: 2) {
          edges {
            node {
              id
              status
            }
          }
        }
        stats {
          total
          p50DurationMs
          p95DurationMs
          lastRunAt
          countByStatus {
            status
            count
          }
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<FullPageOfWorkflowsQuery, FullPageOfWorkflowsQueryVariables>;
export const PlainListsDocument = new TypedDocumentString(`
    query PlainLists {
  workflows(first: 50) {
    edges {
      node {
        name
        tags
      }
    }
  }
  executions(first: 50) {
    edges {
      node {
        status
        tags
        mode
      }
    }
  }
  jobs(first: 50) {
    edges {
      node {
        status
        progress
      }
    }
  }
}
    `) as unknown as TypedDocumentString<PlainListsQuery, PlainListsQueryVariables>;
export const AllStatsDocument = new TypedDocumentString(`
    query AllStats($type: [JobType!], $days: Int) {
  jobStats(type: $type, days: $days) {
    total
    lastRunAt
    countByStatus {
      status
      count
    }
  }
}
    `) as unknown as TypedDocumentString<AllStatsQuery, AllStatsQueryVariables>;
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
      workflow {
        id
        revision
        definition
      }
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
export const BlocksOfModulesDocument = new TypedDocumentString(`
    query BlocksOfModules {
  blocks {
    type
    category
  }
}
    `) as unknown as TypedDocumentString<BlocksOfModulesQuery, BlocksOfModulesQueryVariables>;
export const JobOfModulesDocument = new TypedDocumentString(`
    query JobOfModules($id: ID!) {
  job(id: $id) {
    status
    result
    finishedAt
  }
}
    `) as unknown as TypedDocumentString<JobOfModulesQuery, JobOfModulesQueryVariables>;
export const StartDuringDeployDocument = new TypedDocumentString(`
    mutation StartDuringDeploy($definition: JSON!) {
  executeWorkflow(input: {definition: $definition}) {
    __typename
    ... on ExecuteWorkflowPayload {
      job {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<StartDuringDeployMutation, StartDuringDeployMutationVariables>;
export const StatusDuringDeployDocument = new TypedDocumentString(`
    query StatusDuringDeploy($id: ID!) {
  job(id: $id) {
    status
  }
}
    `) as unknown as TypedDocumentString<StatusDuringDeployQuery, StatusDuringDeployQueryVariables>;
export const MakeLeadEnrichmentDocument = new TypedDocumentString(`
    mutation MakeLeadEnrichment($parameters: JSON!) {
  createWorkflowFromTemplate(
    input: {templateId: "lead-enrichment", parameters: $parameters, publish: true}
  ) {
    __typename
    ... on CreateWorkflowFromTemplatePayload {
      workflow {
        id
        definition
      }
      diagnostics {
        code
        message
        pointer
      }
    }
  }
}
    `) as unknown as TypedDocumentString<MakeLeadEnrichmentMutation, MakeLeadEnrichmentMutationVariables>;
export const StartLeadEnrichmentDocument = new TypedDocumentString(`
    mutation StartLeadEnrichment($workflowId: ID!) {
  executeWorkflow(input: {workflowId: $workflowId}) {
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
    `) as unknown as TypedDocumentString<StartLeadEnrichmentMutation, StartLeadEnrichmentMutationVariables>;
export const LeadEnrichmentEndDocument = new TypedDocumentString(`
    subscription LeadEnrichmentEnd($jobId: ID!) {
  jobEvents(jobId: $jobId, kinds: [JOB_COMPLETED, JOB_FAILED, JOB_CANCELED]) {
    events {
      kind
    }
  }
}
    `) as unknown as TypedDocumentString<LeadEnrichmentEndSubscription, LeadEnrichmentEndSubscriptionVariables>;
export const LeadStoryDocument = new TypedDocumentString(`
    query LeadStory($jobId: ID!, $after: Int!) {
  job(id: $jobId) {
    status
    result
    progress
    execution {
      costUsd
      error {
        code
        message
        path
      }
    }
    events(after: $after, first: 1000) {
      hasMore
      events {
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
          usage {
            costUsd
            quantities
          }
        }
        ... on StepFailedEvent {
          handledBy
          error {
            code
            message
          }
        }
        ... on StepRetryingEvent {
          error {
            code
            message
          }
        }
        ... on StepLogEvent {
          message
        }
        ... on StepProgressEvent {
          message
        }
        ... on LoopItemCompletedEvent {
          path
        }
        ... on LoopItemFailedEvent {
          path
          error {
            code
            message
          }
        }
        ... on JobRecoveredEvent {
          recoveries
        }
        ... on JobFailedEvent {
          error {
            code
            message
            path
          }
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<LeadStoryQuery, LeadStoryQueryVariables>;
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
export const StateInMemoryTestDocument = new TypedDocumentString(`
    query StateInMemoryTest($id: ID!) {
  execution(id: $id) {
    status
    output
    error {
      code
      message
    }
  }
}
    `) as unknown as TypedDocumentString<StateInMemoryTestQuery, StateInMemoryTestQueryVariables>;
export const RetryInMemoryTestDocument = new TypedDocumentString(`
    mutation RetryInMemoryTest($id: ID!, $patchOutputs: JSON) {
  retryExecution(input: {id: $id, patchOutputs: $patchOutputs}) {
    __typename
    ... on RetryExecutionPayload {
      execution {
        id
      }
    }
    ... on Error {
      code
      message
    }
  }
}
    `) as unknown as TypedDocumentString<RetryInMemoryTestMutation, RetryInMemoryTestMutationVariables>;
export const SimulateInMemoryTestDocument = new TypedDocumentString(`
    mutation SimulateInMemoryTest($input: SimulateWorkflowInput!) {
  simulateWorkflow(input: $input) {
    __typename
    ... on SimulateWorkflowPayload {
      status
    }
  }
}
    `) as unknown as TypedDocumentString<SimulateInMemoryTestMutation, SimulateInMemoryTestMutationVariables>;
export const PauseInMemoryTestDocument = new TypedDocumentString(`
    mutation PauseInMemoryTest($id: ID!) {
  pauseExecution(input: {id: $id}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<PauseInMemoryTestMutation, PauseInMemoryTestMutationVariables>;
export const ResumeInMemoryTestDocument = new TypedDocumentString(`
    mutation ResumeInMemoryTest($id: ID!) {
  resumeExecution(input: {id: $id}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<ResumeInMemoryTestMutation, ResumeInMemoryTestMutationVariables>;
export const SignalInMemoryTestDocument = new TypedDocumentString(`
    mutation SignalInMemoryTest($input: SignalExecutionInput!) {
  signalExecution(input: $input) {
    __typename
    ... on Error {
      message
    }
  }
}
    `) as unknown as TypedDocumentString<SignalInMemoryTestMutation, SignalInMemoryTestMutationVariables>;
export const TestBlockInMemoryTestDocument = new TypedDocumentString(`
    mutation TestBlockInMemoryTest($input: TestBlockInput!) {
  testBlock(input: $input) {
    __typename
    ... on TestBlockPayload {
      status
      error {
        code
      }
    }
  }
}
    `) as unknown as TypedDocumentString<TestBlockInMemoryTestMutation, TestBlockInMemoryTestMutationVariables>;
export const SecretsOfProcessDocument = new TypedDocumentString(`
    query SecretsOfProcess {
  secrets {
    name
    source
  }
}
    `) as unknown as TypedDocumentString<SecretsOfProcessQuery, SecretsOfProcessQueryVariables>;
export const SetSecretOfProcessDocument = new TypedDocumentString(`
    mutation SetSecretOfProcess($input: SetSecretInput!) {
  setSecret(input: $input) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<SetSecretOfProcessMutation, SetSecretOfProcessMutationVariables>;
export const StatusAfterRestartDocument = new TypedDocumentString(`
    query StatusAfterRestart($id: ID!) {
  job(id: $id) {
    status
    result
  }
}
    `) as unknown as TypedDocumentString<StatusAfterRestartQuery, StatusAfterRestartQueryVariables>;
export const CreateKeptDocument = new TypedDocumentString(`
    mutation CreateKept {
  createWorkflow(input: {name: "kept"}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<CreateKeptMutation, CreateKeptMutationVariables>;
export const NamesThatWereKeptDocument = new TypedDocumentString(`
    query NamesThatWereKept {
  workflows {
    edges {
      node {
        name
      }
    }
  }
}
    `) as unknown as TypedDocumentString<NamesThatWereKeptQuery, NamesThatWereKeptQueryVariables>;
export const ViewerByKeyDocument = new TypedDocumentString(`
    query ViewerByKey {
  viewer {
    ownerId
    role
  }
}
    `) as unknown as TypedDocumentString<ViewerByKeyQuery, ViewerByKeyQueryVariables>;
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
export const MakeStormChildDocument = new TypedDocumentString(`
    mutation MakeStormChild($definition: JSON!) {
  createWorkflow(input: {definition: $definition, publish: true}) {
    __typename
    ... on CreateWorkflowPayload {
      workflow {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<MakeStormChildMutation, MakeStormChildMutationVariables>;
export const StartInStormDocument = new TypedDocumentString(`
    mutation StartInStorm($definition: JSON!, $input: JSON!, $key: String!) {
  executeWorkflow(
    input: {definition: $definition, input: $input, idempotencyKey: $key}
  ) {
    __typename
    ... on ExecuteWorkflowPayload {
      job {
        id
      }
      execution {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<StartInStormMutation, StartInStormMutationVariables>;
export const ApproveInStormDocument = new TypedDocumentString(`
    mutation ApproveInStorm($id: ID!, $key: String!) {
  signalExecution(
    input: {id: $id, name: "approval", payload: {by: "Ada"}, idempotencyKey: $key}
  ) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<ApproveInStormMutation, ApproveInStormMutationVariables>;
export const FollowInStormDocument = new TypedDocumentString(`
    subscription FollowInStorm($jobId: ID!, $after: Int!) {
  jobEvents(jobId: $jobId, after: $after) {
    cursor
    events {
      seq
      kind
    }
  }
}
    `) as unknown as TypedDocumentString<FollowInStormSubscription, FollowInStormSubscriptionVariables>;
export const CreateForWebDocument = new TypedDocumentString(`
    mutation CreateForWeb($name: String!, $definition: JSON!) {
  createWorkflow(input: {name: $name, definition: $definition, publish: true}) {
    __typename
    ... on CreateWorkflowPayload {
      workflow {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<CreateForWebMutation, CreateForWebMutationVariables>;
export const PublishForWebDocument = new TypedDocumentString(`
    mutation PublishForWeb($id: ID!, $definition: JSON!) {
  updateWorkflow(input: {id: $id, definition: $definition}) {
    __typename
  }
  publishWorkflow(input: {id: $id}) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<PublishForWebMutation, PublishForWebMutationVariables>;
export const ScheduleForWebDocument = new TypedDocumentString(`
    mutation ScheduleForWeb($workflowId: ID!) {
  createSchedule(
    input: {workflowId: $workflowId, name: "Daily", cron: "0 9 * * *"}
  ) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<ScheduleForWebMutation, ScheduleForWebMutationVariables>;