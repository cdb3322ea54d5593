/** Work that is done after the answer: on pg-boss, in the database, shared by all instances. */
import type { Transaction } from "../db/client.ts";

/** Links and codes go through `mail`, what tells of something through `notice`: no number of the latter delays the former. */
export const QUEUES = [
  "mail",
  "notice",
  "mail_request",
  "signing_keys",
  "audit",
  "clean_up",
] as const;
export type QueueName = (typeof QUEUES)[number];

/** What a handler may know of its job. The id stays the same when it is tried again; `attempt` begins at 1. */
export type JobInfo = { id: string; createdAt: Date; attempt: number };

/** What it throws is tried again later, but for a PermanentFailure. `data` is null for what a schedule sent. */
export type JobHandler = (data: unknown, job: JobInfo) => Promise<void>;
/** By queue. What has no handler is left to other instances. */
export type JobHandlers = Partial<Record<QueueName, JobHandler>>;

/** Thrown by a handler when trying again cannot help. The message is logged and kept: it holds nothing of the data. */
export class PermanentFailure extends Error {
  override name = "PermanentFailure";
}

export type SendOptions = {
  /** Stored as it is: of one group only some are worked off at once. */
  group?: string;
  /** Without it true: what is not comes after everything in the queue that is. */
  isUrgent?: boolean;
  /** Nobody takes it before. */
  waitSeconds?: number;
};

export type Jobs = {
  /**
   * Puts a job in, with `tx` as part of that transaction. The data is stored encrypted: it may hold the link of a mail.
   */
  send(queue: QueueName, data: unknown, tx?: Transaction, options?: SendOptions): Promise<void>;
  /** Begins to work jobs off, also those on a schedule. */
  start(handlers: JobHandlers): Promise<void>;
  /** Works off what is due now, in this process, and answers when nothing is left. */
  drain(handlers: JobHandlers): Promise<void>;
  /** There may be a job in this queue: look now, and not at the next poll. */
  wake(queue: string): void;
  /** Finishes what is under way, within a few seconds. */
  stop(): Promise<void>;
};
