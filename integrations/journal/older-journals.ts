/**
 * Journals as earlier releases left them, for tests of an upgrade: the tables as those made them, and records with what they knew.
 *
 * The texts are of their time and stay as they are, whatever the journal of this release looks like.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import type { Attack } from '../../domain/attack.js';
import type { Mitigation } from '../../domain/mitigation.js';
import type { WrittenAttack, WrittenMitigation } from './records.js';

export type OlderSchema = 1 | 2;

const schemas: { readonly [V in OlderSchema]: string } = {
  1: `
  CREATE TABLE attacks (
    id TEXT PRIMARY KEY,
    subject TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    record TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX attacks_by_end ON attacks (ended_at);
  CREATE INDEX attacks_by_subject ON attacks (subject, started_at);
  CREATE TABLE mitigations (
    id TEXT PRIMARY KEY,
    subject TEXT NOT NULL,
    since INTEGER NOT NULL,
    settled INTEGER NOT NULL,
    record TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX mitigations_active ON mitigations (settled, since);`,
  2: `
  CREATE TABLE templates (
    listener TEXT NOT NULL,
    protocol TEXT NOT NULL,
    address TEXT NOT NULL,
    domain INTEGER NOT NULL,
    template_id INTEGER NOT NULL,
    options INTEGER NOT NULL,
    body BLOB NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (listener, protocol, address, domain, template_id)
  ) WITHOUT ROWID;
  CREATE INDEX templates_by_age ON templates (seen_at);`,
};

/** The attack without what releases of that schema did not know: `returns`, and before schema 2 what a rate rests on. */
export function olderAttack(attack: Attack, schema: OlderSchema): WrittenAttack {
  const { returns: _, cause, ...known } = attack;
  if (cause === null || schema === 2) return { ...known, cause };
  const { samples: _samples, interval: _interval, ...fired } = cause;
  return { ...known, cause: fired };
}

/** The record without what came with announcing. */
export function olderMitigation(mitigation: Mitigation, schema: OlderSchema): WrittenMitigation {
  const { id, state, since, until, comment, notified } = mitigation;
  return {
    id,
    attack: olderAttack(mitigation.attack, schema),
    state,
    since,
    until,
    comment,
    notified,
  };
}

/** Writes `journal.db` into the folder, as a daemon of that schema that was killed would have left it. */
export function writeOlderJournal(
  dir: string,
  schema: OlderSchema,
  mitigations: readonly Mitigation[],
  ended: readonly Attack[] = [],
): void {
  mkdirSync(dir, { recursive: true });
  const db = new Database(join(dir, 'journal.db'));
  db.exec(schema === 1 ? schemas[1] : schemas[1] + schemas[2]);
  db.exec(`PRAGMA user_version = ${schema}`);
  const textOf = ({ subject }: Attack): string => (subject.kind === 'host' ? subject.host : subject.prefix);
  const putAttack = db.prepare('INSERT INTO attacks VALUES (?, ?, ?, ?, ?)');
  for (const attack of [...mitigations.map((one) => one.attack), ...ended]) {
    const record = JSON.stringify(olderAttack(attack, schema));
    putAttack.run(attack.id, textOf(attack), attack.startedAt, attack.endedAt, record);
  }
  const put = db.prepare('INSERT INTO mitigations VALUES (?, ?, ?, ?, ?)');
  for (const one of mitigations) {
    const settled = one.state === 'released' && one.notified === 'unban' ? 1 : 0;
    const record = JSON.stringify(olderMitigation(one, schema));
    put.run(one.id, textOf(one.attack), one.since, settled, record);
  }
  db.close();
}
