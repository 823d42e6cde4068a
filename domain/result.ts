/**
 * Expected failures are values: a code of the closed list below, and a detail for people.
 * Every code is explained in docs/errors.md; a test holds the two lists together.
 */

export const failureCodes = [
  'CONFIG_INVALID',
  'SOURCE_UNAVAILABLE',
  'SOURCE_LOST',
  'PREFIX_NOT_OURS',
  'ADDRESS_INVALID',
  'ALREADY_MITIGATED',
  'NOT_MITIGATED',
  'LEDGER_FULL',
  'WHITELISTED',
  'JOURNAL_UNWRITABLE',
  'SCRIPT_FAILED',
  'SCRIPT_TIMEOUT',
  'SCRIPT_MISSING',
  'EVIDENCE_UNWRITABLE',
  'CAPTURE_UNREADABLE',
  'CAPTURE_UNWRITABLE',
  'DAEMON_UNREACHABLE',
  'DAEMON_RUNNING',
  'REQUEST_INVALID',
  'CONTROL_BUSY',
  'CONTROL_UNAVAILABLE',
  'LOG_UNWRITABLE',
  'DAEMON_GAVE_UP',
  'SPEAKER_UNREACHABLE',
  'SPEAKER_REFUSED',
  'HELD_BACK',
  'NOTICE_FAILED',
  'TIMEOUT',
] as const;

export type FailureCode = (typeof failureCodes)[number];
export type Failure = { readonly code: FailureCode; readonly detail: string };
export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: Failure };

export const success = <T>(value: T): Result<T> => ({ ok: true, value });
export const failure = <T = never>(code: FailureCode, detail: string): Result<T> => ({
  ok: false,
  error: { code, detail },
});
